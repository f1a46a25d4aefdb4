import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import { changeDigest, EMPTY_DIGEST } from '#libs/events';
import { newSerial } from '#libs/pki';
import { MIDNIGHTS, PublisherFixture, setClock } from './publisher.fixture.js';

const ENTRIES = 100_000;

const database = withTestDatabase();
const at = new PublisherFixture(database);
beforeAll(() => at.start(), 120_000);
afterAll(() => at.stop());

describe('a list of many entries', () => {
  it(`holds all ${ENTRIES} of them, once each, from COPY to the signed file`, async () => {
    const { run, feed, lists, files } = at.runner();
    await run.perform();
    const serials = Array.from({ length: ENTRIES }, newSerial);
    const seconds = (i: number) => 1_760_000_000 + i;
    await at.asOwner(
      `insert into listing (issuer_ski, serial, from_seq, revocation_date, reason, card_number, not_after)
       select $1, decode(serial, 'hex'), 1, to_timestamp($3 + nth - 1), 6, 'KK00000000000000', '2031-01-01'
       from unnest($2::text[]) with ordinality as e(serial, nth)`,
      [at.issuer.skiHex, serials, seconds(0)],
    );
    const digest = serials.reduce((sum, serial) => changeDigest(sum, 1, serial, 'certificateHold'), EMPTY_DIGEST);
    at.owner.overstate = () => ({ issuerSki: at.issuer.skiHex, count: ENTRIES, digest });
    at.owner.cut(MIDNIGHTS[0]); // row 1 is the marker: nothing below it, so the listings go below it
    await at.asOwner('update listing set from_seq = 0');
    await feed.catchUp(1);
    setClock(at.clock, MIDNIGHTS[0]);

    expect(await run.perform()).toBe('published');

    const list = (await lists.highest(at.issuer.skiHex))!;
    expect(list.entryCount).toBe(ENTRIES);
    const file = await files.ensure(list);
    expect(
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ).toBe(list.sha256);
    const entries = await at.entries(file);
    expect(entries.size).toBe(ENTRIES);
    for (const [i, serial] of serials.entries()) {
      if (Date.parse(entries.get(serial)!.since) !== seconds(i) * 1_000) throw new Error(`${serial} has another date`);
    }
  }, 120_000);
});
