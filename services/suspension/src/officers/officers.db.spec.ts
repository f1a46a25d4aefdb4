import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import type { CardRow } from '#libs/events';
import type { Receipt } from '../receipts.js';
import { Bench, issued } from '../suspension.fixture.js';
import type { HoldBody, RevocationBody, RevocationRequest } from './officers.schema.js';

const NOW = new Date('2026-08-21T15:50:00Z'); // 23:50 in Taipei
const HOUR_MS = 3_600_000;
const database = withTestDatabase();
const dir = mkdtempSync(join(tmpdir(), 'kaika-suspension-'));
let bench: Bench;

beforeAll(async () => {
  bench = await Bench.open(database, join(dir, 'suspension.jwk'));
  await bench.moveTo(NOW);
});
afterAll(() => rmSync(dir, { recursive: true }));

const hold = (cardNumber: string, holder: HoldBody['holder'], by = 'anna', key?: string) =>
  bench.officers.order('hold', { cardNumber, by, key }, { holder, ground: 'court order 1' });
const release = (cardNumber: string, holder: HoldBody['holder'], by = 'anna') =>
  bench.officers.order('release', { cardNumber, by }, { holder, ground: 'court order 2' });
const ask = (cardNumber: string, body: Partial<RevocationBody> = {}, by = 'anna', key?: string) =>
  bench.revocations.request({ cardNumber, by, key }, { reason: 'superseded', ground: 'defective', ...body });
const request = async (...args: Parameters<typeof ask>) => (await ask(...args)) as RevocationRequest;
const rowsOf = async (cardNumber: string) =>
  (await bench.rows()).filter((row): row is CardRow => row.kind !== 'cut' && row.cardNumber === cardNumber);
const actsOf = (cardNumber: string) =>
  bench.source.query('select act, by, ground, request, receipt from officer_act where card_number = $1 order by id', [
    cardNumber,
  ]);
const outcome = (work: Promise<unknown>) => work.catch((error: { code: string }) => error.code);

describe('a hold of an officer', () => {
  it('is put up and lifted by its holder alone, each time with a receipt; repeated, the same one', async () => {
    const card = await bench.card();
    await bench.accept(card);
    const court = await hold(card, 'court');
    expect(court).toMatchObject({ command: 'hold', holder: 'court', status: 'suspended', standingHolds: ['court'] });
    const ca = await hold(card, 'ca');
    expect(ca).toMatchObject({ holder: 'ca', standingHolds: ['ca', 'court'] });
    expect(await hold(card, 'court', 'ben')).toEqual(court);
    const freed = await release(card, 'ca');
    expect(freed).toMatchObject({ command: 'release', status: 'suspended', standingHolds: ['court'] });
    expect(await release(card, 'ca')).toEqual(freed);
    expect(await release(card, 'court')).toMatchObject({ status: 'valid', standingHolds: [] });
    expect(await hold(card, 'court')).not.toMatchObject({ id: court.id });
    expect((await rowsOf(card)).map((row) => [row.kind, row.holder])).toEqual([
      ['accepted', null],
      ['suspended', 'court'],
      ['suspended', 'ca'],
      ['resumed', 'ca'],
      ['resumed', 'court'],
      ['suspended', 'court'],
    ]);
    expect(await bench.receipts.read(ca.id)).toEqual(ca);
  });

  it('leaves who did it and on what ground, once, and not in the receipt', async () => {
    const card = await bench.card();
    const receipts = await Promise.all(Array.from({ length: 100 }, (_, n) => hold(card, 'court', `officer-${n}`)));
    expect(new Set(receipts.map((receipt) => JSON.stringify(receipt))).size).toBe(1);
    expect(JSON.stringify(receipts[0])).not.toContain('court order');
    expect(await rowsOf(card)).toHaveLength(1);
    expect(await actsOf(card)).toMatchObject([{ act: 'hold', ground: 'court order 1', receipt: receipts[0]!.id }]);
  });

  it('stands in the way of a resume, which says so in both languages', async () => {
    const card = await bench.card();
    await hold(card, 'court');
    await bench.suspend(card);
    const resumed = await bench.resume(card);
    expect(resumed).toMatchObject({ status: 'suspended', standingHolds: ['court'] });
    expect(resumed.sentence['zh-TW']).toContain('仍有其他停用：法院。法院停用須由法院通知解除。');
    expect(resumed.sentence.en).toContain('Other holds still stand: a court. The hold of a court ends');
    const other = await bench.card();
    await hold(other, 'ca');
    await expect(bench.resume(other)).rejects.toMatchObject({
      code: 'cardNotSuspended',
      params: { standingHolds: ['ca'], sentence: { 'zh-TW': expect.stringContaining('憑證管理中心') } },
    });
    await expect(bench.accept(other)).rejects.toMatchObject({ code: 'cardHeld', params: { standingHolds: ['ca'] } });
  });

  it('has one answer per key and officer, and refuses the key for another command', async () => {
    const [one, other] = [await bench.card(), await bench.card()];
    const first = await hold(one, 'ca', 'anna', 'k');
    await release(one, 'ca');
    expect(await hold(one, 'ca', 'anna', 'k')).toEqual(first);
    expect((await rowsOf(one)).at(-1)!.kind).toBe('resumed');
    await expect(hold(other, 'ca', 'anna', 'k')).rejects.toMatchObject({ code: 'idempotencyKeyReused' });
    expect(await hold(other, 'ca', 'ben', 'k')).toMatchObject({ cardNumber: other });
  });
});

