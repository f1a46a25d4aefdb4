import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { withTestDatabase } from '#libs/database';
import { Consumer, type Delivery, type Handlers } from '#libs/messaging';
import type { Authority } from '#libs/pki';
import { StatusFeed } from '#libs/status-feed';
import { WrittenLog } from '../../../libs/events/test/card-history.js';
import { HISTORIES, OF_SEVERAL_CARDS } from '../../../libs/events/test/histories.js';
import { PATIENCE_MS } from '../../../libs/events/test/interleavings.js';
import { newWorlds, SKI } from '../../../libs/events/test/worlds.js';
import { tellEveryInterleaving, type ToldHistory, unlikeTheFirst } from '../../../libs/messaging/test/every-interleaving.js'; // prettier-ignore
import { everythingStored } from '../../../libs/messaging/test/everything-stored.js';
import { Figures } from './figures.js';
import { statusQuery } from './index.js';
import { KnownCertificates } from './ocsp/known-certificates.js';
import { Watermarks } from './ocsp/watermarks.js';
import { applyStatusRows } from './read-model.js';
import { SearchService } from './search.service.js';
import { StatusQueryHandlers } from './status-query.handlers.js';

const database = withTestDatabase();
/** All cards are in one log, whose rows are applied one after the other whoever they are of. */
const log = new WrittenLog();
let listener: { consumer: Consumer; handlers: Handlers; source: DataSource; direct: object };
let feed: StatusFeed;
let search: SearchService;
let ocsp: KnownCertificates;
let watermarks: Watermarks;
let pending: () => Promise<{ count: number }>;

beforeAll(async () => {
  const { source } = await database.service('status-query', [...statusQuery.migrations] as never);
  const fetchRows = () => Promise.reject(new Error('nothing is fetched: the bus brings every row'));
  feed = new StatusFeed({ source, apply: applyStatusRows, fetchRows });
  watermarks = new Watermarks(source);
  const clock = new Clock();
  search = new SearchService(source, clock);
  ocsp = new KnownCertificates(source, { issuing: { skiHex: SKI } } as Authority);
  const figures = new Figures(source, feed, watermarks, {} as never, clock);
  pending = () => figures.pendingCards();
  const consumer = new Consumer(source, { maxAttempts: 5, replicated: ['kaika.status.v1'] });
  const service = new StatusQueryHandlers(feed, consumer, watermarks);
  const direct = { 'status.watermark': (record: Delivery) => service.onStatus(record) };
  listener = { consumer, handlers: service.on, source, direct };
}, 120_000);
afterAll(() => feed?.beforeApplicationShutdown());

const newWorld = newWorlds({ log });

/** Inbox rows and dead letters are part of it. What differs and may: */
const LEFT_OUT = {
  'inbox.received_at': 'when it came',
  'card_status.noticed_at': 'when it came',
  'card_status.seq': 'its place in the log of all cards',
  feed_row: 'the log of all cards, which must be one chain: feed_state says so',
  feed_state: 'of all cards; looked at below',
  status_watermark: 'of all cards; looked at below',
};

/** As search and OCSP answer, without the names of this card. */
async function shown({ cardNumbers, happened }: ToldHistory): Promise<unknown> {
  const answers = cardNumbers.map(async (cardNumber) => {
    const { items } = await search.find({ cardNumber, limit: 10 } as never);
    const issued = happened.find(({ type, subject }) => type === 'certificate.issued' && subject === cardNumber)!;
    const { signature, encryption } = (issued.data as { serials: Record<'signature' | 'encryption', string> }).serials;
    const known = await ocsp.find([signature, encryption]);
    const both = [signature, encryption].map((serial) => known.get(serial)).map((one) => ({ ...one, seq: undefined }));
    const download = await search.certificate(signature).then(({ der }) => der.toString(), ({ code }: { code: string }) => code); // prettier-ignore
    return { items: items.map((item) => ({ ...item, cardNumber: '', serials: '' })), both, download };
  });
  return Promise.all(answers);
}

const RIGHT: Record<string, string[]> = {
  'way A': ['revoked'],
  'way B': ['valid'],
  'wrong data': ['revoked', 'valid'],
  'not opened in time': ['valid'],
  'two midnights': ['revoked'],
  'a log that was restored': ['revoked'],
  'three cards': ['valid', 'suspended', 'revoked'],
};

describe.each(Object.entries({ ...HISTORIES, ...OF_SEVERAL_CARDS }))('%s', (name, history) => {
  it(
    'comes to the same in every interleaving',
    async () => {
      const { told } = await tellEveryInterleaving(listener, history, newWorld);
      const mark = await feed.applyReady();
      const last = log.rows.at(-1)!;
      expect(mark).toEqual({ epoch: last.epoch, seq: last.seq, hash: last.hash, at: new Date(last.at) });
      expect(unlikeTheFirst(told, await everythingStored(listener.source, told, LEFT_OUT))).toEqual([]);
      const answers = await Promise.all(told.map(shown));
      expect(unlikeTheFirst(told, answers)).toEqual([]);
      const right = Object.entries(RIGHT).find(([start]) => name.startsWith(start))![1];
      expect(answers[0]).toMatchObject(
        right.map((status) => ({
          items: [{ status }],
          both: Array(2).fill({ status: ['revoked', 'suspended'].includes(status) ? 'revoked' : 'good' }),
        })),
      );
      expect(await pending()).toEqual({ count: 0, oldestSeconds: 0 });
      for (const table of ['dead_letter', 'feed_conflict']) {
        expect(await listener.source.query(`select * from ${table}`)).toEqual([]);
      }
      if (told[0]!.happened.some(({ type }) => type === 'status.watermark')) {
        // As far as the log is known, however early the mark came: that of the history that was written last.
        const marks = told.flatMap(({ happened }) => happened.filter(({ type }) => type === 'status.watermark'));
        const newest = Math.max(...marks.map(({ data }) => (data as { seq: number }).seq));
        const right = marks.find(({ data }) => (data as { seq: number }).seq === newest)!;
        expect((await watermarks.applied())?.toISOString()).toBe((right.data as { time: string }).time);
      }
    },
    PATIENCE_MS,
  );
});
