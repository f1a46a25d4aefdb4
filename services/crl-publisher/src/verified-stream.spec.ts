import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { sha256Of, verifiedStream } from './verified-stream.js';

const dir = mkdtempSync(join(tmpdir(), 'kaika-verified-'));
const path = join(dir, 'list.crl');
afterAll(() => rmSync(dir, { recursive: true }));

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

async function receive(hash: string): Promise<{ bytes: Buffer; failed: boolean }> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of verifiedStream(path, hash)) pieces.push(piece);
    return { bytes: Buffer.concat(pieces), failed: false };
  } catch {
    return { bytes: Buffer.concat(pieces), failed: true };
  }
}

describe('a verified stream', () => {
  it('gives a file of any size whole', async () => {
    for (const size of [0, 1, 65_536, 65_537, 1_000_000]) {
      const bytes = randomBytes(size);
      writeFileSync(path, bytes);
      expect(await receive(sha256(bytes))).toEqual({ bytes, failed: false });
    }
  });

  it('never gives the last piece of a file that was altered', async () => {
    const bytes = randomBytes(300_000);
    for (const altered of [0, 150_000, 299_999]) {
      const wrong = Buffer.from(bytes);
      wrong[altered]! ^= 1;
      writeFileSync(path, wrong);
      const received = await receive(sha256(bytes));
      expect(received.failed).toBe(true);
      expect(received.bytes.length).toBeLessThan(bytes.length);
    }
    writeFileSync(path, 'short');
    expect(await receive(sha256(bytes))).toEqual({ bytes: Buffer.alloc(0), failed: true });
  });

  it('fails without a file', async () => {
    rmSync(path);
    expect(await receive(sha256(Buffer.alloc(0)))).toEqual({ bytes: Buffer.alloc(0), failed: true });
    expect(await sha256Of(path)).toBeUndefined();
  });
});
