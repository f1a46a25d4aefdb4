/** For tests of this lib only: an issuing CA, a delegate of it, requests by pkijs, and openssl's opinion. */
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Integer } from 'asn1js';
import { BasicOCSPResponse, Certificate, CertID, Extension, OCSPRequest, OCSPResponse, Request } from 'pkijs';
import { Clock, toWholeSeconds } from '#libs/clock';
import {
  ceremony,
  newSerial,
  octetString,
  signTbs,
  SoftwareSigner,
  type Authority,
  type CaCertificate,
} from '#libs/pki';
import { buildDelegateTbs, type DelegateParams } from './delegate-certificate.js';
import { openDelegate, type Delegate } from './delegate.js';
import { OCSP_OID } from './oids.js';
import { Responder, type KnownCertificate, type Lookup } from './responder.js';

export interface TestAuthority extends Authority {
  readonly dir: string;
  remove(): Promise<void>;
}

export async function testAuthority(): Promise<TestAuthority> {
  const dir = await mkdtemp(join(tmpdir(), 'kaika-ocsp-'));
  const authority = await ceremony({
    dir: join(dir, 'ca'),
    publicUrl: 'http://ca.example',
    clock: new Clock(),
    notBefore: new Date('2026-01-01T00:00:00Z'),
    keys: { root: 'p-384', issuing: 'p-384', card: 'p-256' }, // an RSA-4096 key takes seconds
    log: () => undefined,
  });
  return { ...authority, dir, remove: () => rm(dir, { recursive: true, force: true }) };
}

export function newSigner(kind: 'p-256' | 'rsa-2048' = 'p-256'): SoftwareSigner {
  const pair =
    kind === 'p-256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return new SoftwareSigner(pair.privateKey);
}

export async function testDelegate(issuer: CaCertificate, now: Date, signer = newSigner()): Promise<Delegate> {
  const tbs = buildDelegateTbs(delegateParams(issuer, now, signer));
  return openDelegate(await signTbs(tbs, await issuer.signer()), issuer, signer);
}

export function delegateParams(issuer: CaCertificate, now: Date, signer = newSigner()): DelegateParams {
  return {
    serial: newSerial(),
    issuer,
    subject: { C: 'TW', O: 'kaika', OU: 'kaika Business Card CA - G1', CN: 'OCSP 1' },
    publicKey: signer.publicKey,
    notBefore: toWholeSeconds(now),
  };
}

/** A responder over a fixed table, ready to answer at `now`. */
export async function testResponder(
  issuer: CaCertificate,
  known: ReadonlyMap<string, KnownCertificate>,
  now: Date,
  options: { lookup?: Lookup; maxCached?: number; delegate?: Delegate } = {},
): Promise<Responder> {
  const responder = new Responder({ issuer, lookup: async () => known, ...options });
  responder.use(options.delegate ?? (await testDelegate(issuer, now)));
  return responder;
}

export interface RequestOptions {
  readonly hash?: 'SHA-1' | 'SHA-256';
  readonly nonce?: Uint8Array;
  readonly extensions?: { type: string; critical: boolean; value: Uint8Array }[];
}

/** An OCSPRequest as pkijs writes it. */
export async function pkijsRequest(
  issuer: CaCertificate,
  serials: readonly string[],
  { hash = 'SHA-1', nonce, extensions = [] }: RequestOptions = {},
): Promise<Buffer> {
  const request = new OCSPRequest();
  const issuerCertificate = Certificate.fromBER(issuer.der);
  const ids = await Promise.all(
    serials.map(() => CertID.create(issuerCertificate, { hashAlgorithm: hash, issuerCertificate })),
  );
  request.tbsRequest.requestList = ids.map((reqCert, i) => {
    reqCert.serialNumber = new Integer({ valueHex: Buffer.from(serials[i]!, 'hex') });
    return new Request({ reqCert });
  });
  const nonces = nonce ? [{ type: OCSP_OID.nonce, critical: false, value: octetString(nonce) }] : [];
  const all = [...extensions, ...nonces].map(
    ({ type, critical, value }) => new Extension({ extnID: type, critical, extnValue: arrayBuffer(value) }),
  );
  if (all.length > 0) request.tbsRequest.requestExtensions = all;
  return Buffer.from(request.toSchema(true).toBER());
}

/** The BasicOCSPResponse in an answer, as pkijs reads it. */
export function readBasic(der: Uint8Array): BasicOCSPResponse {
  const { responseBytes } = OCSPResponse.fromBER(der);
  if (responseBytes?.responseType !== OCSP_OID.basicResponse) throw new Error('not a basic response');
  return BasicOCSPResponse.fromBER(responseBytes.response.valueBlock.valueHexView);
}

const arrayBuffer = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

const run = promisify(execFile);

/** stdout and stderr of the `openssl` command. Fails as the command does. */
export async function openssl(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run('openssl', args, { maxBuffer: 16 << 20 });
  return stdout + stderr;
}
