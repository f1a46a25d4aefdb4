import { generateKeyPairSync, sign } from 'node:crypto';
import type { OpenAPIObject } from '@nestjs/swagger';
import { CaError } from '#libs/errors';
import { createDelegateRequest } from '#libs/ocsp';
import type { Signer } from '#libs/pki';
import { readCard } from '../../services/card-agent/src/card-facts.js';
import type { Instance } from '../demo/instance.js';
import { ocspRequest, ocspStatus } from '../demo/ocsp.js';
import { type Dice, mutateDer, mutateJson, mutateText8 } from './mutate.js';

/** One thing that takes input from outside. @returns what is wrong with its answer, or undefined */
export interface Target {
  name: string;
  weight: number;
  try: (dice: Dice) => Promise<string | undefined>;
}

const SAMPLE_VALUES: Record<string, unknown> = {
  cardNumber: 'TT00000000000051',
  userCode: 'Kaika#2026',
  ubn: '12345675',
  name: '測試股份有限公司',
  email: 'a@b.example',
  birthDate: '0760221',
  nationalId: 'A100000001',
};

/** Every endpoint of the running instance, by its own document; OCSP; certificate requests; certificates on a card. */
export async function targets(instance: Instance): Promise<Target[]> {
  const { url } = instance.address;
  const document = (await (await fetch(`${url}/api/openapi.json`)).json()) as OpenAPIObject;
  const services = { authorization: await instance.authorization(['service']) };
  const people = { authorization: await instance.authorization('anyone') };
  const endpoints = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Operation>)
      .filter(([method]) => method !== 'head')
      .map(([method, operation]) => ({ path, method, operation })),
  );
  const onlyServices = ({ operation }: { operation: Operation }) => String(operation['x-kaika-allow']) === 'service';
  const endpoint = async (dice: Dice) => {
    const one = dice.pick(endpoints);
    return tryEndpoint(dice, url, onlyServices(one) ? services : people, one);
  };
  return [
    { name: 'JSON and paths', weight: 6, try: endpoint },
    { name: 'OCSP', weight: 6, try: await ocsp(url) },
    { name: 'certificate requests', weight: 2, try: await requests(url, services) },
    { name: 'certificates on a card', weight: 6, try: await cards(url) },
  ];
}

interface Operation {
  'x-kaika-allow'?: unknown;
  requestBody?: { content: Record<string, { schema: Schema }> };
  parameters?: { in: string; name: string }[];
}
interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  enum?: unknown[];
  anyOf?: Schema[];
  examples?: unknown[];
  example?: unknown;
}

async function tryEndpoint(
  dice: Dice,
  url: string,
  headers: Record<string, string>,
  { path, method, operation }: { path: string; method: string; operation: Operation },
) {
  const schema = operation.requestBody?.content['application/json']?.schema;
  const values = [
    'TT00000000000051',
    'x',
    '%00',
    '..%2f..',
    '１',
    "'",
    '11111111-1111-4111-8111-111111111111',
    'A'.repeat(300),
    '%E0%A4%A',
    '2026-11-21T16:00:00Z',
  ];
  const filled = path.replace(/\{[^}]+\}/g, () => dice.pick(values));
  const query = (operation.parameters ?? [])
    .filter((p) => p.in === 'query' && dice.roll(2))
    .map((p) => `${p.name}=${dice.pick(values)}`);
  const target = `${url}${filled}${query.length ? `?${query.join('&')}` : ''}`;
  const json = schema && JSON.stringify(mutateJson(dice, sample(schema)));
  const body = json !== undefined && dice.roll(10) === 0 ? mutateText8(dice, json) : json;
  const response = await fetch(target, {
    method: method.toUpperCase(),
    headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body }),
    redirect: 'manual',
  });
  const text = await response.text();
  if (response.status === 500 || response.status > 503)
    return `${method} ${target} ${body?.slice(0, 500)}: ${response.status} ${text.slice(0, 300)}`;
  if (response.status >= 400 && !/problem\+json/.test(response.headers.get('content-type') ?? '') && path !== '/ocsp') {
    return `${method} ${target}: ${response.status} is no problem document: ${text.slice(0, 100)}`;
  }
  return undefined;
}

