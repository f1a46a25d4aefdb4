import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { lastMidnight, nextMidnight, systemClock } from '#libs/clock';
import { withTestDatabase } from '#libs/database';
import { FIRST_PREV_HASH, type CutRow, type EventData } from '#libs/events';
import { replay } from './replay.fixture.js';
import { Bench, SKI } from './suspension.fixture.js';

const database = withTestDatabase();
const dir = mkdtempSync(join(tmpdir(), 'kaika-suspension-'));
let bench: Bench;

beforeAll(async () => {
  bench = await Bench.open(database, join(dir, 'suspension.jwk'));
});
afterAll(() => rmSync(dir, { recursive: true }));
beforeEach(async () => {
  const owner = await database.open(bench.db.ownerUrl, bench.db.schema);
  await owner.query('truncate suspension.status_log, suspension.card, suspension.receipt, suspension.outbox cascade');
  await owner.query(`update suspension.log_head set seq = 0, hash = $1, at = null, last_cut = null, lists = '{}'`, [
    FIRST_PREV_HASH,
  ]);
  await bench.moveTo(NOON);
});

/** Noon in Taipei, some days ago. */
const NOON = new Date(lastMidnight(new Date(systemClock().nowMs() - 10 * 86_400_000)).getTime() + 12 * 3_600_000);
const MIDNIGHT = nextMidnight(NOON);
const kinds = async () =>
  (await bench.rows()).map((row) => (row.kind === 'cut' && row.emergency ? 'emergency' : row.kind));
const laterBy = (ms: number) => bench.moveTo(new Date(NOON.getTime() + ms));

/** Asks until the second it fell into is over, if that has a cut already. */
async function emergency(id: string = randomUUID()): Promise<CutRow> {
  for (let ms = 1_000; ; ms += 1_000) {
    try {
      return await bench.log.emergencyCut(id);
    } catch (error) {
      if ((error as { code?: string }).code !== 'cutInFuture' || ms > 10_000) throw error;
      await laterBy(ms);
    }
  }
}

describe('the marker of an emergency list', () => {
  it('is above everything acknowledged so far, of the second it is written in, and says what is listed', async () => {
    const card = await bench.card();
    await bench.suspend(card);
    const id = randomUUID();
    const marker = await emergency(id);
    expect(marker).toMatchObject({ kind: 'cut', emergency: id, lists: [{ count: 2 }] });
    expect(marker.cut).toBe(`${marker.at.slice(0, 19)}Z`);
    await bench.resume(card);
    expect(await kinds()).toEqual(['cut', 'suspended', 'emergency', 'resumed']);
    replay(await bench.rows());
  });

  it('is one for an id, however often and at the same moment it is asked for', async () => {
    const id = randomUUID();
    await bench.accept(await bench.card());
    const marker = await emergency(id);
    await laterBy(60_000);
    const all = await Promise.all(Array.from({ length: 10 }, () => bench.log.emergencyCut(id)));
    for (const row of all) expect(row).toEqual(marker);
    expect((await kinds()).filter((kind) => kind === 'emergency')).toHaveLength(1);
    expect(await bench.count('outbox')).toBe((await bench.rows()).length);
  });

  it('of another id in the same second has to wait for the next one', async () => {
    const asked = await Promise.allSettled(Array.from({ length: 3 }, () => bench.log.emergencyCut(randomUUID())));
    expect(asked.some(({ status }) => status === 'fulfilled')).toBe(true);
    for (const one of asked) {
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'cutInFuture' });
    }
    replay(await bench.rows());
  });

  it('leaves the coming midnight its own, and comes after one that is due', async () => {
    await bench.suspend(await bench.card());
    await emergency();
    await bench.moveTo(new Date(MIDNIGHT.getTime() + 5_000));
    const second = await bench.log.emergencyCut(randomUUID());
    const midnight = await bench.log.cut(MIDNIGHT);
    expect(midnight.emergency).toBeUndefined();
    expect(second.seq).toBe(midnight.seq + 1);
    expect(await kinds()).toEqual(['cut', 'suspended', 'emergency', 'cut', 'emergency']);
    expect(await bench.log.cutIfDue()).toBeUndefined();
    replay(await bench.rows());
  });

  it('gives its list to the receipts of what is below it, and to no others', async () => {
    const [before, after] = [await bench.card(), await bench.card()];
    const receipt = await bench.suspend(before);
    const marker = await emergency();
    const late = await bench.suspend(after);
    const midnight = { seq: marker.seq + 100 };
    for (const [number, kind, { seq }] of [
      ['12', 'scheduled', midnight],
      ['11', 'emergency', marker],
    ] as const) {
      const list = { issuerSki: SKI, number, kind, markerSeq: seq, sha256: number.padStart(64, '0') };
      await bench.transaction((tx) => bench.receipts.complete(tx, list as EventData<'crl.published'>));
    }
    expect((await bench.receipts.read(receipt.id)).list?.number).toBe('11');
    expect((await bench.receipts.read(late.id)).list?.number).toBe('12');
  });
});
