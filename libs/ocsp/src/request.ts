import { GeneralName } from 'pkijs';
import { DerError, DerReader, oid, readHeader } from '#libs/pki';
import { OCSP_OID } from './oids.js';

/**
 * Octets of the longest request that is looked at. A hundred CertIDs with SHA-256 take 12 KiB; the rest is room for a
 * requestor's name, signature and certificates, which are allowed and ignored.
 */
export const MAX_REQUEST_BYTES = 64 * 1_024;

/** Certificates in one request. No RFC sets a bound; without one, one small request would cost thousands of look-ups. */
export const MAX_CERTIFICATES = 100;

/** RFC 9654 §2.1. */
export const MAX_NONCE_BYTES = 128;

/** Levels of nesting: a signed request with certificates needs about a dozen. */
const MAX_DEPTH = 32;

/** What a request names one certificate by (CertID, RFC 6960 §4.1.1). All of it points into the request's bytes. */
export interface CertId {
  /** As it was sent: the answer repeats it octet by octet. */
  readonly der: Buffer;
  /** Content octets of the hash's AlgorithmIdentifier, hex: identifier and parameters. */
  readonly hashAlgorithm: string;
  readonly issuerNameHash: Buffer;
  readonly issuerKeyHash: Buffer;
  /** Content octets of the serial number, upper-case hex. */
  readonly serial: string;
}

export interface OcspRequest {
  /** 1 to MAX_CERTIFICATES, in the order of the request. */
  readonly certificates: readonly CertId[];
  /** 1 to 128 octets (RFC 9654). */
  readonly nonce?: Buffer;
}

/** To be answered with `malformedRequest`. */
export class MalformedRequest extends Error {
  override readonly name = 'MalformedRequest';
}

/**
 * Reads an OCSPRequest (RFC 6960 §4.1.1), strictly: DER and nothing but DER, within the bounds above.
 *
 * A critical extension that is not understood makes a request malformed: RFC 6960 §4.1.2 forbids to ignore it and no
 * error status is named for it; of those in §2.3 only this one says that the same request will never be answered.
 * So does a list that is empty or too long.
 *
 * @throws MalformedRequest
 *
 * Not looked at: the requestor's name and signature. Whoever asks gets the same answer, `sigRequired` is never used.
 */
export function parseRequest(bytes: Uint8Array): OcspRequest {
  if (bytes.length > MAX_REQUEST_BYTES) throw new MalformedRequest(`more than ${MAX_REQUEST_BYTES} octets`);
  const der = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  try {
    assertNested(der, 0, der.length, 0);
    const outer = new DerReader(der);
    const request = outer.into(0x30);
    outer.finish();
    const parsed = tbsRequest(request.into(0x30));
    if (request.peek() === 0xa0) skipSignature(request.into(0xa0));
    request.finish();
    return parsed;
  } catch (error) {
    if (error instanceof DerError) throw new MalformedRequest(error.message, { cause: error });
    throw error;
  }
}

/** Every value, also in what is ignored, has a definite, minimal length and fills what holds it. */
function assertNested(bytes: Buffer, start: number, end: number, depth: number): void {
  if (depth > MAX_DEPTH) throw new DerError('nested too deeply');
  for (let at = start; at < end;) {
    const element = readHeader(bytes, at);
    if (element.end > end) throw new DerError('a value longer than what holds it');
    if (element.tag & 0x20) assertNested(bytes, element.contentStart, element.end, depth + 1);
    at = element.end;
  }
}

function tbsRequest(tbs: DerReader): OcspRequest {
  // version: v1 is the default, which DER leaves out, and there is no other
  if (tbs.peek() === 0xa0) throw new DerError('not version 1, or its number where DER has none');
  if (tbs.peek() === 0xa1) skipRequestorName(tbs.into(0xa1));
  const certificates = requestList(tbs.into(0x30));
  const extensions =
    tbs.peek() === 0xa2 ? only(tbs.into(0xa2), readExtensions(REQUEST_EXTENSIONS)) : new Map<string, Buffer>();
  tbs.finish();
  return { certificates, nonce: extensions.get(NONCE) };
}

function requestList(list: DerReader): CertId[] {
  const certificates: CertId[] = [];
  while (!list.atEnd) {
    if (certificates.length === MAX_CERTIFICATES) throw new DerError(`more than ${MAX_CERTIFICATES} certificates`);
    const request = list.into(0x30);
    certificates.push(certId(request.whole(0x30)));
    if (request.peek() === 0xa0) only(request.into(0xa0), readExtensions(SINGLE_REQUEST_EXTENSIONS));
    request.finish();
  }
  if (certificates.length === 0) throw new DerError('asks about no certificate');
  return certificates;
}

