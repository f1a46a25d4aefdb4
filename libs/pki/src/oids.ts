/** Object identifiers, each where RFC 5280 and its neighbours define it. */
export const OID = {
  // attributes of a name (RFC 5280 appendix A)
  commonName: '2.5.4.3',
  serialNumber: '2.5.4.5',
  country: '2.5.4.6',
  locality: '2.5.4.7',
  organization: '2.5.4.10',
  organizationalUnit: '2.5.4.11',
  // extensions (RFC 5280 §4.2, §5.2, §5.3)
  subjectDirectoryAttributes: '2.5.29.9',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  authorityKeyIdentifier: '2.5.29.35',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  caIssuers: '1.3.6.1.5.5.7.48.2',
  ocsp: '1.3.6.1.5.5.7.48.1',
  // subject directory attributes of this family of business certificates (DOMAIN.md §3)
  subjectType: '2.16.886.1.100.2.1',
  cardRank: '2.16.886.1.100.2.2',
  unifiedBusinessNumber: '2.16.886.1.100.2.101',
  // keys (RFC 3279 §2.3.1, RFC 5480 §2.1.1)
  rsaEncryption: '1.2.840.113549.1.1.1',
  ecPublicKey: '1.2.840.10045.2.1',
  prime256v1: '1.2.840.10045.3.1.7',
  secp384r1: '1.3.132.0.34',
  // signatures (RFC 8017 appendix A.2.4, RFC 5758 §3.2)
  sha256WithRsa: '1.2.840.113549.1.1.11',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  ecdsaWithSha384: '1.2.840.10045.4.3.3',
} as const;