describe('a revocation', () => {
  it('happens when another officer approves it, with the reason that was asked for, and the first receipt again', async () => {
    const card = await bench.card();
    await bench.accept(card);
    const asked = await request(card, { reason: 'keyCompromise', compromisedAt: '2026-08-01T10:00:00.999Z' });
    expect(asked).toMatchObject({
      cardNumber: card,
      state: 'open',
      requestedBy: 'anna',
      compromisedAt: '2026-08-01T10:00:00Z',
      receiptId: null,
    });
    expect(await rowsOf(card)).toHaveLength(1);
    await expect(bench.revocations.approve(asked.id, 'anna')).rejects.toMatchObject({ code: 'ownRequest' });
    const done = await bench.revocations.approve(asked.id, 'ben');
    expect(done).toMatchObject({
      request: { state: 'approved', decidedBy: 'ben', receiptId: done.receipt.id },
      receipt: { command: 'revoke', reason: 'keyCompromise', holder: null, status: 'revoked' },
    });
    expect(done.receipt.sentence['zh-TW']).toMatch(/^廢止成功，憑證目前狀態為「廢止」。廢止清冊/);
    expect((await rowsOf(card)).at(-1)!.listed).toMatchObject({
      reason: 'keyCompromise',
      invalidityDate: '2026-08-01T10:00:00Z',
    });
    expect(await bench.revocations.approve(asked.id, 'cleo')).toEqual(done);
    expect(await ask(card)).toEqual(done.receipt);
    expect(await actsOf(card)).toEqual([
      { act: 'revoke', by: 'ben', ground: 'defective', request: asked.id, receipt: done.receipt.id },
    ]);
  });

  it('has one effect for a hundred approvals at once, of one request or of several', async () => {
    const card = await bench.card();
    const ids = [(await request(card)).id, (await request(card, { reason: 'keyCompromise' })).id];
    const before = await bench.count('outbox');
    const done = await Promise.all(
      Array.from({ length: 100 }, (_, n) => bench.revocations.approve(ids[n % 2]!, `officer-${n % 9}`)),
    );
    expect(new Set(done.map(({ receipt }) => JSON.stringify(receipt))).size).toBe(1);
    expect(await rowsOf(card)).toHaveLength(1);
    expect(await bench.count('outbox')).toBe(before + 1);
    expect(await actsOf(card)).toHaveLength(1);
  });

  it('is one request for a hundred identical ones at once, and answers the receipt from the moment it is done', async () => {
    const card = await bench.card();
    const answers = await Promise.all(Array.from({ length: 100 }, () => request(card)));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    const [approval, ...asked] = await Promise.all([
      bench.revocations.approve(answers[0]!.id, 'ben'),
      ...Array.from({ length: 30 }, () => ask(card)),
    ]);
    for (const answer of asked) expect([answers[0]!.id, approval.receipt.id]).toContain(answer.id);
    expect(await ask(card)).toEqual(approval.receipt);
  });

  it('keeps the date of a hold, beats every hold and is final: 4931 for every later command', async () => {
    const card = await bench.card();
    await hold(card, 'court');
    const since = (await rowsOf(card))[0]!.listed!.since;
    await bench.moveTo(new Date(NOW.getTime() + 5 * HOUR_MS));
    const receipt = await bench.revoke(card);
    expect(receipt).toMatchObject({ status: 'revoked', standingHolds: ['court'] });
    expect(receipt.sentence.en).not.toContain('hold');
    expect((await rowsOf(card)).at(-1)!.listed).toEqual({ reason: 'keyCompromise', since });
    const later = [
      () => bench.suspend(card),
      () => bench.resume(card),
      () => bench.accept(card),
      () => hold(card, 'court'),
      () => hold(card, 'ca'),
      () => release(card, 'court'),
      () => bench.officers.extend({ cardNumber: card, by: 'anna' }, { until: '2027-01-01', ground: 'x' }),
    ];
    for (const command of later) expect(await outcome(command())).toBe('cardRevoked');
    expect(await rowsOf(card)).toHaveLength(2);
    await bench.moveTo(NOW);
  });

  it('is refused for a card that has expired, when asked for and when approved; the request stays open', async () => {
    const expired = await bench.card(issued({ notAfter: '2026-08-20T15:59:59Z' }));
    const commands = [
      () => ask(expired),
      () => hold(expired, 'ca'),
      () => release(expired, 'ca'),
      () => bench.officers.extend({ cardNumber: expired, by: 'anna' }, { until: '2027-01-01', ground: 'x' }),
    ];
    for (const command of commands) expect(await outcome(command())).toBe('cardExpired');
    const soon = await bench.card(issued({ notAfter: '2026-08-21T15:59:59Z' }));
    const { id } = await request(soon);
    await bench.moveTo(new Date(NOW.getTime() + HOUR_MS));
    expect(await outcome(bench.revocations.approve(id, 'ben'))).toBe('cardExpired');
    expect(await rowsOf(soon)).toEqual([]);
    const { items } = await bench.revocations.list({ state: 'open', after: 0, limit: 200 });
    expect(items.map((item) => item.id)).toContain(id);
    await bench.moveTo(NOW);
  });

  it('is not done after its request was rejected or is a day old', async () => {
    const card = await bench.card();
    const rejected = await request(card);
    expect(await bench.revocations.reject(rejected.id, 'ben', 'wrong card')).toMatchObject({
      state: 'rejected',
      rejectionGround: 'wrong card',
    });
    expect(await outcome(bench.revocations.approve(rejected.id, 'cleo'))).toBe('requestDecided');
    const old = await request(card);
    await bench.moveTo(new Date(NOW.getTime() + 24 * HOUR_MS + 1_000));
    expect(await outcome(bench.revocations.approve(old.id, 'ben'))).toBe('requestExpired');
    expect(await outcome(bench.revocations.reject(old.id, 'ben', 'x'))).toBe('requestExpired');
    await bench.moveTo(NOW);
    expect(await rowsOf(card)).toEqual([]);
    expect(await outcome(bench.revocations.approve(randomUUID(), 'ben'))).toBe('notFound');
  });

  it('of a time of compromise in the future, or of an unknown card, is no request', async () => {
    const card = await bench.card();
    const before = await bench.count('dual_control_request');
    const future = { reason: 'keyCompromise', compromisedAt: '2026-08-21T15:51:00Z' } as const;
    await expect(ask(card, future)).rejects.toMatchObject({
      code: 'invalidRequest',
      params: { errors: [{ at: '/compromisedAt' }] },
    });
    expect(await outcome(ask('TT99999999999990'))).toBe('unknownCard');
    expect(await outcome(hold('TT99999999999990', 'ca'))).toBe('unknownCard');
    expect(await bench.count('dual_control_request')).toBe(before);
  });

  it('asked for with a key is one request, and the same answer after it was done', async () => {
    const card = await bench.card();
    const asked = await request(card, {}, 'anna', 'r');
    await bench.revocations.approve(asked.id, 'ben');
    expect(await ask(card, {}, 'anna', 'r')).toEqual(asked);
    await expect(ask(card, { reason: 'keyCompromise' }, 'anna', 'r')).rejects.toMatchObject({
      code: 'idempotencyKeyReused',
    });
  });

  it('races with commands of the holder and of officers: the log holds one of the possible orders', async () => {
    for (let round = 0; round < 5; round++) {
      const card = await bench.card();
      const { id } = await request(card);
      const results = await Promise.all([
        outcome(bench.revocations.approve(id, 'ben')),
        outcome(bench.suspend(card)),
        outcome(hold(card, 'court')),
        outcome(bench.accept(card)),
        outcome(ask(card)),
        outcome(bench.revocations.reject(id, 'cleo', 'x')),
      ]);
      const rows = await rowsOf(card);
      const revoked = rows.filter((row) => row.kind === 'revoked');
      const approved = typeof results[0] !== 'string';
      expect(approved).not.toBe(typeof results[5] !== 'string');
      expect(revoked).toHaveLength(approved ? 1 : 0);
      if (approved) expect(rows.at(-1)!.kind).toBe('revoked');
      for (const result of results) if (typeof result === 'string') expect(result).toMatch(/^card|^request/);
    }
  });
});

describe('requests for revocation', () => {
  it('are listed in pages, oldest first', async () => {
    const [one, two] = [await request(await bench.card()), await request(await bench.card())];
    const all = (await bench.revocations.list({ after: 0, limit: 200 })).items;
    expect(all.slice(-2)).toEqual([one, two]);
    const seen: RevocationRequest[] = [];
    for (let after: number | null = 0; after !== null;) {
      const page: { items: RevocationRequest[]; next: number | null } = await bench.revocations.list({
        after,
        limit: 3,
      });
      seen.push(...page.items);
      after = page.next;
    }
    expect(seen).toEqual(all);
  });
});

describe('the application role', () => {
  it('can neither change nor remove acts of officers and requests', async () => {
    const receipt: Receipt = await hold(await bench.card(), 'ca');
    expect(receipt.list).toBeNull();
    for (const sql of [
      'update officer_act set by = by',
      'delete from officer_act',
      'delete from dual_control_request',
    ]) {
      await expect(bench.source.query(sql)).rejects.toMatchObject({ code: '42501' });
    }
  });
});
