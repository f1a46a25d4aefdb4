import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CodeHasher, Pepper, sealCredential } from '#libs/credentials';
import { withTestDatabase } from '#libs/database';
import { Consumer, type Handlers } from '#libs/messaging';
import { CardHistory } from '../../../libs/events/test/card-history.js';
import { HISTORIES } from '../../../libs/events/test/histories.js';
import { interleavings, inTurn, PATIENCE_MS } from '../../../libs/events/test/interleavings.js';
import { neverBack } from '../../../libs/events/test/never-back.js';
import { newWorlds, unsealed } from '../../../libs/events/test/worlds.js';
import { tellEveryInterleaving, type ToldHistory, unlikeTheFirst } from '../../../libs/messaging/test/every-interleaving.js'; // prettier-ignore
import { everythingStored } from '../../../libs/messaging/test/everything-stored.js';
import { each, tell, type Way, WAYS } from '../../../libs/messaging/test/tellings.js';
import { Bench, SKI } from './suspension.fixture.js';
import { SuspensionHandlers } from './suspension.handlers.js';

const database = withTestDatabase();
const dir = mkdtempSync(join(tmpdir(), 'kaika-suspension-'));
const CODES = { 1: 'Kaika#1', 2: 'Kaika#2', 3: 'Kaika#3', 4: 'Kaika#4' } as const;
type Generation = keyof typeof CODES;
/** One of each code, for all cards, and checked once with each code: a check takes 60 ms of a core. */
const verifiers = new Map<number, string>();
const hasher = new CodeHasher(Pepper.ensure(join(dir, 'pepper')));
const checks = new Map<string, Promise<boolean>>();
const checkedOnce = {
  verify(verifier: string | undefined, code: string) {
    const check = checks.get(`${verifier} ${code}`) ?? hasher.verify(verifier, code);
    checks.set(`${verifier} ${code}`, check);
    return check;
  },
} as CodeHasher;
let bench: Bench;
let listener: { consumer: Consumer; handlers: Handlers; source: Bench['source'] };

beforeAll(async () => {
  for (const [generation, code] of Object.entries(CODES)) verifiers.set(Number(generation), await hasher.hash(code));
  bench = await Bench.open(database, join(dir, 'key'), checkedOnce);
  await bench.moveTo(new Date('2026-11-21T04:00:00Z'));
  const consumer = new Consumer(bench.source, { maxAttempts: 5 });
  const { on } = new SuspensionHandlers(bench.suspension, bench.userCodes, bench.receipts, bench.defective, consumer);
  listener = { consumer, handlers: on, source: bench.source };
  await neverBack(bench.db.ownerUrl, { generations: 'verifier' });
}, 120_000);
afterAll(() => rmSync(dir, { recursive: true }));

const newWorld = newWorlds({
  issuerSki: SKI,
  seal: {
    credential: ({ cardNumber, kind, generation }) =>
      // A representative's is sealed to acceptance alone.
      sealCredential([bench.key.publicJwk], { cardNumber, kind, generation, verifier: verifiers.get(generation)! }),
    sealed: unsealed.sealed, // for issuance
  },
});

/** Inbox rows and dead letters are part of it. What differs and may: */
const LEFT_OUT = { 'inbox.received_at': 'when it came', attempt: 'when somebody tried' };

/** Of each history: the user code its card answers to at the end. */
const RIGHT: Record<string, Generation[]> = {
  'way A': [3],
  'way B': [4],
  'wrong data': [1, 1],
  'not opened in time': [1],
  'two midnights': [1],
  'a log that was restored': [1],
};

/** The newest code suspends and resumes the card, and no other does. */
async function answersTo(cardNumber: string, generation: Generation): Promise<void> {
  for (const other of [1, 2, 3, 4] as const) {
    if (other === generation) continue;
    await expect(bench.suspend(cardNumber, CODES[other])).rejects.toMatchObject({ code: 'codeRefused' });
  }
  expect(await bench.suspend(cardNumber, CODES[generation])).toMatchObject({ status: 'suspended' });
  expect(await bench.resume(cardNumber, CODES[generation])).toMatchObject({ standingHolds: [] });
}

describe.each(Object.entries(HISTORIES))('%s', (name, history) => {
  it(
    'comes to the same in every interleaving',
    async () => {
      const { told } = await tellEveryInterleaving(listener, history, newWorld);
      expect(unlikeTheFirst(told, await everythingStored(bench.source, told, LEFT_OUT))).toEqual([]);
      const right = Object.entries(RIGHT).find(([start]) => name.startsWith(start))![1];
      for (const { cardNumbers } of told) {
        for (const [nth, cardNumber] of cardNumbers.entries()) await answersTo(cardNumber, right[nth]!);
      }
      expect(await bench.source.query('select reason from dead_letter')).toEqual([]);
    },
    PATIENCE_MS,
  );
});

