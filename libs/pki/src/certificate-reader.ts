import { X509Certificate, type KeyObject } from 'node:crypto';
import type { BitString, OctetString } from 'asn1js';
import { Certificate, type AuthorityKeyIdentifier } from 'pkijs';
import { OID } from './oids.js';
import { KEY_USAGE_BITS, type KeyUsage } from './profiles.js';

/** What this product asks of a certificate somebody hands it. */
export interface CertificateFacts {
  readonly der: Buffer;
  /** Upper-case hex, as many octets as the certificate has. */
  readonly serial: string;
  /** Subject and issuer, DER as they stand in the certificate. */
  readonly nameDer: Buffer;
  readonly issuerDer: Buffer;
  /** Empty when the extension is missing. */
  readonly ski: Buffer;
  readonly authorityKeyId: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: KeyObject;
  readonly keyUsage: readonly KeyUsage[];
}

/**
 * Reads a certificate with pkijs and node:crypto, not with our own encoder's tables. No signature is checked.
 *
 * @throws Error of the parsers
 */
export function readCertificate(certificate: X509Certificate | Uint8Array): CertificateFacts {
  const x509 = certificate instanceof X509Certificate ? certificate : new X509Certificate(certificate);
  const der = Buffer.from(x509.raw);
  const parsed = Certificate.fromBER(der);
  const extension = (type: string): unknown => parsed.extensions?.find((e) => e.extnID === type)?.parsedValue;
  const ski = extension(OID.subjectKeyIdentifier) as OctetString | undefined;
  const aki = extension(OID.authorityKeyIdentifier) as AuthorityKeyIdentifier | undefined;
  const usage = extension(OID.keyUsage) as BitString | undefined;
  return {
    der,
    serial: Buffer.from(parsed.serialNumber.valueBlock.valueHexView).toString('hex').toUpperCase(),
    nameDer: Buffer.from(parsed.subject.valueBeforeDecode),
    issuerDer: Buffer.from(parsed.issuer.valueBeforeDecode),
    ski: Buffer.from(ski?.valueBlock.valueHexView ?? []),
    authorityKeyId: Buffer.from(aki?.keyIdentifier?.valueBlock.valueHexView ?? []),
    notBefore: parsed.notBefore.value,
    notAfter: parsed.notAfter.value,
    publicKey: x509.publicKey,
    keyUsage: usages(usage?.valueBlock.valueHexView ?? new Uint8Array()),
  };
}

function usages(bits: Uint8Array): KeyUsage[] {
  const all = Object.entries(KEY_USAGE_BITS) as [KeyUsage, number][];
  return all.filter(([, bit]) => ((bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0).map(([usage]) => usage);
}
