import {
  bitString,
  CRL_REASONS,
  enumerated,
  explicit,
  extension,
  octetString,
  oid,
  sequence,
  SIGNATURE_ALGORITHMS,
  tlv,
  type CrlReason,
} from '#libs/pki';
import type { Delegate } from './delegate.js';
import { OCSP_OID } from './oids.js';

/** OCSPResponseStatus (RFC 6960 §4.2.1). `sigRequired` (5) is never used here. */
export const RESPONSE_STATUS = {
  successful: 0,
  malformedRequest: 1,
  internalError: 2,
  tryLater: 3,
  unauthorized: 6,
} as const;
export type ResponseStatus = keyof typeof RESPONSE_STATUS;

/** CertStatus (RFC 6960 §4.2.1). */
export type CertStatus =
  | { readonly status: 'good' }
  | { readonly status: 'unknown' }
  | { readonly status: 'revoked'; readonly revocationTime: Date; readonly reason?: CrlReason };

/** What is said about one certificate. Fractions of seconds are cut off. */
export interface SingleResponse {
  /** As the request has it, DER. */
  readonly certId: Buffer;
  readonly certStatus: CertStatus;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Status is known of certificates that expired since then (RFC 6960 §4.4.4). */
  readonly archiveCutoff?: Date;
}

export interface ResponseData {
  readonly producedAt: Date;
  readonly responses: readonly SingleResponse[];
  readonly nonce?: Buffer;
}

/** An error needs no signature, and has none (RFC 6960 §2.3). */
export function errorResponse(status: Exclude<ResponseStatus, 'successful'>): Buffer {
  return sequence(enumerated(RESPONSE_STATUS[status]));
}

const SUCCESSFUL = enumerated(RESPONSE_STATUS.successful);
const BASIC_RESPONSE = oid(OCSP_OID.basicResponse);

/**
 * A signed OCSPResponse of the basic type (RFC 6960 §4.2.1), by the delegate and with its certificate.
 *
 * @throws CaError signerUnavailable
 */
export async function basicResponse(data: ResponseData, delegate: Delegate): Promise<Buffer> {
  const tbs = responseData(data, delegate.responderId);
  const signature = await delegate.signer.sign(tbs);
  const algorithm = SIGNATURE_ALGORITHMS[delegate.signer.algorithm].identifier;
  const basic = sequence(tbs, algorithm, bitString(signature), explicit(0, sequence(delegate.certificate)));
  return sequence(SUCCESSFUL, explicit(0, sequence(BASIC_RESPONSE, octetString(basic))));
}

/** ResponseData. The version is left out: v1 is the default. */
function responseData({ producedAt, responses, nonce }: ResponseData, responderId: Buffer): Buffer {
  const extensions = nonce === undefined ? [] : [explicit(1, sequence(nonceExtension(nonce)))];
  return sequence(
    responderId,
    generalizedTime(producedAt),
    sequence(...responses.map((response) => singleResponse(response))),
    ...extensions,
  );
}

const nonceExtension = (nonce: Buffer): Buffer => extension(OCSP_OID.nonce, false, octetString(nonce));

function singleResponse({ certId, certStatus, thisUpdate, nextUpdate, archiveCutoff }: SingleResponse): Buffer {
  const parts = [
    certId,
    encodeStatus(certStatus),
    generalizedTime(thisUpdate),
    explicit(0, generalizedTime(nextUpdate)),
  ];
  if (archiveCutoff !== undefined) {
    parts.push(explicit(1, sequence(extension(OCSP_OID.archiveCutoff, false, generalizedTime(archiveCutoff)))));
  }
  return sequence(...parts);
}

/** [0] and [2] IMPLICIT NULL. */
const GOOD = Buffer.of(0x80, 0x00);
const UNKNOWN = Buffer.of(0x82, 0x00);

function encodeStatus(certStatus: CertStatus): Buffer {
  if (certStatus.status === 'good') return GOOD;
  if (certStatus.status === 'unknown') return UNKNOWN;
  // as on the list: no reason rather than `unspecified` (RFC 5280 §5.3.1)
  const reason = CRL_REASONS[certStatus.reason ?? 'unspecified'];
  const reasons = reason === 0 ? [] : [explicit(0, enumerated(reason))];
  return tlv(0xa1, generalizedTime(certStatus.revocationTime), ...reasons); // [1] IMPLICIT SEQUENCE
}

/**
 * GeneralizedTime in whole seconds and Z, which OCSP uses in every year (RFC 6960 §4.2.2.1), unlike certificates.
 *
 * @throws RangeError for an invalid date
 */
function generalizedTime(at: Date): Buffer {
  const text = at.toISOString(); // 2026-11-21T15:59:59.000Z
  const digits = text.slice(0, 4) + text.slice(5, 7) + text.slice(8, 10) + text.slice(11, 13) + text.slice(14, 16);
  return tlv(0x18, Buffer.from(`${digits}${text.slice(17, 19)}Z`, 'latin1'));
}
