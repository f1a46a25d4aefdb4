import { generateKeyPairSync } from 'node:crypto';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { Role } from '#libs/doors';
import { checkDigit } from '../../services/issuance/src/applications/case-number.js';

/** What an OpenAPI document says of a value; `examples` as zod writes them. */
export interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: unknown;
  items?: Schema;
  enum?: unknown[];
  anyOf?: Schema[];
  examples?: unknown[];
  pattern?: string;
  format?: string;
}

export interface Parameter {
  name: string;
  schema: Schema;
}

export interface Endpoint {
  method: string;
  path: string;
  allow?: 'anyone' | Role[];
  body?: Schema;
  params: Parameter[];
  query: Parameter[];
}

interface Operation {
  'x-kaika-allow'?: Endpoint['allow'];
  requestBody?: { content: Record<string, { schema: Schema }> };
  parameters?: (Parameter & { in: string })[];
}

/** Every endpoint that a running instance says it has, apart from OCSP, whose input is DER. */
export async function endpoints(url: string): Promise<Endpoint[]> {
  const { paths } = (await (await fetch(`${url}/api/openapi.json`)).json()) as OpenAPIObject;
  return Object.entries(paths)
    .filter(([path]) => !path.startsWith('/ocsp'))
    .flatMap(([path, item]) =>
      Object.entries(item as Record<string, Operation>).map(([method, { requestBody, parameters = [], ...more }]) => ({
        method: method.toUpperCase(),
        path,
        allow: more['x-kaika-allow'],
        body: requestBody?.content['application/json']?.schema,
        params: parameters.filter((parameter) => parameter.in === 'path'),
        query: parameters.filter((parameter) => parameter.in === 'query'),
      })),
    );
}

/** Secrets that no answer and no line of the log may repeat. They pass the checks, so that they come far. */
export const SECRETS = { userCode: 'qZ7%mark', nationalId: 'F131104093', oneTimeCode: '70413928' };

const UUID = '11111111-1111-4111-8111-111111111111';
const CASE = '115000000000';
/** What the schemas do not tell, by member. */
const SAMPLES: Record<string, unknown> = {
  ...SECRETS,
  emailCode: SECRETS.oneTimeCode,
  newUserCode: 'new%Z7qm',
  newUserCodeAgain: 'new%Z7qm',
  birthDate: '0760221',
  until: '2126-01-01',
  cut: '2020-01-01T16:00:00Z',
  compromisedAt: '2020-01-01T16:00:00Z',
  case: `K${CASE}${checkDigit(CASE)}`,
  pinTries: 3,
  csr: 'MAA=',
  digest: 'a'.repeat(64),
  registeredMail: '12345678901234',
  signature: 'A'.repeat(86),
  nonce: 'A'.repeat(43),
  signatureCertificateSha256: 'A'.repeat(43),
  encryptionCertificateSha256: 'A'.repeat(43),
  ephemeralKey: 'A'.repeat(120),
  ski: 'A'.repeat(40),
  kind: 'branch',
  registration: { caseNumber: '1150012345', kind: 'change' },
  keys: [generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })],
  cardNumber: 'TT00000000000051',
};

/** Members that may be left out, and would not fit with the others. */
const LEFT_OUT = ['county', 'range', 'birthDate', 'email', 'newUserCode', 'newUserCodeAgain', 'confirmed'];

/** A value of the schema that its endpoint takes, as far as form goes. */
export function sample(schema: Schema, name = ''): unknown {
  if (schema.pattern?.startsWith('^R')) return String(SAMPLES['case']).replace('K', 'R'); // of a card sent in
  if (name in SAMPLES) return SAMPLES[name];
  if (schema.examples) return schema.examples[0];
  if (schema.enum) return schema.enum[0];
  if (schema.properties) return Object.fromEntries(membersOf(schema).map(([key, of]) => [key, sample(of, key)]));
  if (schema.type === 'array') return [sample(schema.items!)];
  if (schema.type === 'boolean') return true;
  if (schema.type === 'integer' || schema.pattern?.includes('\\d{1,18}') || schema.pattern?.includes('[1-9]'))
    return '1';
  return schema.format === 'uuid' || schema.pattern?.includes('[0-9a-fA-F]{8}-') ? UUID : 'text';
}

function membersOf({ properties = {}, required = [] }: Schema) {
  const left = 'proof' in properties ? [...LEFT_OUT, 'nationalId'] : LEFT_OUT;
  return Object.entries(properties).filter(([key]) => required.includes(key) || !left.includes(key));
}

/** One place in a body: the path to it, what belongs there, and whether it may be left out. */
export interface Field {
  steps: string[];
  schema: Schema;
  required: boolean;
}

/** All places of a body's schema, outer before inner. What is inside of a choice is named by the choice. */
export function fieldsOf(schema: Schema, steps: string[] = []): Field[] {
  const members: [string, Schema, boolean][] = schema.properties
    ? Object.entries(schema.properties).map(([key, of]) => [key, of, schema.required?.includes(key) ?? false])
    : schema.items
      ? [['0', schema.items, false]]
      : [];
  return members.flatMap(([step, of, required]) => [
    { steps: [...steps, step], schema: of, required },
    ...fieldsOf(of, [...steps, step]),
  ]);
}

/** The path with every parameter filled in, one of them by `bad`. */
export function filled({ path, params }: Endpoint, bad: Record<string, string> = {}): string {
  return path.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const { schema } = params.find((parameter) => parameter.name === name) ?? { schema: { type: 'string' } };
    return bad[name] ?? encodeURIComponent(String(sample(schema, name)));
  });
}
