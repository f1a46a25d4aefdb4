import { X509Certificate } from 'node:crypto';
import { BitString, fromBER, Sequence } from 'asn1js';
import { AlgorithmIdentifier, Certificate } from 'pkijs';
import { CaError } from '#libs/errors';
import { SERIAL, type CertificateParams } from './certificate.js';
import { assertDer } from './der-reader.js';
import { algorithmOf, keyKind, spkiOf, type SignatureAlgorithm } from './keys.js';
import { extensionProblems } from './lint-extensions.js';
import { nameProblems } from './lint-names.js';
import { addYears, type Profile } from './profiles.js';

const ALGORITHM_OIDS: Record<SignatureAlgorithm, string> = {
  'rsa-sha256': '1.2.840.113549.1.1.11',
  'ecdsa-sha256': '1.2.840.10045.4.3.2',
  'ecdsa-sha384': '1.2.840.10045.4.3.3',
};
const DAY_MS = 86_400_000;

/**
 * Holds bytes against the profile and the parameters they were built from: the TBS before it is signed, or the whole
 * certificate after, when the signature is verified too. Reads with pkijs and OpenSSL (through node:crypto), and says
 * everything that is wrong at once.
 *
 * @throws CaError certificateLint, with `problems`
 *
 * Not checked here: that the name is the registry's, that serial or key were never used before.
 */
export function lint(tbsOrCertificate: Buffer, profile: Profile, params: CertificateParams): void {
  const problems = lintProblems(tbsOrCertificate, profile, params);
  if (problems.length > 0) {
    throw new CaError('certificateLint', `${profile.name}: ${problems.join('; ')}`, { problems });
  }
}

function lintProblems(bytes: Buffer, profile: Profile, params: CertificateParams): string[] {
  let certificate: Certificate;
  let x509: X509Certificate;
  const isTbs = startsWithVersion(bytes);
  const whole = isTbs ? asCertificate(bytes, issuerAlgorithm(params)) : bytes;
  try {
    assertDer(whole);
    certificate = Certificate.fromBER(whole);
    x509 = new X509Certificate(whole);
  } catch (error) {
    return [`cannot be read: ${error instanceof Error ? error.message : String(error)}`];
  }
  return [
    ...headProblems(certificate, x509, params),
    ...validityProblems(certificate, profile, params),
    ...nameProblems(certificate, profile, params),
    ...keyProblems(certificate, x509, profile, params),
    ...extensionProblems(certificate, x509, profile, params),
    ...(isTbs ? [] : signatureProblems(x509, params)),
  ];
}

const issuerKey = (params: CertificateParams) =>
  params.issuer === 'self' ? params.publicKey : params.issuer.publicKey;

const issuerAlgorithm = (params: CertificateParams) => ALGORITHM_OIDS[algorithmOf(issuerKey(params))];

/** A TBSCertificate begins with [0] version; a Certificate with a SEQUENCE. */
function startsWithVersion(bytes: Buffer): boolean {
  const lengthOctets = bytes[1]! < 0x80 ? 0 : bytes[1]! & 0x7f;
  return bytes[2 + lengthOctets] === 0xa0;
}

/** The TBS with an empty signature, so that certificate parsers read it. */
function asCertificate(tbs: Buffer, algorithmOid: string): Buffer {
  const parsed = fromBER(tbs);
  if (parsed.offset !== tbs.length) return tbs;
  const rsa = algorithmOid === ALGORITHM_OIDS['rsa-sha256'];
  const algorithm = new AlgorithmIdentifier({ algorithmId: algorithmOid, ...(rsa && { algorithmParams: asnNull() }) });
  const signature = new BitString({ valueHex: new Uint8Array(64).buffer });
  return Buffer.from(new Sequence({ value: [parsed.result, algorithm.toSchema(), signature] }).toBER());
}

const asnNull = () => fromBER(Uint8Array.of(5, 0)).result;

function headProblems(certificate: Certificate, x509: X509Certificate, params: CertificateParams): string[] {
  const problems: string[] = [];
  const serial = Buffer.from(certificate.serialNumber.valueBlock.valueHexView).toString('hex').toUpperCase();
  if (certificate.version !== 2) problems.push('not v3');
  if (!SERIAL.test(serial)) problems.push('serial not 16 octets, the first 01–7F');
  if (serial !== params.serial || x509.serialNumber !== params.serial) problems.push('another serial');
  const wanted = issuerAlgorithm(params);
  for (const { algorithmId } of [certificate.signature, certificate.signatureAlgorithm]) {
    if (algorithmId !== wanted) problems.push(`signature algorithm ${algorithmId}, not ${wanted}`);
  }
  return problems;
}

/** RFC 5280 §4.1.2.5 and the profile's life. */
function validityProblems({ notBefore, notAfter }: Certificate, profile: Profile, params: CertificateParams): string[] {
  const problems: string[] = [];
  for (const [label, time, wanted] of [
    ['notBefore', notBefore, params.notBefore],
    ['notAfter', notAfter, params.notAfter],
  ] as const) {
    if (time.value.getTime() !== wanted.getTime()) problems.push(`another ${label}`);
    if (time.value.getTime() % 1_000 !== 0) problems.push(`${label} has a fraction of a second`);
    if ((time.type === 0) !== time.value.getUTCFullYear() < 2050) problems.push(`${label} of the wrong type`);
  }
  const { years, endsWithTaipeiDay } = profile.life;
  const latest = addYears(notBefore.value, years).getTime() + (endsWithTaipeiDay ? DAY_MS : 0);
  if (!(notBefore.value < notAfter.value)) problems.push('ends before it begins');
  if (notAfter.value.getTime() >= latest) problems.push(`lives longer than ${years} years`);
  const endOfTaipeiDay = notAfter.value.toISOString().endsWith('T15:59:59.000Z');
  if (endsWithTaipeiDay && !endOfTaipeiDay) problems.push('does not end with a Taipei day');
  if (params.issuer !== 'self' && notAfter.value > params.issuer.notAfter) problems.push('outlives its issuer');
  return problems;
}

function keyProblems(
  certificate: Certificate,
  x509: X509Certificate,
  profile: Profile,
  params: CertificateParams,
): string[] {
  const problems: string[] = [];
  const spki = Buffer.from(certificate.subjectPublicKeyInfo.toSchema().toBER());
  if (!spki.equals(spkiOf(params.publicKey)) || !x509.publicKey.equals(params.publicKey)) problems.push('another key');
  const kind = keyKind(x509.publicKey);
  if (kind === undefined || !profile.keys.includes(kind)) problems.push(`a key of kind ${kind ?? 'unknown'}`);
  return problems;
}

function signatureProblems(x509: X509Certificate, params: CertificateParams): string[] {
  return x509.verify(issuerKey(params)) ? [] : ['the signature does not verify'];
}
