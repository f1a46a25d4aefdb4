import { domainToASCII } from 'node:url';
import {
  boolean,
  explicit,
  ia5Octets,
  implicit,
  integer,
  namedBits,
  octetString,
  oid,
  printable,
  sequence,
  setOf,
  tlv,
} from './der.js';
import { OID } from './oids.js';
import { KEY_USAGE_BITS, type KeyUsage } from './profiles.js';

/** One Extension; `critical` is left out when false, being its default (X.690 §11.5). */
export function extension(type: string, critical: boolean, value: Buffer): Buffer {
  return critical ? sequence(oid(type), boolean(true), octetString(value)) : sequence(oid(type), octetString(value));
}

/** The issuer's key alone: an issuer name and serial would break when the CA's own certificate is renewed. */
export const authorityKeyIdentifier = (ski: Buffer): Buffer =>
  extension(OID.authorityKeyIdentifier, false, sequence(implicit(0, ski)));

export const subjectKeyIdentifier = (ski: Buffer): Buffer =>
  extension(OID.subjectKeyIdentifier, false, octetString(ski));

export const keyUsage = (usages: readonly KeyUsage[]): Buffer =>
  extension(OID.keyUsage, true, namedBits(usages.map((usage) => KEY_USAGE_BITS[usage])));

export function basicConstraints(pathLength: number | undefined): Buffer {
  const limit = pathLength === undefined ? [] : [integer(pathLength)];
  return extension(OID.basicConstraints, true, sequence(boolean(true), ...limit));
}

export const certificatePolicies = (policies: readonly string[]): Buffer =>
  extension(OID.certificatePolicies, false, sequence(...policies.map((policy) => sequence(oid(policy)))));

/** SubjectDirectoryAttributes (RFC 5280 §4.2.1.8): one PrintableString each. */
export const subjectDirectoryAttributes = (attributes: [type: string, value: string][]): Buffer =>
  extension(
    OID.subjectDirectoryAttributes,
    false,
    sequence(...attributes.map(([type, value]) => sequence(oid(type), setOf(printable(value))))),
  );

const RFC822_NAME = 1;
const URI = 6;

export const emailAltName = (mailbox: string): Buffer =>
  extension(OID.subjectAltName, false, sequence(implicit(RFC822_NAME, ia5Octets(mailbox))));

export const uuidAltName = (uuid: string): Buffer =>
  extension(OID.subjectAltName, false, sequence(implicit(URI, ia5Octets(`urn:uuid:${uuid}`))));

/**
 * One DistributionPoint for each URL. Two URLs inside one element would say that both give the same list, which a
 * partition and the complete list don't (RFC 5280 §4.2.1.13).
 */
export function crlDistributionPoints(urls: readonly string[]): Buffer {
  const points = urls.map((url) => {
    const fullName = tlv(0xa0, implicit(URI, ia5Octets(url)));
    return sequence(explicit(0, fullName));
  });
  return extension(OID.crlDistributionPoints, false, sequence(...points));
}

export function authorityInfoAccess(urls: { caIssuers?: string; ocsp?: string }): Buffer {
  const description = (method: string, url: string) => sequence(oid(method), implicit(URI, ia5Octets(url)));
  return extension(
    OID.authorityInfoAccess,
    false,
    sequence(
      ...(urls.caIssuers === undefined ? [] : [description(OID.caIssuers, urls.caIssuers)]),
      ...(urls.ocsp === undefined ? [] : [description(OID.ocsp, urls.ocsp)]),
    ),
  );
}

/**
 * The mailbox as a rfc822Name: ASCII local part (an RFC 5321 dot-atom) and A-label domain; undefined for any other,
 * which is then left out of the certificate (DOMAIN.md §3).
 */
export function rfc822NameOf(email: string): string | undefined {
  const parts = /^([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)@([^@]+)$/.exec(email);
  if (!parts || parts[1]!.length > 64) return undefined;
  const domain = domainToASCII(parts[2]!);
  const labels = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/;
  return labels.test(domain) ? `${parts[1]}@${domain}` : undefined;
}
