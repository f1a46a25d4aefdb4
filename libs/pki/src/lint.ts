import { X509Certificate } from 'node:crypto';
import { Certificate } from 'pkijs';
import { CaError } from '#libs/errors';
import { SERIAL, type CertificateParams } from './certificate.js';
import { assertDer } from './der-reader.js';
import { algorithmOf, keyKind, type SignatureAlgorithm } from './keys.js';
import { extensionProblems } from './lint-extensions.js';
import { nameProblems } from './lint-names.js';
import { addYears, type Profile } from './profiles.js';

/** AlgorithmIdentifier of each, not from the encoder's table, on purpose. */
const ALGORITHMS: Record<SignatureAlgorithm, { oid: string; identifier: string }> = {
  'rsa-sha256': { oid: '1.2.840.113549.1.1.11', identifier: '300d06092a864886f70d01010b0500' },
  'ecdsa-sha256': { oid: '1.2.840.10045.4.3.2', identifier: '300a06082a8648ce3d040302' },
  'ecdsa-sha384': { oid: '1.2.840.10045.4.3.3', identifier: '300a06082a8648ce3d040303' },
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

/** Whatever the parsers throw, at first sight or deep inside an extension, is a problem of the bytes. */
function lintProblems(bytes: Buffer, profile: Profile, params: CertificateParams): string[] {
  try {
    return readProblems(bytes, profile, params);
  } catch (error) {
    return [`cannot be read: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function readProblems(bytes: Buffer, profile: Profile, params: CertificateParams): string[] {
  const isTbs = startsWithVersion(bytes);
  const whole = isTbs ? asCertificate(bytes, issuerAlgorithm(params).identifier) : bytes;
  assertDer(whole);
  const certificate = Certificate.fromBER(whole);
  const x509 = new X509Certificate(whole);
  return [
    ...headProblems(certificate, x509, params),
    ...validityProblems(certificate, profile, params),
    ...nameProblems(certificate, profile, params),
    ...keyProblems(x509, profile, params),
    ...extensionProblems(certificate, x509, profile, params),
    ...(isTbs ? [] : signatureProblems(x509, params)),
  ];
}

const issuerKey = (params: CertificateParams) =>
  params.issuer === 'self' ? params.publicKey : params.issuer.publicKey;

const issuerAlgorithm = (params: CertificateParams) => ALGORITHMS[algorithmOf(issuerKey(params))];

/** A TBSCertificate begins with [0] version; a Certificate with a SEQUENCE. */
function startsWithVersion(bytes: Buffer): boolean {
  const lengthOctets = bytes[1]! < 0x80 ? 0 : bytes[1]! & 0x7f;
  return bytes[2 + lengthOctets] === 0xa0;
}

/** The TBS with a signature of nothing, so that certificate parsers read it. */
function asCertificate(tbs: Buffer, identifier: string): Buffer {
  const rest = Buffer.concat([Buffer.from(identifier, 'hex'), Buffer.of(0x03, 0x02, 0x00, 0x00)]);
  const length = tbs.length + rest.length;
  return Buffer.concat([Buffer.of(0x30, 0x82, (length >> 8) & 0xff, length & 0xff), tbs, rest]);
}

function headProblems(certificate: Certificate, x509: X509Certificate, params: CertificateParams): string[] {
  const problems: string[] = [];
  const serial = Buffer.from(certificate.serialNumber.valueBlock.valueHexView).toString('hex').toUpperCase();
  if (certificate.version !== 2) problems.push('not v3');
  if (!SERIAL.test(serial)) problems.push('serial not 16 octets, the first 01–7F');
  if (serial !== params.serial || x509.serialNumber !== params.serial) problems.push('another serial');
  const wanted = issuerAlgorithm(params).oid;
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

/** The key as OpenSSL would encode it. */
function keyProblems(x509: X509Certificate, profile: Profile, params: CertificateParams): string[] {
  const problems: string[] = [];
  const spki = params.publicKey.export({ type: 'spki', format: 'der' });
  if (!x509.raw.includes(spki) || !x509.publicKey.equals(params.publicKey)) problems.push('another key');
  const kind = keyKind(x509.publicKey);
  if (kind === undefined || !profile.keys.includes(kind)) problems.push(`a key of kind ${kind ?? 'unknown'}`);
  return problems;
}

function signatureProblems(x509: X509Certificate, params: CertificateParams): string[] {
  return x509.verify(issuerKey(params)) ? [] : ['the signature does not verify'];
}
