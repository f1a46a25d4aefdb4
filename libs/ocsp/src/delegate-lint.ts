import { createHash, X509Certificate } from 'node:crypto';
import { Certificate, type ExtKeyUsage } from 'pkijs';
import { CaError } from '#libs/errors';
import {
  algorithmOf,
  bitString,
  encodeName,
  keyKind,
  readCertificate,
  readHeader,
  SERIAL,
  sequence,
  SIGNATURE_ALGORITHMS,
  type CertificateFacts,
} from '#libs/pki';
import {
  DELEGATE_KEYS,
  DELEGATE_LIFE_DAYS,
  delegateNotAfter,
  type DelegateIssuer,
  type DelegateParams,
} from './delegate-certificate.js';

/** Everything a delegate has, and whether it is critical. Not the encoder's table, on purpose. */
const EXTENSIONS: Record<string, boolean> = {
  '2.5.29.35': false, // authorityKeyIdentifier
  '2.5.29.14': false, // subjectKeyIdentifier
  '2.5.29.15': true, // keyUsage
  '2.5.29.37': false, // extKeyUsage
  '1.3.6.1.5.5.7.48.1.5': false, // ocsp-nocheck
};
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
const DER_NULL = '0500';
const DAY_MS = 86_400_000;

/**
 * Everything that is wrong with a delegate's certificate, read with pkijs and node:crypto; the signature is verified.
 * Its dates are held against each other and the issuer's, not against the time now.
 */
export function delegateProblems(certificate: Buffer, issuer: DelegateIssuer): string[] {
  const problems = contentProblems(certificate, issuer);
  if (problems.length > 0) return problems;
  return new X509Certificate(certificate).verify(issuer.publicKey) ? [] : ['the signature is not the issuer’s'];
}

/**
 * Holds bytes against what they were built from: the TBS before it is signed, or the certificate after.
 *
 * @throws CaError certificateLint, with `problems`
 */
export function lintDelegate(tbsOrCertificate: Buffer, params: DelegateParams): void {
  const isTbs = tbsOrCertificate[readHeader(tbsOrCertificate, 0).contentStart] === 0xa0;
  const whole = isTbs ? unsigned(tbsOrCertificate, params.issuer) : tbsOrCertificate;
  const problems = isTbs ? contentProblems(whole, params.issuer) : delegateProblems(whole, params.issuer);
  if (problems.length === 0) problems.push(...paramProblems(readCertificate(whole), params));
  if (problems.length > 0) throw new CaError('certificateLint', `delegate: ${problems.join('; ')}`, { problems });
}

/** The TBS with a signature of nothing, so that certificate parsers read it. */
function unsigned(tbs: Buffer, { publicKey }: DelegateIssuer): Buffer {
  return sequence(tbs, SIGNATURE_ALGORITHMS[algorithmOf(publicKey)].identifier, bitString(Buffer.of(0)));
}

function contentProblems(der: Buffer, issuer: DelegateIssuer): string[] {
  try {
    const facts = readCertificate(der);
    const parsed = Certificate.fromBER(der);
    return [...headProblems(facts, parsed, issuer), ...extensionProblems(facts, parsed)];
  } catch (error) {
    return [`cannot be read: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function headProblems(facts: CertificateFacts, parsed: Certificate, issuer: DelegateIssuer): string[] {
  const { serial, issuerDer, authorityKeyId, notBefore, notAfter, publicKey, ski } = facts;
  const keyOctets = parsed.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView;
  const kind = keyKind(publicKey);
  return [
    ...(parsed.version === 2 ? [] : ['not v3']),
    ...(SERIAL.test(serial) ? [] : ['serial not 16 octets, the first 01–7F']),
    ...(issuerDer.equals(issuer.nameDer) && authorityKeyId.equals(issuer.ski) ? [] : ['of another issuer']),
    ...(ski.equals(createHash('sha1').update(keyOctets).digest()) ? [] : ['another key identifier']),
    ...(kind !== undefined && DELEGATE_KEYS.includes(kind) ? [] : [`a key of kind ${kind ?? 'unknown'}`]),
    ...(publicKey.equals(issuer.publicKey) ? ['the issuer’s own key'] : []),
    ...(notBefore < notAfter ? [] : ['ends before it begins']),
    ...(notAfter.getTime() - notBefore.getTime() < DELEGATE_LIFE_DAYS * DAY_MS ? [] : ['lives too long']),
    ...(notAfter <= issuer.notAfter ? [] : ['outlives its issuer']),
  ];
}

function extensionProblems(facts: CertificateFacts, { extensions = [] }: Certificate): string[] {
  const problems: string[] = [];
  const types = extensions.map(({ extnID }) => extnID);
  for (const type of Object.keys(EXTENSIONS)) if (!types.includes(type)) problems.push(`no extension ${type}`);
  if (new Set(types).size !== types.length) problems.push('an extension twice');
  for (const { extnID, critical, extnValue, parsedValue } of extensions) {
    const wanted = EXTENSIONS[extnID];
    if (wanted === undefined) problems.push(`extension ${extnID} is not in the profile`);
    else if (critical !== wanted) problems.push(`extension ${extnID} is wrongly (not) critical`);
    if (extnID === '2.5.29.37' && (parsedValue as ExtKeyUsage).keyPurposes.join(' ') !== OCSP_SIGNING) {
      problems.push('extKeyUsage is not OCSPSigning alone');
    }
    if (extnID === '1.3.6.1.5.5.7.48.1.5' && hex(extnValue.valueBlock.valueHexView) !== DER_NULL) {
      problems.push('ocsp-nocheck is not NULL');
    }
  }
  if (facts.keyUsage.join(' ') !== 'digitalSignature') problems.push('keyUsage is not digitalSignature alone');
  return problems;
}

function paramProblems(facts: CertificateFacts, params: DelegateParams): string[] {
  return [
    ...(facts.serial === params.serial ? [] : ['another serial']),
    ...(facts.nameDer.equals(encodeName(params.subject)) ? [] : ['another subject']),
    ...(facts.publicKey.equals(params.publicKey) ? [] : ['another key']),
    ...(facts.notBefore.getTime() === params.notBefore.getTime() ? [] : ['another notBefore']),
    ...(facts.notAfter.getTime() === delegateNotAfter(params).getTime() ? [] : ['another notAfter']),
  ];
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
