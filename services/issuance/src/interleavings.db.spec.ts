import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { ensureKeyPair, ensureSecretKey, type KeyPair, sealCredential, sealFor, sealRecord } from '#libs/credentials';
import { withTestDatabase } from '#libs/database';
import { sealedContext } from '#libs/events';
import { Consumer, type Handlers } from '#libs/messaging';
import { HISTORIES } from '../../../libs/events/test/histories.js';
import { PATIENCE_MS } from '../../../libs/events/test/interleavings.js';
import { neverBack } from '../../../libs/events/test/never-back.js';
import { newWorlds } from '../../../libs/events/test/worlds.js';
import { tellEveryInterleaving, unlikeTheFirst } from '../../../libs/messaging/test/every-interleaving.js';
import { everythingStored } from '../../../libs/messaging/test/everything-stored.js';
import { CasesService } from './cases/cases.service.js';
import { issuance } from './index.js';
import type { IssuanceConfig } from './issuance.config.js';
import { IssuanceHandlers } from './issuance.handlers.js';
import { KnownCards } from './known-cards.js';
import { Contacts } from './notices/contacts.js';
import type { Mailer } from './notices/mailer.js';
import { NoticesService } from './notices/notices.service.js';
import { CardLocks } from './returns/card-locks.js';

const database = withTestDatabase();
const dir = mkdtempSync(join(tmpdir(), 'kaika-issuance-'));
const FIRST_ADDRESS = 'application@example.com';
let ownKey: KeyPair;
let contacts: Contacts;
let cases: CasesService;
let listener: { consumer: Consumer; handlers: Handlers; source: DataSource };
/** What makes cards known before anything is told of them: this service has issued them. */
let issue: (cardNumber: string, way: 'A' | 'B') => Promise<void>;

beforeAll(async () => {
  ownKey = await ensureKeyPair(join(dir, 'own'));
  const dataKey = ensureSecretKey(join(dir, 'data-key'));
  const { source, ownerUrl } = await database.service('issuance', [...issuance.migrations] as never);
  const config = { dataKey, ownKey, mail: undefined } as Partial<IssuanceConfig> as IssuanceConfig;
  contacts = new Contacts(source, config);
  const clock = new Clock();
  cases = new CasesService(source, clock, config);
  const notices = new NoticesService(source, clock, {} as Mailer, config); // no server: recorded, and not sent
  const consumer = new Consumer(source, { maxAttempts: 5 });
  const { on } = new IssuanceHandlers(new KnownCards(), contacts, cases, notices, new CardLocks(), consumer);
  listener = { consumer, handlers: on, source };
  issue = async (cardNumber, way) => {
    const contact = way === 'A' ? { contact: { email: FIRST_ADDRESS } } : {};
    const personal = await sealRecord(dataKey, { table: 'application', id: cardNumber }, contact);
    await source.query(
      `insert into application (case_number, state, kind, name, ubn, rank, personal, national_id_confirmed, way,
         verifier, representative_verifier, office, office_case, office_request, push, received_at, decided_at)
       values ($1, 'approved', 'company', '光年測試股份有限公司', '12345675', 'primary', $2, false, $3,
         case $3 when 'A' then 'scrypt$' end, case $3 when 'B' then 'scrypt$' end, case $3 when 'B' then 'office' end,
         case $3 when 'B' then $1 end, case $3 when 'B' then 'hash' end, case $3 when 'B' then 'sealed' end,
         now(), now())`,
      [cardNumber, personal, way],
    );
    await source.query(
      `insert into card (card_number, state, case_number, added_at, issued_at) values ($1, 'issued', $1, now(), now())`,
      [cardNumber],
    );
  };
  await neverBack(ownerUrl, { generations: 'known_user_code', statuses: 'known_status' });
}, 120_000);
afterAll(() => rmSync(dir, { recursive: true }));

const newWorld = newWorlds({
  seal: {
    credential: (of) => sealCredential([ownKey.publicJwk], { ...of, verifier: 'not for this service' }),
    sealed: async (type, cardNumber, payload) => ({
      ...(await sealFor([ownKey.publicJwk], payload, sealedContext(type, cardNumber))),
    }),
  },
});

