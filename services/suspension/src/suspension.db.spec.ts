import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AttemptStore, type CodeHasher, sealCredential } from '#libs/credentials';
import { withTestDatabase } from '#libs/database';
import type { CardRow, EventData } from '#libs/events';
import { Bench, CODE, issued, plainHasher, SKI } from './suspension.fixture.js';

const database = withTestDatabase();
const dir = mkdtempSync(join(tmpdir(), 'kaika-suspension-'));
const keyFile = join(dir, 'suspension.jwk');
let bench: Bench;

beforeAll(async () => {
  bench = await Bench.open(database, keyFile);
  await bench.moveTo(new Date('2026-08-21T15:50:00Z')); // 23:50 in Taipei
});
afterAll(() => rmSync(dir, { recursive: true }));

const rowsOf = async (cardNumber: string) =>
  (await bench.rows()).filter((row): row is CardRow => row.kind !== 'cut' && row.cardNumber === cardNumber);
const everything = async () => ({
  log: await bench.rows(),
  cards: (await bench.source.query('select * from card order by card_number')) as unknown,
  outbox: await bench.count('outbox'),
  receipts: await bench.count('receipt'),
});

describe('suspending a card', () => {
  it('answers with a receipt that names the coming midnight, in both languages', async () => {
    const card = await bench.card();
    await bench.accept(card);
    const receipt = await bench.suspend(card);
    expect(receipt).toMatchObject({
      cardNumber: card,
      command: 'suspend',
      status: 'suspended',
      standingHolds: ['subscriber'],
      cut: '2026-08-21T16:00:00Z',
      list: null,
    });
    expect(receipt.sentence['zh-TW']).toBe(
      '停用成功，憑證目前狀態為「停用」。廢止清冊將於 115年8月22日 00:00 之後公佈。',
    );
    expect(receipt.sentence.en).toContain('published after 2026-08-22 00:00 (Taipei)');
    expect((await rowsOf(card)).map((row) => [row.kind, row.holder, row.listed?.reason ?? null])).toEqual([
      ['accepted', null, null],
      ['suspended', 'subscriber', 'certificateHold'],
    ]);
    expect(await bench.receipts.read(receipt.id)).toEqual(receipt);
  });

  it('has one effect and one receipt for a hundred identical requests at once', async () => {
    const card = await bench.card();
    const before = await bench.count('outbox');
    const receipts = await Promise.all(Array.from({ length: 100 }, () => bench.suspend(card)));
    expect(new Set(receipts.map((receipt) => JSON.stringify(receipt))).size).toBe(1);
    expect(await rowsOf(card)).toHaveLength(1);
    expect(await bench.count('outbox')).toBe(before + 1);
  });

  it('answers 3005 to a wrong code, an unknown card and a card without a code, and does nothing else', async () => {
    const card = await bench.card();
    const withoutCode = issued();
    await bench.transaction((tx) => bench.suspension.track(tx, withoutCode));
    const before = await everything();
    const refusals = await Promise.all(
      [
        bench.suspend(card, 'kaika#2026'),
        bench.resume(card, 'kaika#2026'),
        bench.suspend('TT99999999999999'),
        bench.suspend(withoutCode.cardNumber),
      ].map((refused) => refused.catch((error: unknown) => error as Error & { code: string })),
    );
    for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'codeRefused' });
    expect(new Set(refusals.map((refusal) => (refusal as Error).message)).size).toBe(1);
    expect(await everything()).toEqual(before);
  });

  it('runs the check of a code for an unknown card too', async () => {
    const checked: (string | undefined)[] = [];
    const hasher = {
      verify: (verifier: string | undefined) => Promise.resolve(void checked.push(verifier)),
    } as unknown as CodeHasher;
    const watched = await Bench.open(database, keyFile, hasher);
    await watched.suspend('TT99999999999998').catch(() => {});
    expect(checked).toEqual([undefined]);
  });

  it('tells revoked, expired and held only after the code was right', async () => {
    const revoked = await bench.card();
    await bench.order(revoked, { name: 'revoke', reason: 'keyCompromise' });
    const expired = await bench.card(issued({ notAfter: '2026-08-20T15:59:59Z' }));
    for (const card of [revoked, expired]) {
      await expect(bench.suspend(card, 'wrong-code')).rejects.toMatchObject({ code: 'codeRefused' });
      await expect(bench.resume(card, 'wrong-code')).rejects.toMatchObject({ code: 'codeRefused' });
    }
    await expect(bench.suspend(revoked)).rejects.toMatchObject({ code: 'cardRevoked' });
    await expect(bench.resume(revoked)).rejects.toMatchObject({ code: 'cardRevoked' });
    await expect(bench.accept(revoked)).rejects.toMatchObject({ code: 'cardRevoked' });
    await expect(bench.suspend(expired)).rejects.toMatchObject({ code: 'cardExpired' });
    await expect(bench.accept(expired)).rejects.toMatchObject({ code: 'cardExpired' });
    await expect(bench.resume(await bench.card())).rejects.toMatchObject({ code: 'cardNotSuspended' });
    const held = await bench.card();
    await bench.suspend(held);
    await expect(bench.accept(held)).rejects.toMatchObject({
      code: 'cardHeld',
      params: { standingHolds: ['subscriber'] },
    });
  });

  it('checks again when the code is replaced while it is checked', async () => {
    const card = await bench.card();
    const racing = await Bench.open(database, keyFile, {
      verify: async (verifier: string | undefined, code: string) => {
        if (verifier === CODE) await credential(card, 2, 'New#code1');
        return plainHasher.verify(verifier, code);
      },
    } as CodeHasher);
    await expect(racing.suspend(card)).rejects.toMatchObject({ code: 'codeRefused' });
    expect(await rowsOf(card)).toHaveLength(0);
    expect(await racing.suspend(card, 'New#code1')).toMatchObject({ status: 'suspended' });
  });

  it('says the same answer to the same Idempotency-Key, and refuses the key for another card', async () => {
    const [one, other] = [await bench.card(), await bench.card()];
    const first = await bench.suspend(one, CODE, 'key-1');
    await bench.resume(one);
    expect(await bench.suspend(one, CODE, 'key-1')).toEqual(first);
    expect((await rowsOf(one)).at(-1)!.kind).toBe('resumed');
    await expect(bench.suspend(other, CODE, 'key-1')).rejects.toMatchObject({ code: 'idempotencyKeyReused' });
    expect(await rowsOf(other)).toHaveLength(0);
  });
});

