import { describe, expect, it } from '@jest/globals';
import type { CrlColumns } from '#libs/pki';
import { copyColumns, entriesOf, NO_DATE } from './copy-columns.js';

const HEADER = Buffer.from('5047434f50590aff0d0a000000000000000000', 'hex');
const TRAILER = Buffer.from('ffff', 'hex');

function row(serial: string, seconds: number, reason: number, invalidity = NO_DATE): Buffer {
  const bytes = Buffer.alloc(52);
  bytes.writeInt16BE(4, 0);
  bytes.writeInt32BE(16, 2);
  bytes.write(serial, 6, 'hex');
  bytes.writeInt32BE(8, 22);
  bytes.writeBigInt64BE(BigInt(seconds), 26);
  bytes.writeInt32BE(2, 34);
  bytes.writeInt16BE(reason, 38);
  bytes.writeInt32BE(8, 40);
  bytes.writeBigInt64BE(invalidity, 44);
  return bytes;
}

/** The stream cut into pieces of `size` octets. */
async function* inPieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Buffer, size: number) {
  const rows = [];
  for await (const { count, serials, revocationSeconds, reasons } of copyColumns(inPieces(bytes, size))) {
    for (let i = 0; i < count; i += 1) {
      const serial = Buffer.from(serials.subarray(16 * i, 16 * i + 16)).toString('hex');
      rows.push([serial, revocationSeconds[i], reasons[i]]);
    }
  }
  return rows;
}

describe('a binary COPY', () => {
  const serials = ['11', '22', '33'].map((octet) => octet.repeat(16));
  const bytes = Buffer.concat([HEADER, ...serials.map((s, i) => row(s, 1_700_000_000 + i, i)), TRAILER]);
  const wanted = serials.map((s, i) => [s, 1_700_000_000 + i, i]);

  it('is read the same however the stream is cut', async () => {
    for (let size = 1; size <= bytes.length; size += 1) expect(await read(bytes, size)).toEqual(wanted);
  });

  it('gives entries with the reason’s name and the date of compromise, if there is one', async () => {
    const since = 1_700_000_000;
    const rows = [row(serials[0]!, since, 6), row(serials[1]!, since, 1, -86_400n)];
    const pieces = copyColumns(inPieces(Buffer.concat([HEADER, ...rows, TRAILER]), 500));
    const columns = (await pieces.next()).value as CrlColumns;
    const revocationDate = new Date(since * 1_000);
    expect(entriesOf(columns)).toEqual([
      { serial: serials[0], revocationDate, reason: 'certificateHold' },
      { serial: serials[1], revocationDate, reason: 'keyCompromise', invalidityDate: new Date('1969-12-31T00:00:00Z') },
    ]);
  });

  it('may have no rows', async () => {
    expect(await read(Buffer.concat([HEADER, TRAILER]), 7)).toEqual([]);
  });

  it('is refused when it ends early, anywhere', async () => {
    for (let end = 0; end < bytes.length; end += 1) {
      await expect(read(bytes.subarray(0, end), 64)).rejects.toThrow('the COPY ended early');
    }
  });

  it('is refused when it is no COPY, or of other columns', async () => {
    await expect(read(Buffer.from('ERROR:  relation does not exist'), 64)).rejects.toThrow('not a binary COPY');
    const other = row(serials[0]!, 1, 1);
    other.writeInt32BE(15, 2);
    await expect(read(Buffer.concat([HEADER, other, TRAILER]), 64)).rejects.toThrow('not a row of four fields');
  });
});
