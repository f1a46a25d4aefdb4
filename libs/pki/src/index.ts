export { loadAuthority, type Authority, type CaCertificate, type CaRole } from './authority.js';
export { ceremony, type CeremonyOptions } from './ceremony.js';
export {
  buildTbs,
  estimateCertificateBytes,
  newSerial,
  SERIAL,
  signTbs,
  type CertificateParams,
  type Issuer,
  type IssuerUrls,
} from './certificate.js';
export { CRL_REASONS, type CrlColumns, type CrlEntry, type CrlReason } from './crl-reasons.js';
export { writeCrl, type CrlOptions, type WrittenCrl } from './crl-writer.js';
export { rfc822NameOf } from './extensions.js';
export { keyIdentifier, keyKind, placeholderKey, spkiOf, type KeyKind, type SignatureAlgorithm } from './keys.js';
export { readCrl, RevocationList, verifyCrl, type ReadCrlEntry } from './crl-reader.js';
export { readCertificate, type CertificateFacts } from './certificate-reader.js';
export { lint } from './lint.js';
export { checkName, NAME_FIELDS, normalizeName, type Name } from './names.js';
export { addYears, NEUTRAL_POLICY, notAfterFor, PROFILES, type Profile, type ProfileName } from './profiles.js';
export { renewRootCrl } from './root-list.js';
export { SoftwareSigner, type Signer, type SigningStream } from './signer.js';
// what libs/ocsp signs and reads is made of the same parts
export { DerError, DerReader, readHeader } from './der-reader.js';
export { bitString, enumerated, explicit, integer, integerOctets } from './der.js';
export { nothing, octetString, oid, sequence, time, tlv } from './der.js';
export { authorityKeyIdentifier, extension, keyUsage, subjectKeyIdentifier } from './extensions.js';
export { keepOnce } from './files.js';
export { algorithmOf, SIGNATURE_ALGORITHMS } from './keys.js';
export { encodeName } from './names.js';
