import { createHash, type X509Certificate } from 'node:crypto';
import type { BitString, OctetString, PrintableString } from 'asn1js';
import type {
  AltName,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  CertificatePolicies,
  CRLDistributionPoints,
  GeneralName,
  InfoAccess,
  SubjectDirectoryAttributes,
} from 'pkijs';
import { rfc822NameOf } from './extensions.js';
import type { CertificateParams } from './certificate.js';
import type { KeyUsage, Profile } from './profiles.js';

/** Types and order as the profiles give them. Not the encoder's table, on purpose. */
const TYPES = {
  authorityKey: '2.5.29.35',
  subjectKey: '2.5.29.14',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  policies: '2.5.29.32',
  directoryAttributes: '2.5.29.9',
  altName: '2.5.29.17',
  distributionPoints: '2.5.29.31',
  infoAccess: '1.3.6.1.5.5.7.1.1',
} as const;
type Kind = keyof typeof TYPES;

const CRITICAL: Kind[] = ['keyUsage', 'basicConstraints'];
/** First octet of the BIT STRING. */
const USAGE_BITS: Record<KeyUsage, number> = {
  digitalSignature: 0x80,
  keyEncipherment: 0x20,
  dataEncipherment: 0x10,
  keyCertSign: 0x04,
  cRLSign: 0x02,
};
const RFC822_NAME = 1;
const URI = 6;

/** What must be in each extension, as comparable text; a kind without one must be absent. */
type Wanted = Partial<Record<Kind, string>>;

export function extensionProblems(
  certificate: Certificate,
  x509: X509Certificate,
  profile: Profile,
  params: CertificateParams,
): string[] {
  const wanted = wantedExtensions(certificate, profile, params);
  const found = certificate.extensions ?? [];
  const problems: string[] = [];
  const expectedTypes = (Object.keys(TYPES) as Kind[]).filter((kind) => wanted[kind] !== undefined);
  for (const kind of expectedTypes) {
    const extension = found.find(({ extnID }) => extnID === TYPES[kind]);
    if (!extension) problems.push(`no ${kind}`);
    else if (extension.critical !== CRITICAL.includes(kind)) problems.push(`${kind} is wrongly (not) critical`);
    else if (READERS[kind](extension.parsedValue) !== wanted[kind]) problems.push(`another ${kind}`);
  }
  const types = found.map(({ extnID }) => extnID);
  if (new Set(types).size !== types.length) problems.push('an extension twice');
  const expected = new Set<string>(expectedTypes.map((kind) => TYPES[kind]));
  for (const type of types) if (!expected.has(type)) problems.push(`extension ${type} is not in the profile`);
  if (x509.ca !== (profile.ca !== undefined)) problems.push(profile.ca ? 'not a CA' : 'a CA');
  return problems;
}

function wantedExtensions(certificate: Certificate, profile: Profile, params: CertificateParams): Wanted {
  const ski = sha1(certificate.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView);
  const { issuer } = params;
  const urls = issuer === 'self' ? { crl: [] } : issuer.urls;
  const access = [
    ...(profile.names.caIssuers && urls.caIssuers ? [`1.3.6.1.5.5.7.48.2=${urls.caIssuers}`] : []),
    ...(profile.names.ocsp && urls.ocsp ? [`1.3.6.1.5.5.7.48.1=${urls.ocsp}`] : []),
  ];
  const policies = params.policies ?? profile.policies;
  const attributes = profile.directoryAttributes ? wantedAttributes(params) : [];
  return {
    authorityKey: issuer === 'self' ? ski : issuer.ski.toString('hex'),
    subjectKey: ski,
    keyUsage: String(profile.keyUsage.reduce((bits, usage) => bits | USAGE_BITS[usage], 0)),
    basicConstraints: profile.ca && `CA ${profile.ca.pathLength ?? 'unlimited'}`,
    policies: text(policies),
    directoryAttributes: text(attributes),
    altName: wantedAltName(profile, params),
    distributionPoints: profile.names.crl ? text(urls.crl) : undefined,
    infoAccess: text(access),
  };
}

const text = (values: readonly string[]) => (values.length === 0 ? undefined : values.join(' '));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const sha1 = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex');

function wantedAttributes({ subjectType, cardRank, ubn }: CertificateParams): string[] {
  return [
    ...(subjectType === undefined ? [] : [`2.16.886.1.100.2.1=19:${subjectType}`]),
    ...(cardRank === undefined ? [] : [`2.16.886.1.100.2.2=19:${cardRank}`]),
    ...(ubn === undefined ? [] : [`2.16.886.1.100.2.101=19:${ubn}`]),
  ];
}

function wantedAltName(profile: Profile, { email, cardUuid }: CertificateParams): string | undefined {
  if (profile.altName === 'cardUuid') return `${URI}:urn:uuid:${cardUuid}`;
  const mailbox = profile.altName === 'rfc822Name' && email !== undefined ? rfc822NameOf(email) : undefined;
  return mailbox === undefined ? undefined : `${RFC822_NAME}:${mailbox}`;
}

/** Each extension's value as the same comparable text. */
const READERS: Record<Kind, (value: unknown) => string> = {
  authorityKey: (value) => {
    const { keyIdentifier, authorityCertIssuer } = value as AuthorityKeyIdentifier;
    return authorityCertIssuer ? 'an issuer name' : hex(keyIdentifier?.valueBlock.valueHexView ?? new Uint8Array());
  },
  subjectKey: (value) => hex((value as OctetString).valueBlock.valueHexView),
  keyUsage: (value) => {
    const { valueHexView, unusedBits } = (value as BitString).valueBlock;
    const isMinimal = ((valueHexView[0]! >> unusedBits) & 1) === 1;
    return valueHexView.length === 1 && isMinimal ? String(valueHexView[0]) : 'not DER';
  },
  basicConstraints: (value) => {
    const { cA, pathLenConstraint } = value as BasicConstraints;
    return `${cA ? 'CA' : 'no CA'} ${String(pathLenConstraint ?? 'unlimited')}`;
  },
  policies: (value) =>
    (value as CertificatePolicies).certificatePolicies
      .map(({ policyIdentifier, policyQualifiers }) => policyIdentifier + (policyQualifiers ? '?' : ''))
      .join(' '),
  directoryAttributes: (value) =>
    (value as SubjectDirectoryAttributes).attributes
      .map(({ type, values }) => {
        const [only] = values as PrintableString[];
        return values.length === 1 ? `${type}=${only!.idBlock.tagNumber}:${only!.getValue()}` : type;
      })
      .join(' '),
  altName: (value) => (value as AltName).altNames.map(generalName).join(' '),
  distributionPoints: (value) =>
    (value as CRLDistributionPoints).distributionPoints
      .map(({ distributionPoint, reasons, cRLIssuer }) => {
        if (!Array.isArray(distributionPoint) || reasons !== undefined || cRLIssuer !== undefined) return '?';
        return distributionPoint.length === 1 ? generalName(distributionPoint[0]!).slice(2) : '?';
      })
      .join(' '),
  infoAccess: (value) =>
    (value as InfoAccess).accessDescriptions
      .map(({ accessMethod, accessLocation }) => `${accessMethod}=${generalName(accessLocation).slice(2)}`)
      .join(' '),
};

const generalName = ({ type, value }: GeneralName): string => `${type}:${String(value)}`;