describe('resuming a card', () => {
  it('lifts its own hold, names the others, and answers the last receipt when repeated', async () => {
    const card = await bench.card();
    await bench.accept(card);
    const suspended = await bench.suspend(card);
    await bench.order(card, { name: 'hold', holder: 'court' });
    expect(await bench.suspend(card)).toEqual(suspended);
    const resumed = await bench.resume(card);
    expect(resumed).toMatchObject({ command: 'resume', status: 'suspended', standingHolds: ['court'] });
    expect(resumed.sentence['zh-TW']).toContain('仍有其他停用：法院。');
    expect(await bench.resume(card)).toEqual(resumed);
    await bench.order(card, { name: 'release', holder: 'court' });
    expect(await bench.resume(card)).toEqual(resumed);
    const [first, last] = [(await rowsOf(card))[1]!, (await rowsOf(card)).at(-1)!];
    expect(first.listed).not.toBeNull();
    expect(last.listed).toBeNull();
    const again = await bench.suspend(card);
    expect(again.id).not.toBe(suspended.id);
    expect(again.status).toBe('suspended');
  });
});

describe('acceptance', () => {
  it('is idempotent whatever the activation, and refuses an unknown card', async () => {
    const card = await bench.card();
    const answers = await Promise.all([bench.accept(card), bench.accept(card), bench.accept(card)]);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 'valid' });
    expect(await rowsOf(card)).toHaveLength(1);
    await expect(bench.accept('TT99999999999997')).rejects.toMatchObject({ code: 'unknownCard' });
  });
});

async function credential(cardNumber: string, generation: number, verifier: string): Promise<void> {
  const sealed = await sealCredential([bench.key.publicJwk], { cardNumber, generation, verifier });
  await bench.transaction((tx) => bench.userCodes.replace(tx, sealed));
}

