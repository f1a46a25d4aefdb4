import { CaError } from '#libs/errors';
import type { Authority } from '#libs/pki';

/** Injects the `Authority` (libs/pki); of its folder only the certificates are used. */
export const AUTHORITY = Symbol('authority');

/**
 * A certificate with those of its CAs, up to the root.
 *
 * @returns DER each, the certificate first
 * @throws CaError authorityUnavailable when its issuer is not in the authority's folder
 */
export function chainOf(
  { der, issuerSki }: { der: Buffer; issuerSki: string },
  { issuing, root }: Pick<Authority, 'issuing' | 'root'>,
): Buffer[] {
  if (issuerSki !== issuing.skiHex) throw new CaError('authorityUnavailable', `no certificate of the CA ${issuerSki}`);
  return [der, issuing.der, root.der];
}
