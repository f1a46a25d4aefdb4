/** Building and signing a subscriber's certificate beside the bare signature over as many octets, one at a time. */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import {
  buildTbs,
  keyIdentifier,
  lint,
  newSerial,
  notAfterFor,
  placeholderKey,
  PROFILES,
  SoftwareSigner,
  signTbs,
  spkiOf,
  type CertificateParams,
} from '#libs/pki';
import { figure, median, type Figure } from './figures.js';

const ROUNDS = 5;
const ROUND_MS = 1_000;
const NOT_BEFORE = new Date('2026-11-21T08:00:00Z');
/** C=TW, O=CA */
const ISSUER_NAME = Buffer.from('301a310b3009060355040613025457310b3009060355040a0c024341', 'hex');

export async function certificate(): Promise<Figure[]> {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  return [
    ...(await besideRawSign('RSA-2048', rsa, '≥ 0.70')),
    ...(await besideRawSign('P-256', ec, '≥ 0.40')),
    await lintAlone(ec),
  ];
}

async function besideRawSign(kind: string, key: KeyObject, target: string): Promise<Figure[]> {
  const signer = new SoftwareSigner(key);
  const params = paramsFor(signer);
  const profile = PROFILES.businessCardSignature;
  const tbs = buildTbs(profile, params);
  const [ours, raw]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    ours.push(await perSecond(() => signTbs(buildTbs(profile, { ...params, serial: newSerial() }), signer)));
    raw.push(await perSecond(async () => sign('sha256', tbs, key)));
  }
  return [
    figure(`build and sign, ${kind} CA`, median(ours), '/s'),
    figure(`raw sign, ${kind}`, median(raw), '/s'),
    figure(`build and sign / raw sign, ${kind}`, median(ours) / median(raw), '×', target),
  ];
}

async function lintAlone(key: KeyObject): Promise<Figure> {
  const params = paramsFor(new SoftwareSigner(key));
  const tbs = buildTbs(PROFILES.businessCardSignature, params);
  const rate = await perSecond(async () => lint(tbs, PROFILES.businessCardSignature, params));
  return figure('lint of a TBS, by pkijs and OpenSSL', 1_000 / rate, 'ms');
}

function paramsFor(signer: SoftwareSigner): CertificateParams {
  const notAfter = new Date('2046-01-01T00:00:00Z');
  return {
    serial: newSerial(),
    issuer: {
      nameDer: ISSUER_NAME,
      ski: keyIdentifier(spkiOf(signer.publicKey)),
      notAfter,
      publicKey: signer.publicKey,
      urls: {
        crl: ['http://ca.example/crl/g1/complete.crl'],
        caIssuers: 'http://ca.example/ca/0123456789ABCDEF0123456789ABCDEF01234567.cer',
        ocsp: 'http://ca.example/ocsp',
      },
    },
    subject: { C: 'TW', L: '臺北市', O: '開卡測試股份有限公司' },
    publicKey: placeholderKey('rsa-2048'),
    notBefore: NOT_BEFORE,
    notAfter: notAfterFor(PROFILES.businessCardSignature, NOT_BEFORE, notAfter),
    ubn: '04595257',
    subjectType: 'company',
    cardRank: 'primary',
    email: 'office@example.com',
  };
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