describe('events', () => {
  it('come in any order and twice: the highest generation stays, a card is known once', async () => {
    const card = issued();
    const steps = [
      () => bench.transaction((tx) => bench.suspension.track(tx, card)),
      () => credential(card.cardNumber, 1, 'First#1'),
      () => credential(card.cardNumber, 2, 'Second#2'),
      () => credential(card.cardNumber, 3, 'Third#3'),
    ];
    const order = [3, 1, 3, 0, 2, 1, 0, 2];
    for (const index of order) await steps[index]!();
    await expect(bench.suspend(card.cardNumber, 'Second#2')).rejects.toMatchObject({ code: 'codeRefused' });
    expect(await bench.suspend(card.cardNumber, 'Third#3')).toMatchObject({ status: 'suspended' });
    await steps[0]!(); // told once more, the card keeps its state
    expect(await rowsOf(card.cardNumber)).toHaveLength(1);
    expect(await bench.suspend(card.cardNumber, 'Third#3')).toMatchObject({ status: 'suspended' });
  });

  it('of a newer user code open the door that guesses at the older one had locked, and no other', async () => {
    const [card, other] = [await bench.card(), await bench.card()];
    const strict = new AttemptStore(bench.source, bench.clock);
    const resume = (cardNumber: string) => strict.begin({ cardNumber, purpose: 'resume', source: '192.0.2.1' });
    await bench.source.query(`insert into attempt select 'resume', unnest($1::text[]), 10, now()`, [[card, other]]);
    await credential(card, 1, 'Again#1'); // no newer one
    await expect(resume(card)).rejects.toMatchObject({ code: 'attemptsLocked' });
    await credential(card, 2, 'Newer#1');
    await resume(card);
    await expect(resume(other)).rejects.toMatchObject({ code: 'attemptsLocked' });
  });

  it('of a credential sealed for another card are refused', async () => {
    const [mine, other] = [await bench.card(), await bench.card()];
    const sealed = await sealCredential([bench.key.publicJwk], { cardNumber: other, generation: 9, verifier: CODE });
    await expect(
      bench.transaction((tx) => bench.userCodes.replace(tx, { ...sealed, cardNumber: mine })),
    ).rejects.toThrow();
  });

  it('of published lists complete a receipt with the first list above it, in whatever order they come', async () => {
    const receipt = await bench.suspend(await bench.card());
    const { seq } = (await rowsOf(receipt.cardNumber))[0]!;
    const published = (number: string, markerSeq: number, issuerSki = SKI) =>
      bench.transaction((tx) =>
        bench.receipts.complete(tx, {
          issuerSki,
          number,
          markerSeq,
          sha256: number.padStart(64, '0'),
        } as EventData<'crl.published'>),
      );
    const list = async () => (await bench.receipts.read(receipt.id)).list?.number;
    await published('100', seq); // its marker is the row itself: it says nothing of it
    await published('900', seq + 1, 'CD'.repeat(20));
    expect(await list()).toBeUndefined();
    await published('103', seq + 9);
    expect(await list()).toBe('103');
    await published('102', seq + 5);
    await published('103', seq + 9);
    expect(await list()).toBe('102');
    expect((await bench.receipts.read(receipt.id)).list?.sha256).toBe('102'.padStart(64, '0'));
    expect(await bench.suspend(receipt.cardNumber)).toMatchObject({ id: receipt.id, list: { number: '102' } });
  });
});

describe('the application role', () => {
  it('can neither change nor remove rows of the status log, receipts or published lists', async () => {
    await bench.suspend(await bench.card());
    for (const sql of [
      'update status_log set hash = hash',
      'delete from status_log',
      'truncate status_log',
      'update receipt set status = status',
      'delete from receipt',
      'delete from published_list',
      'delete from log_head',
      'delete from card',
      'drop table status_log',
    ]) {
      await expect(bench.source.query(sql)).rejects.toMatchObject({ code: '42501' });
    }
  });

  it('finds the same times and hashes in the columns as in the row', async () => {
    await bench.suspend(await bench.card());
    const [row] = (await bench.source.query(
      `select count(*)::int as n from status_log where at <> (row::jsonb->>'at')::timestamptz or hash <> row::jsonb->>'hash'`,
    )) as [{ n: number }];
    expect(row.n).toBe(0);
  });
});
