import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import type { QueryRunner } from 'typeorm';
import { withTestDatabase } from '#libs/database';
import { applyStatusRows, listedAt } from './listings.js';
import { newCard } from './owner.fixture.js';
import { PublisherFixture } from './publisher.fixture.js';

const database = withTestDatabase();
const at = new PublisherFixture(database);
let connection: QueryRunner;
beforeAll(() => at.start(), 120_000);
beforeEach(async () => {
  await at.reset();
  connection = at.service.source.createQueryRunner();
});
afterEach(() => connection.release());
afterAll(() => at.stop());

const ROWS = 50_000; // more than any buffer between the table and us
const many = () =>
  at.asOwner(
    `insert into listing (issuer_ski, serial, from_seq, revocation_date, reason, card_number, not_after)
     select $1, decode('11' || substr(md5(n::text), 3), 'hex'), 1, '2026-01-10T01:00:00Z', 6, 'KK00000000000000',
       '2031-01-01' from generate_series(1, ${ROWS}) as n`,
    [at.issuer.skiHex],
  );

const scope = (markerSeq: number) => ({ issuerSki: at.issuer.skiHex, markerSeq, retention: undefined });

async function serials(markerSeq: number): Promise<string[]> {
  const found: string[] = [];
  for await (const { count, serials } of listedAt(connection, scope(markerSeq))) {
    const hex = Buffer.from(serials).toString('hex').toUpperCase();
    for (let i = 0; i < count; i += 1) found.push(hex.slice(32 * i, 32 * i + 32));
  }
  return found;
}

describe('the list of a marker', () => {
  it('is in ascending order and knows every state the log went through', async () => {
    const cards = Array.from({ length: 20 }, newCard);
    for (const card of cards) at.owner.suspend(card);
    for (const card of cards.slice(0, 10)) at.owner.change(card, null);
    for (const card of cards.slice(0, 5)) at.owner.suspend(card, '2026-01-10T02:00:00Z');
    await at.service.source.transaction(async (tx) => {
      await applyStatusRows(at.owner.rows, tx);
    });
    for (let marker = 1; marker <= at.owner.rows.length + 1; marker += 1) {
      expect(await serials(marker)).toEqual([...at.owner.listBelow(marker).keys()].sort());
    }
  });

  it('is not changed by a row that is applied twice, or that leaves the entry as it was', async () => {
    const card = newCard();
    at.owner.suspend(card);
    at.owner.suspend(card); // another holder's hold: the entry stays
    at.owner.change(card, { reason: 'superseded', since: '2026-01-10T01:00:00Z' });
    await at.service.source.transaction(async (tx) => {
      for (const row of at.owner.rows) await applyStatusRows([row, row], tx);
    });
    expect(
      await at.service.source.query('select from_seq, to_seq, reason from listing order by serial, from_seq'),
    ).toEqual([
      { from_seq: '1', to_seq: '3', reason: 6 },
      { from_seq: '3', to_seq: null, reason: 4 },
      { from_seq: '1', to_seq: '3', reason: 6 },
      { from_seq: '3', to_seq: null, reason: 4 },
    ]);
  });

  it('leaves the connection as it was when its reader stops early', async () => {
    await many();
    for await (const { count } of listedAt(connection, scope(2))) {
      expect(count).toBeLessThan(ROWS);
      break;
    }
    expect(await connection.query('select 1 as one')).toEqual([{ one: 1 }]);
    expect(await serials(2)).toHaveLength(ROWS);
  });

  it('is never short, and does not hang, when the connection ends in the middle', async () => {
    await many();
    const [{ pid }] = (await connection.query('select pg_backend_pid() as pid')) as [{ pid: number }];
    const pieces = listedAt(connection, scope(2));
    const first = await pieces.next();
    const admin = new Client({ connectionString: database.url });
    await admin.connect();
    await admin.query('select pg_terminate_backend($1)', [pid]);
    await admin.end();
    const count = async () => {
      let seen = (first.value as { count: number }).count;
      for await (const piece of pieces) seen += piece.count;
      return seen;
    };
    // Everything may have been on its way already; then the whole list is here.
    expect(['failed', ROWS]).toContain(await count().catch(() => 'failed'));
  });
});