/** A value that fits a schema, near enough to come past its first checks. */
function sample(schema: Schema, name = ''): unknown {
  if (schema.examples?.length) return schema.examples[0];
  if (schema.example !== undefined) return schema.example;
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return sample(schema.anyOf[0]!, name);
  if (schema.properties)
    return Object.fromEntries(Object.entries(schema.properties).map(([key, of]) => [key, sample(of, key)]));
  if (schema.type === 'array') return schema.items ? [sample(schema.items, name)] : [];
  if (schema.type === 'boolean') return true;
  if (schema.type === 'number' || schema.type === 'integer') return 1;
  return SAMPLE_VALUES[name] ?? 'text';
}

async function ocsp(url: string): Promise<Target['try']> {
  const ca = await issuingCa(url);
  const request = await ocspRequest(ca, '4C02B4C882E09F74BF635EBAFA2530A9');
  return async (dice) => {
    const der = mutateDer(dice, request);
    const get = dice.roll(4) === 0 && der.length > 0; // nothing to read is no path of OCSP's
    const response = get
      ? await fetch(`${url}/ocsp/${encodeURIComponent(der.toString('base64'))}`)
      : await fetch(`${url}/ocsp`, {
          method: 'POST',
          headers: { 'content-type': 'application/ocsp-request' },
          body: new Uint8Array(der),
        });
    const answer = Buffer.from(await response.arrayBuffer());
    if (response.status !== 200) return `OCSP ${der.toString('hex')}: HTTP ${response.status}`;
    if (answer.equals(Buffer.from('30030a0102', 'hex'))) return `OCSP ${der.toString('hex')}: internalError`;
    ocspStatus(answer); // throws when it is no OCSP response
    return undefined;
  };
}

async function requests(url: string, headers: Record<string, string>): Promise<Target['try']> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = {
    algorithm: 'ecdsa-sha256',
    publicKey,
    sign: async (tbs: Uint8Array) => sign('sha256', tbs, privateKey),
  } as unknown as Signer;
  const csr = await createDelegateRequest(signer);
  return async (dice) => {
    const body = JSON.stringify({ csr: mutateDer(dice, csr).toString('base64') });
    const response = await fetch(`${url}/api/v1/ocsp-delegates`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body,
    });
    await response.arrayBuffer();
    return response.status >= 500 && response.status !== 503
      ? `certificate request ${body}: ${response.status}`
      : undefined;
  };
}

/** In this process: what the agent makes of a card whose certificates are broken. Only named errors may come of it. */
async function cards(url: string): Promise<Target['try']> {
  const serials = (await search(url)).serials;
  const download = async (serial: string) =>
    Buffer.from(await (await fetch(`${url}/api/v1/certificates/${serial}.cer`)).arrayBuffer());
  const certificates = {
    '9C': await download(serials.signature),
    '9D': await download(serials.encryption),
    '9E': await issuingCa(url),
  };
  const chuid = async () => ({ cardUuid: '11111111-1111-4111-8111-111111111111' });
  return async (dice) => {
    const slot = dice.pick(['9C', '9D', '9E'] as const);
    const broken = mutateDer(dice, certificates[slot]);
    const readCertificate = async (of: keyof typeof certificates) => (of === slot ? broken : certificates[of]);
    try {
      await readCard({ readCertificate, chuid } as never);
    } catch (error) {
      if (!(error instanceof CaError)) return `certificate in ${slot}: ${String(error)}: ${broken.toString('base64')}`;
    }
    return undefined;
  };
}

async function search(url: string) {
  const answer = await fetch(`${url}/api/v1/certificates?cardNumber=MT00000000000001`);
  const { items } = (await answer.json()) as {
    items: { issuerSki: string; serials: { signature: string; encryption: string } }[];
  };
  return items[0]!;
}

async function issuingCa(url: string): Promise<Buffer> {
  const { issuerSki } = await search(url);
  return Buffer.from(await (await fetch(`${url}/ca/${issuerSki}.cer`)).arrayBuffer());
}