/**
 * With this service's own acts between the events it hears. What causes another is before it: a card is accepted and held
 * once it is known, and a list is published once the rows it carries are written.
 */
describe('a card that is accepted, held, released and revoked while codes and lists come', () => {
  let issuers = 0;
  type Turn = { act: 'accept' | 'hold' | 'release' | 'revoke' } | { list: 0 | 1 } | { told: number };

  /** Lists are carried out in the log of all cards: the numbers and marks of one card's lists are above its rows. */
  async function live(turns: readonly Turn[], way: Way): Promise<ToldHistory & { seen: unknown }> {
    const ski = `${String(issuers++).padStart(6, '0')}${SKI.slice(6)}`; // an issuer each, so that lists are of this card
    const world = { ...newWorld(), issuerSki: ski };
    const card = await new CardHistory(world).issued().userCode(1);
    await (await card.userCode(2)).userCode(3);
    const { cardNumber } = card;
    const happened = card.told.map(({ event }) => event);
    const heard = [...happened];
    const receipts: string[] = [];
    for (const turn of turns) {
      if ('told' in turn) {
        const event = happened[turn.told]!;
        await tell(listener, { order: [event], happened: [event] }, way === 'again' ? 'once' : way);
      } else if ('list' in turn) {
        const [{ seq }] = (await bench.source.query('select seq from log_head')) as [{ seq: string }];
        card.list(turn.list + 1, Number(seq) + 1);
        const event = card.told.at(-1)!.event;
        heard.push(event);
        await tell(listener, { order: [event], happened: [event] }, way === 'again' ? 'once' : way);
      } else if (turn.act === 'accept') {
        await bench.accept(cardNumber);
      } else {
        const holder = 'ca' as const;
        const command = turn.act === 'revoke' ? ({ name: 'revoke', reason: 'superseded' } as const) : ({ name: turn.act, holder } as const); // prettier-ignore
        receipts.push((await bench.order(cardNumber, command)).id);
      }
    }
    if (way === 'again') await tell(listener, { order: [], happened: heard }, 'again');
    const given = await Promise.all(receipts.map((id) => bench.receipts.read(id)));
    const rows = await bench.source.query('select row from status_log where card_number = $1 order by seq', [cardNumber]); // prettier-ignore
    const sent = await bench.source.query('select value from outbox where key = $1 order by id', [cardNumber]);
    const seen = {
      receipts: given.map(({ command, status, list }) => [command, status, list?.number]),
      rows: rows.map(({ row }: { row: string }) => JSON.parse(row).kind),
      sent: sent.map(({ value }: { value: string }) => JSON.parse(value).type),
      code: await bench.suspend(cardNumber, CODES[3]).catch(({ code }: { code: string }) => code),
      old: await bench.suspend(cardNumber, CODES[2]).catch(({ code }: { code: string }) => code),
    };
    return { cardNumbers: [cardNumber], happened: heard, order: heard, way, seen };
  }

  it(
    'comes to the same in every order that its causes allow',
    async () => {
      const streams: Turn[][] = [
        [{ told: 0 }],
        [{ told: 1 }],
        [{ told: 2 }, { told: 3 }],
        [{ act: 'accept' }, { act: 'hold' }, { list: 0 }, { act: 'release' }, { act: 'revoke' }, { list: 1 }],
      ];
      const orders = [...interleavings(streams.map(({ length }) => length))]
      .map((turns) => inTurn(streams, turns))
      .filter((order) => order.findIndex((turn) => 'told' in turn && turn.told === 0) < order.findIndex((turn) => 'act' in turn)); // prettier-ignore
      expect(orders.length).toBe(360);
      const some = orders.filter(
        (_, n) => n % (Number(process.env['KAIKA_INTERLEAVINGS'] ?? 0) > 1_000 ? 1 : 13) === 0,
      );
      const lives: Awaited<ReturnType<typeof live>>[] = [];
      await each([...some.entries()], async ([n, order]) => void lives.push(await live(order, WAYS[n % WAYS.length]!)));
      const seen = lives.map((one) => one.seen);
      expect(seen[0]).toEqual({
        receipts: [
          ['hold', 'suspended', '1'],
          ['release', 'valid', '2'],
          ['revoke', 'revoked', '2'],
        ],
        rows: ['accepted', 'suspended', 'resumed', 'revoked'],
        sent: ['certificate.accepted', 'certificate.suspended', 'certificate.resumed', 'certificate.revoked'],
        code: 'cardRevoked',
        old: 'codeRefused',
      });
      expect(unlikeTheFirst(lives, seen)).toEqual([]);
    },
    PATIENCE_MS,
  );
});
