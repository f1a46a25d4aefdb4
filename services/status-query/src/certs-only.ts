import forge from 'node-forge';

const { asn1, pki } = forge;
const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class;
const { SEQUENCE, SET, OID, INTEGER } = asn1.Type;

const constructed = (tagClass: forge.asn1.Class, type: forge.asn1.Type, ...parts: forge.asn1.Asn1[]) =>
  asn1.create(tagClass, type, true, parts);
const sequence = (...parts: forge.asn1.Asn1[]) => constructed(UNIVERSAL, SEQUENCE, ...parts);
const oid = (name: 'data' | 'signedData') =>
  asn1.create(UNIVERSAL, OID, false, asn1.oidToDer(pki.oids[name]!).getBytes());

/**
 * Certificates alone, as a degenerate SignedData without content and signers (RFC 5652 §5.1, `.p7b`), in the order
 * given. Made of ASN.1 values and not of forge's own certificates, which know RSA keys only.
 *
 * @param certificates  DER each; their octets are taken over as they are
 * @returns             DER
 */
export function certsOnly(certificates: readonly Buffer[]): Buffer {
  const version = asn1.create(UNIVERSAL, INTEGER, false, asn1.integerToDer(1).getBytes());
  const none = () => constructed(UNIVERSAL, SET);
  const signedData = sequence(
    version,
    none(), // digestAlgorithms
    sequence(oid('data')),
    constructed(CONTEXT_SPECIFIC, 0 as forge.asn1.Type, ...certificates.map(parse)),
    none(), // signerInfos
  );
  const content = sequence(oid('signedData'), constructed(CONTEXT_SPECIFIC, 0 as forge.asn1.Type, signedData));
  return Buffer.from(asn1.toDer(content).getBytes(), 'binary');
}

function parse(der: Buffer): forge.asn1.Asn1 {
  const options = { strict: true, parseAllBytes: true, decodeBitStrings: false };
  return asn1.fromDer(der.toString('binary'), options as never);
}