/** Inbox rows, notices and dead letters are part of it. What differs and may: */
const LEFT_OUT = {
  'inbox.received_at': 'when it came',
  'notice.recorded_at': 'when it came',
  'notice.next_attempt_at': 'when it came',
  'notice.done_at': 'when it came',
  'contact.personal': 'encrypted anew; read as a whole below',
  'office_case.personal': 'encrypted anew; read as a whole below',
  'application.personal': 'not told by events',
  'application.received_at': 'not told by events',
  'application.decided_at': 'not told by events',
  'card.added_at': 'not told by events',
  'card.issued_at': 'not told by events',
};

/** Of each history: what its subscriber is told, each once, where, and the office's cases. */
const RIGHT = {
  'way A': {
    mails: ['card-activated', 'certificate-resumed', 'certificate-revoked', 'certificate-suspended', 'user-code-changed', 'user-code-changed'], // prettier-ignore
    to: 'second@example.com',
  },
  'way B': {
    // The code that is set at activation is its first.
    mails: ['card-activated', 'certificate-resumed', 'certificate-suspended', 'one-time-code', 'user-code-changed', 'user-code-changed'], // prettier-ignore
    to: 'first@example.com',
  },
  'wrong data': { mails: ['certificate-revoked'], to: FIRST_ADDRESS, wrong: 'the name is an old one' },
  'not opened in time': {
    mails: ['acceptance-due', 'acceptance-due', 'card-activated', 'certificate-resumed', 'certificate-resumed', 'certificate-resumed', 'certificate-suspended', 'certificate-suspended', 'certificate-suspended'], // prettier-ignore
    to: FIRST_ADDRESS,
  },
  'two midnights': { mails: ['certificate-resumed', 'certificate-revoked', 'certificate-suspended'], to: FIRST_ADDRESS }, // prettier-ignore
  'a log that was restored': {
    mails: ['certificate-resumed', 'certificate-revoked', 'certificate-suspended'],
    to: FIRST_ADDRESS,
  },
} as Record<string, { mails: string[]; to: string; wrong?: string }>;

describe.each(Object.entries(HISTORIES))('%s', (name, history) => {
  it(
    'comes to the same in every interleaving',
    async () => {
      const way = name.startsWith('way B') ? 'B' : 'A';
      const { told } = await tellEveryInterleaving(listener, history, newWorld, (cardNumber) => issue(cardNumber, way));
      expect(unlikeTheFirst(told, await everythingStored(listener.source, told, LEFT_OUT))).toEqual([]);
      const right = Object.entries(RIGHT).find(([start]) => name.startsWith(start))![1];
      const [cardNumber] = told[0]!.cardNumbers;
      const mails: { kind: string }[] = await listener.source.query(
        `select content->>'kind' as kind from notice where card_number = $1 order by 1`,
        [cardNumber],
      );
      expect(mails.map(({ kind }) => kind)).toEqual(right.mails);
      const first = told.map(({ cardNumbers }) => cardNumbers[0]!);
      const addresses = await Promise.all(first.map(async (one) => (await contacts.of(one))?.email));
      expect(new Set(addresses)).toEqual(new Set([right.to]));
      expect(await listener.source.query('select reason from dead_letter')).toEqual([]);
    },
    PATIENCE_MS,
  );
});

describe('cases for the office', () => {
  it('are one for each refusal, and can be read', async () => {
    const refused = await listener.source.query<{ cards: number; cases: number }[]>(
      'select count(distinct card_number)::int as cards, count(*)::int as cases from office_case',
    );
    expect(refused[0]!.cases).toBe(refused[0]!.cards);
    const { items } = await cases.list({ limit: 100 } as never);
    expect(items.length).toBeGreaterThan(20);
    expect(new Set(items.map(({ whatIsWrong }) => whatIsWrong))).toEqual(new Set(['the name is an old one']));
  });
});