function certId(der: Buffer): CertId {
  const fields = new DerReader(der).into(0x30);
  const hashAlgorithm = algorithmIdentifier(fields.content(0x30));
  const id = {
    der,
    hashAlgorithm,
    issuerNameHash: fields.content(0x04),
    issuerKeyHash: fields.content(0x04),
    serial: serialNumber(fields.content(0x02)),
  };
  fields.finish();
  return id;
}

function algorithmIdentifier(content: Buffer): string {
  const algorithm = new DerReader(content);
  objectIdentifier(algorithm);
  if (!algorithm.atEnd) skipOne(algorithm);
  return content.toString('hex');
}

/** Content octets in hex: at least one arc, none cut short or padded (X.690 §8.19.2). */
function objectIdentifier(reader: DerReader): string {
  const octets = reader.content(0x06);
  let startsArc = true;
  for (const octet of octets) {
    if (startsArc && octet === 0x80) throw new DerError('an OBJECT IDENTIFIER longer than it need be');
    startsArc = octet < 0x80;
  }
  if (octets.length === 0 || !startsArc) throw new DerError('an OBJECT IDENTIFIER cut short');
  return octets.toString('hex');
}

/** Any INTEGER, also those that were never a certificate's: negative, zero, of any length (X.690 §8.3.2). */
function serialNumber(octets: Buffer): string {
  const [first, second] = octets;
  if (first === undefined) throw new DerError('an empty INTEGER');
  const isRepeatedSign = second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (isRepeatedSign) throw new DerError('an INTEGER longer than it need be');
  return octets.toString('hex').toUpperCase();
}

/** What becomes of an extension's value. Those without an entry are ignored, unless they are critical. */
type Understood = Readonly<Record<string, (value: Buffer) => Buffer>>;

const identifierHex = (dotted: string): string => new DerReader(oid(dotted)).identifier();
const NONCE = identifierHex(OCSP_OID.nonce);
const BASIC_RESPONSE = identifierHex(OCSP_OID.basicResponse);

const REQUEST_EXTENSIONS: Understood = {
  [NONCE]: readNonce,
  [identifierHex(OCSP_OID.acceptableResponses)]: checkAcceptsBasic,
};
const SINGLE_REQUEST_EXTENSIONS: Understood = {};

/** Extensions (RFC 5280 §4.1): at least one, none twice. @returns values of those understood, by identifier */
const readExtensions = (understood: Understood) => (holder: DerReader) => {
  const list = holder.into(0x30);
  if (list.atEnd) throw new DerError('a list of no extensions');
  const seen = new Set<string>();
  const values = new Map<string, Buffer>();
  while (!list.atEnd) {
    const extension = list.into(0x30);
    const type = objectIdentifier(extension);
    const critical = extension.flag();
    const value = extension.content(0x04);
    extension.finish();
    if (seen.size === seen.add(type).size) throw new DerError('an extension twice');
    const read = understood[type];
    if (read) values.set(type, read(value));
    else if (critical) throw new DerError('a critical extension that is not understood');
  }
  return values;
};

/** Nonce ::= OCTET STRING (SIZE(1..128)), RFC 9654 §2.1: outside of that, malformedRequest. */
function readNonce(value: Buffer): Buffer {
  const nonce = only(new DerReader(value), (inner) => inner.content(0x04));
  if (nonce.length < 1 || nonce.length > MAX_NONCE_BYTES) throw new DerError('a nonce has 1 to 128 octets');
  return nonce;
}

/** AcceptableResponses (RFC 6960 §4.4.3) must name the basic type, the only one there is. */
function checkAcceptsBasic(value: Buffer): Buffer {
  const types = only(new DerReader(value), (inner) => inner.into(0x30));
  let acceptsBasic = false;
  while (!types.atEnd) acceptsBasic = objectIdentifier(types) === BASIC_RESPONSE || acceptsBasic;
  if (!acceptsBasic) throw new DerError('accepts no basic response');
  return value;
}

/** GeneralName (RFC 5280 §4.2.1.6): rare in requests, so pkijs may take its time; what it cannot read is no request. */
function skipRequestorName(holder: DerReader): void {
  const name = only(holder, (inner) => inner.whole(inner.peek() ?? 0));
  try {
    GeneralName.fromBER(name);
  } catch (error) {
    throw new DerError(`a requestorName that is no GeneralName: ${String(error)}`);
  }
}

/** Signature: read over, so that the request is known to be one; its value decides nothing. */
function skipSignature(holder: DerReader): void {
  const signature = only(holder, (inner) => inner.into(0x30));
  algorithmIdentifier(signature.content(0x30));
  signature.next(0x03);
  if (signature.peek() === 0xa0) skipOne(signature.into(0xa0));
  signature.finish();
}

function skipOne(holder: DerReader): void {
  only(holder, (inner) => inner.next(inner.peek() ?? 0));
}

/** What `read` makes of the one value that the holder has. */
function only<T>(holder: DerReader, read: (holder: DerReader) => T): T {
  const value = read(holder);
  holder.finish();
  return value;
}
