import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { CodeHasher, ensureKeyPair, type KeyPair, Pepper, representativeText, sealCredential } from '#libs/credentials';
import { withTestDatabase } from '#libs/database';
import { Consumer, type Handlers, Outbox } from '#libs/messaging';
import { CardHistory } from '../../../libs/events/test/card-history.js';
import { HISTORIES } from '../../../libs/events/test/histories.js';
import { PATIENCE_MS } from '../../../libs/events/test/interleavings.js';
import { neverBack } from '../../../libs/events/test/never-back.js';
import { newWorlds, unsealed } from '../../../libs/events/test/worlds.js';
import { tellEveryInterleaving, unlikeTheFirst } from '../../../libs/messaging/test/every-interleaving.js';
import { everythingStored } from '../../../libs/messaging/test/everything-stored.js';
import { tell } from '../../../libs/messaging/test/tellings.js';
import { AcceptanceHandlers } from './acceptance.handlers.js';
import { acceptance } from './index.js';
import { KnownCards } from './known-cards.js';
import { UserCodes } from './user-code/user-codes.js';

const database = withTestDatabase();
const dir = mkdtempSync(join(tmpdir(), 'kaika-acceptance-'));
const CODES = { 1: 'Kaika#1', 2: 'Kaika#2', 3: 'Kaika#3', 4: 'Kaika#4' } as const;
const PERSON = representativeText('A123456789', '1987-02-21');
/** One of each code, for all cards: a check takes 60 ms of a core. */
const verifiers = new Map<string, string>();
let hasher: CodeHasher;
let keys: { acceptance: KeyPair; suspension: KeyPair };
let listener: { consumer: Consumer; handlers: Handlers; source: DataSource };

beforeAll(async () => {
  hasher = new CodeHasher(Pepper.ensure(join(dir, 'pepper')));
  keys = {
    acceptance: await ensureKeyPair(join(dir, 'own')),
    suspension: await ensureKeyPair(join(dir, 'suspension')),
  };
  for (const [generation, code] of Object.entries(CODES)) {
    verifiers.set(`user-code ${generation}`, await hasher.hash(code));
  }
  verifiers.set('representative 1', await hasher.hash(PERSON));
  const { source, ownerUrl } = await database.service('acceptance', [...acceptance.migrations] as never);
  const consumer = new Consumer(source, { maxAttempts: 5 });
  listener = { consumer, handlers: new AcceptanceHandlers(new KnownCards(keys.acceptance), consumer).on, source };
  await neverBack(ownerUrl, { generations: 'verifier', statuses: 'status_copy' });
}, 120_000);
afterAll(() => rmSync(dir, { recursive: true }));

const newWorld = newWorlds({
  seal: {
    credential: ({ cardNumber, kind, generation }) => {
      const verifier = verifiers.get(`${kind} ${generation}`)!;
      const recipients = kind === 'user-code' ? [keys.suspension, keys.acceptance] : [keys.acceptance];
      return sealCredential(
        recipients.map(({ publicJwk }) => publicJwk),
        { cardNumber, kind, generation, verifier },
      );
    },
    sealed: unsealed.sealed, // for issuance
  },
});

/** Inbox rows and dead letters are part of it. What differs and may: */
const LEFT_OUT = { 'inbox.received_at': 'when it came' };

/** Of each history: the user code its card answers to at the end, and whether 4931 is said. */
const RIGHT: Record<string, [generation: 1 | 2 | 3 | 4, isRevoked: boolean][]> = {
  'way A': [[3, true]],
  'way B': [[4, false]],
  'wrong data': [[1, true], [1, false]],
  'not opened in time': [[1, false]],
  'two midnights': [[1, true]],
  'a log that was restored': [[1, true]],
}; // prettier-ignore

describe.each(Object.entries(HISTORIES))('%s', (name, history) => {
  it(
    'comes to the same in every interleaving',
    async () => {
      const { told } = await tellEveryInterleaving(listener, history, newWorld);
      expect(unlikeTheFirst(told, await everythingStored(listener.source, told, LEFT_OUT))).toEqual([]);
      const right = Object.entries(RIGHT).find(([start]) => name.startsWith(start))![1];
      const known = new KnownCards(keys.acceptance);
      for (const [nth, cardNumber] of told[0]!.cardNumbers.entries()) {
        const [generation, isRevoked] = right[nth]!;
        const kept: { kind: string; verifier: string }[] = await listener.source.query(
          'select kind, verifier from verifier where card_number = $1',
          [cardNumber],
        );
        // The responsible person's data are not kept beside a user code.
        expect(kept.map(({ kind }) => kind)).toEqual(['user-code']);
        expect(await hasher.verify(kept[0]!.verifier, CODES[generation])).toBe(true);
        expect(await known.isRevoked(cardNumber, listener.source.manager)).toBe(isRevoked);
      }
      expect(await listener.source.query('select reason from dead_letter')).toEqual([]);
    },
    PATIENCE_MS,
  );
});

describe('a user code that was set here', () => {
  it('stays alone when the events from before it come again', async () => {
    const { source, consumer, handlers } = listener;
    const card = new CardHistory(newWorld()).issued('B');
    await card.person();
    const all = card.told.map(({ event }) => event);
    await tell({ source, consumer, handlers }, { order: all, happened: all }, 'once');
    const userCodes = new UserCodes(source, hasher, [keys.suspension.publicJwk], new Outbox());
    const made = await userCodes.make(card.cardNumber, CODES[2], new Date('2026-11-21T02:00:00Z'));
    await source.transaction((tx) => userCodes.put(tx, made));
    await tell({ source, consumer, handlers }, { order: [], happened: all }, 'again');
    expect(Object.keys(await userCodes.verifiersOf(card.cardNumber))).toEqual(['user-code']);
  });
});
