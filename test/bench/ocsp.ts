/**
 * OCSP answers from the request's octets to the signed answer's, one at a time: beside the bare signature over as many
 * octets, and pkijs. Every request has a nonce, so nothing comes out of the cache but where it says so.
 */
import { generateKeyPairSync, sign, webcrypto, type KeyObject } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Enumerated, Integer, OctetString, Primitive } from 'asn1js';
import {
  BasicOCSPResponse,
  Certificate,
  CertID,
  Extension,
  OCSPRequest,
  OCSPResponse,
  Request,
  ResponseBytes,
  SingleResponse,
} from 'pkijs';
import { systemClock, toWholeSeconds } from '#libs/clock';
import { buildDelegateTbs, openDelegate, Responder, type KnownCertificate } from '#libs/ocsp';
import { ceremony, newSerial, signTbs, SoftwareSigner, type CaCertificate } from '#libs/pki';
import { figure, median, type Figure } from './figures.js';

const ROUNDS = 5;
const ROUND_MS = 1_000;
const NONCE_OID = '1.3.6.1.5.5.7.48.1.2';
/** ResponseData about one certificate, with a nonce of 32 octets. */
const TBS_BYTES = 200;

const now = toWholeSeconds(systemClock().now());
const serial = newSerial();
const known = new Map<string, KnownCertificate>([
  [serial, { status: 'good', seq: 1, notAfter: new Date(now.getTime() + 1e9) }],
]);

export async function ocsp(): Promise<Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), 'kaika-bench-'));
  try {
    const keys = { root: 'p-384', issuing: 'p-384' } as const;
    const { issuing } = await ceremony({
      dir,
      publicUrl: 'http://ca.example',
      clock: systemClock(),
      keys,
      log: () => undefined,
    });
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    return [
      ...(await besideRawSign('P-256', ec, issuing, '≥ 0.5')),
      ...(await besideRawSign('RSA-2048', rsa, issuing, '≥ 0.8')),
      ...(await others(ec, issuing)),
    ];
  } finally {
    await rm(dir, { recursive: true });
  }
}

async function besideRawSign(kind: string, key: KeyObject, issuing: CaCertificate, target: string): Promise<Figure[]> {
  const responder = await responderOf(key, issuing);
  const request = await requestOf(issuing, Buffer.alloc(32, 1));
  const tbs = Buffer.alloc(TBS_BYTES, 1);
  const [ours, raw]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    ours.push(await perSecond(() => responder.answer(request, { now, thisUpdate: now })));
    raw.push(await perSecond(async () => sign('sha256', tbs, key)));
  }
  return [
    figure(`OCSP signed live, ${kind}`, median(ours), '/s'),
    figure(`raw sign, ${kind}`, median(raw), '/s'),
    figure(`OCSP signed live / raw sign, ${kind}`, median(ours) / median(raw), '×', target),
  ];
}

/** What costs no signature, and the peer. */
async function others(key: KeyObject, issuing: CaCertificate): Promise<Figure[]> {
  const responder = await responderOf(key, issuing);
  const request = await requestOf(issuing);
  const knowledge = { now, thisUpdate: now };
  const cached = await perSecond(() => responder.answer(request, knowledge));
  const refused = await perSecond(() => responder.answer(request.subarray(1), knowledge));
  const certificate = Certificate.fromBER(responder.delegate!.certificate);
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const webKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
  const withNonce = await requestOf(issuing, Buffer.alloc(32, 1));
  const peer = await perSecond(() => pkijsAnswer(withNonce, certificate, webKey));
  return [
    figure('OCSP from memory (no nonce, same certificate)', cached, '/s'),
    figure('malformed requests refused', refused, '/s'),
    figure('pkijs, the same answer, P-256', peer, '/s'),
  ];
}

async function responderOf(key: KeyObject, issuer: CaCertificate): Promise<Responder> {
  const signer = new SoftwareSigner(key);
  const subject = { C: 'TW', O: 'kaika', CN: 'OCSP bench' };
  const tbs = buildDelegateTbs({ serial: newSerial(), issuer, subject, publicKey: signer.publicKey, notBefore: now });
  const responder = new Responder({ issuer, lookup: async () => known });
  responder.use(openDelegate(await signTbs(tbs, await issuer.signer()), issuer, signer));
  return responder;
}

async function requestOf(issuer: CaCertificate, nonce?: Buffer): Promise<Buffer> {
  const request = new OCSPRequest();
  const issuerCertificate = Certificate.fromBER(issuer.der);
  const reqCert = await CertID.create(issuerCertificate, { hashAlgorithm: 'SHA-1', issuerCertificate });
  reqCert.serialNumber = new Integer({ valueHex: Buffer.from(serial, 'hex') });
  request.tbsRequest.requestList = [new Request({ reqCert })];
  if (nonce) request.tbsRequest.requestExtensions = [nonceExtension(nonce)];
  return Buffer.from(request.toSchema(true).toBER());
}

const nonceExtension = (nonce: Uint8Array) =>
  new Extension({ extnID: NONCE_OID, extnValue: new OctetString({ valueHex: nonce }).toBER() });

async function pkijsAnswer(der: Buffer, certificate: Certificate, key: webcrypto.CryptoKey): Promise<Buffer> {
  const { tbsRequest } = OCSPRequest.fromBER(der);
  const basic = new BasicOCSPResponse();
  basic.tbsResponseData.responderID = certificate.subject;
  basic.tbsResponseData.producedAt = now;
  basic.tbsResponseData.responses = tbsRequest.requestList.map(({ reqCert }) => {
    const certStatus = new Primitive({ idBlock: { tagClass: 3, tagNumber: 0 } }); // good
    return new SingleResponse({ certID: reqCert, certStatus, thisUpdate: now, nextUpdate: now });
  });
  basic.tbsResponseData.responseExtensions = tbsRequest.requestExtensions;
  basic.certs = [certificate];
  await basic.sign(key, 'SHA-256');
  const response = new OctetString({ valueHex: basic.toSchema().toBER() });
  const responseBytes = new ResponseBytes({ responseType: '1.3.6.1.5.5.7.48.1.1', response });
  return Buffer.from(
    new OCSPResponse({ responseStatus: new Enumerated({ value: 0 }), responseBytes }).toSchema().toBER(),
  );
}

async function perSecond(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  let count = 0;
  while (performance.now() - started < ROUND_MS) {
    await work();
    count += 1;
  }
  return (count * 1_000) / (performance.now() - started);
}
