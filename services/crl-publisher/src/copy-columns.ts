import { CRL_REASONS, type CrlColumns, type CrlEntry, type CrlReason } from '#libs/pki';

/** PGCOPY\n\377\r\n\0, flags, length of the header's extension (PostgreSQL: COPY, "Binary Format"). */
const HEADER = Buffer.from('5047434f50590aff0d0a000000000000000000', 'hex');
const TRAILER_FIELDS = 0xffff;

/**
 * Field count, then each field behind its length: serial bytea(16), revocation date int8 (seconds), reason int2,
 * invalidity date int8.
 */
const ROW_BYTES = 2 + (4 + 16) + (4 + 8) + (4 + 2) + (4 + 8);
const [SERIAL, SECONDS, REASON, INVALIDITY] = [6, 26, 38, 44];

/** Stands for no date, so that all rows have one length. */
export const NO_DATE = -(2n ** 53n);
const NO_DATE_SECONDS = Number(NO_DATE);

/**
 * Turns the octets of `COPY (select serial, seconds, reason, seconds …) TO STDOUT (FORMAT binary)` into columns for the list
 * writer. Every row has the same length, so nothing is parsed twice and no object is made for a row.
 *
 * @throws Error when the stream is of another shape, or ends before its trailer
 */
export async function* copyColumns(stream: AsyncIterable<Buffer>): AsyncGenerator<CrlColumns> {
  let rest: Buffer = Buffer.alloc(0);
  let started = false;
  let ended = false;
  for await (const chunk of stream) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (!started) {
      if (rest.length < HEADER.length) continue;
      if (!rest.subarray(0, HEADER.length).equals(HEADER)) throw new Error('not a binary COPY');
      rest = rest.subarray(HEADER.length);
      started = true;
    }
    const count = Math.floor(rest.length / ROW_BYTES);
    if (count > 0) yield rows(rest, count);
    rest = rest.subarray(count * ROW_BYTES);
    ended = rest.length === 2 && rest.readUInt16BE() === TRAILER_FIELDS;
  }
  if (!ended) throw new Error('the COPY ended early');
}

function rows(bytes: Buffer, count: number): CrlColumns {
  const serials = Buffer.allocUnsafe(count * 16);
  const revocationSeconds = new Float64Array(count);
  const reasons = Buffer.allocUnsafe(count);
  const invaliditySeconds = new Float64Array(count);
  for (let row = 0, at = 0; row < count; row += 1, at += ROW_BYTES) {
    if (bytes.readUInt16BE(at) !== 4 || bytes.readInt32BE(at + 2) !== 16) throw new Error('not a row of four fields');
    bytes.copy(serials, row * 16, at + SERIAL, at + SERIAL + 16);
    revocationSeconds[row] = int8(bytes, at + SECONDS);
    reasons[row] = bytes.readUInt16BE(at + REASON);
    const invalidity = int8(bytes, at + INVALIDITY);
    invaliditySeconds[row] = invalidity === NO_DATE_SECONDS ? Number.NaN : invalidity;
  }
  return { count, serials, revocationSeconds, reasons, invaliditySeconds };
}

/** Exact up to 2^53. */
function int8(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

const REASON_NAMES = new Map<number, CrlReason>(
  Object.entries(CRL_REASONS).map(([name, code]) => [code, name as CrlReason]),
);

/** The same, an object for each entry. */
export function entriesOf({ count, serials, revocationSeconds, reasons, invaliditySeconds }: CrlColumns): CrlEntry[] {
  const hex = Buffer.from(serials.buffer, serials.byteOffset, serials.byteLength).toString('hex').toUpperCase();
  return Array.from({ length: count }, (_, i) => {
    const invalidity = invaliditySeconds?.[i] ?? Number.NaN;
    return {
      serial: hex.slice(32 * i, 32 * i + 32),
      revocationDate: new Date(revocationSeconds[i]! * 1_000),
      reason: REASON_NAMES.get(reasons[i]!)!,
      ...(!Number.isNaN(invalidity) && { invalidityDate: new Date(invalidity * 1_000) }),
    };
  });
}
