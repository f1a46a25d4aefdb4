import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { withTestDatabase } from '#libs/database';
import { type CardRow, changeDigest, EMPTY_DIGEST, REASON_CODES, type ReasonCode, type StatusRow } from '#libs/events';
import { Consumer, type Handlers } from '#libs/messaging';
import { StatusFeed } from '#libs/status-feed';
import { WrittenLog } from '../../../libs/events/test/card-history.js';
import { HISTORIES, OF_SEVERAL_CARDS } from '../../../libs/events/test/histories.js';
import { PATIENCE_MS } from '../../../libs/events/test/interleavings.js';
import { newWorlds, SKI } from '../../../libs/events/test/worlds.js';
import { tellEveryInterleaving, type ToldHistory, unlikeTheFirst } from '../../../libs/messaging/test/every-interleaving.js'; // prettier-ignore
import { everythingStored } from '../../../libs/messaging/test/everything-stored.js';
import { entriesOf } from './copy-columns.js';
import { CrlPublisherHandlers } from './crl-publisher.handlers.js';
import { crlPublisher } from './index.js';
import { applyStatusRows, listedAt } from './listings.js';

const database = withTestDatabase();
/** All cards are in one log, whose rows are applied one after the other whoever they are of. */
const log = new WrittenLog();
let listener: { consumer: Consumer; handlers: Handlers; source: DataSource };
let feed: StatusFeed;

beforeAll(async () => {
  const { source } = await database.service('crl-publisher', [...crlPublisher.migrations] as never);
  const fetchRows = () => Promise.reject(new Error('nothing is fetched: the bus brings every row'));
  feed = new StatusFeed({ source, apply: applyStatusRows, fetchRows });
  const consumer = new Consumer(source, { maxAttempts: 5, replicated: ['kaika.status.v1'] });
  listener = { consumer, handlers: new CrlPublisherHandlers(feed, consumer).on, source };
}, 120_000);
afterAll(() => feed?.beforeApplicationShutdown());

// A time of its own for each, as a cut is: the times of cuts are unique.
const start = (before: number) => new Date(Date.parse('2026-11-21T02:00:00Z') + before * 60_000);
const newWorld = newWorlds({ log, start });

/** Inbox rows and dead letters are part of it. What differs and may: */
const LEFT_OUT = {
  'inbox.received_at': 'when it came',
  listing: 'its rows are of the log of all cards; looked at below, by what each of them did',
  cut: 'of all cards; each is looked at below',
  feed_row: 'the log of all cards, which must be one chain: feed_state says so',
  feed_state: 'of all cards; looked at below',
};

/** What the list says of a card after each of its rows, in its own words: a second reader of the same rows. */
function expectedEntries(told: ToldHistory) {
  const rows = told.happened.map(({ data }) => data as StatusRow).filter((row): row is CardRow => row.kind !== 'cut');
  const entries: { serial: string; from: number; to: number | null; reason: number; since: string }[] = [];
  for (const row of rows) {
    for (const serial of [row.serials.signature, row.serials.encryption]) {
      const open = entries.find((entry) => entry.serial === serial && entry.to === null);
      const now = row.listed && { reason: REASON_CODES[row.listed.reason], since: row.listed.since };
      if (open && (open.reason !== now?.reason || open.since !== now.since)) open.to = row.seq;
      if (now && (!open || open.to !== null)) entries.push({ serial, from: row.seq, to: null, ...now });
    }
  }
  return entries.sort((a, b) => (a.serial < b.serial || (a.serial === b.serial && a.from < b.from) ? -1 : 1));
}

async function storedEntries({ cardNumbers }: ToldHistory): Promise<unknown> {
  return listener.source.query(
    `select upper(encode(serial, 'hex')) as serial, from_seq::int as from, to_seq::int as to, reason::int,
            to_char(revocation_date at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since
     from listing where card_number = any($1) order by 1, 2`,
    [cardNumbers],
  );
}

/** Count and digest of the list of a marker, from the rows of the log below it alone. */
function replayed(markerSeq: number) {
  const list = new Map<string, ReasonCode>();
  for (const row of log.rows.slice(0, markerSeq - 1)) {
    if (row.kind === 'cut') continue;
    for (const serial of [row.serials.signature, row.serials.encryption]) {
      if (row.listed) list.set(serial, row.listed.reason);
      else list.delete(serial);
    }
  }
  const digest = [...list].reduce((sum, [serial, reason]) => changeDigest(sum, 1, serial, reason), EMPTY_DIGEST);
  return { count: list.size, digest };
}

async function listOf(markerSeq: number) {
  const runner = listener.source.createQueryRunner();
  let [count, digest] = [0, EMPTY_DIGEST];
  for await (const columns of listedAt(runner, { issuerSki: SKI, markerSeq, retention: undefined })) {
    for (const { serial, reason } of entriesOf(columns)) digest = changeDigest(digest, 1, serial, reason as ReasonCode);
    count += columns.count;
  }
  await runner.release();
  return { count, digest };
}

describe.each(Object.entries({ ...HISTORIES, ...OF_SEVERAL_CARDS }))('%s', (_name, history) => {
  it(
    'comes to the same in every interleaving',
    async () => {
      const { told } = await tellEveryInterleaving(listener, history, newWorld);
      const mark = await feed.applyReady();
      const last = log.rows.at(-1)!;
      expect(mark).toEqual({ epoch: last.epoch, seq: last.seq, hash: last.hash, at: new Date(last.at) });
      expect(unlikeTheFirst(told, await everythingStored(listener.source, told, LEFT_OUT))).toEqual([]);
      for (const one of told) expect(await storedEntries(one)).toEqual(expectedEntries(one));
      for (const table of ['dead_letter', 'feed_conflict', 'outbox']) {
        expect(await listener.source.query(`select * from ${table}`)).toEqual([]);
      }
    },
    PATIENCE_MS,
  );
});

describe('the list of each cut', () => {
  it('holds what the rows below its marker say, in whatever order they came', async () => {
    const cuts = await listener.source.query<{ seq: string }[]>('select marker_seq as seq from cut order by 1');
    expect(cuts.map(({ seq }) => Number(seq))).toEqual(log.rows.flatMap(({ kind, seq }) => (kind === 'cut' ? [seq] : []))); // prettier-ignore
    expect(cuts.length).toBeGreaterThan(10);
    for (const { seq } of cuts) expect(await listOf(Number(seq))).toEqual(replayed(Number(seq)));
  }, 60_000);
});
