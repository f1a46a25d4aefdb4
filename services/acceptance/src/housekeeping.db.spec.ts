import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { Housekeeping } from '#libs/host';
import { FORM, withAcceptance } from './acceptance.fixture.js';

const running = withAcceptance();
const DAY_MS = 86_400_000;
const sweep = () => running.bench.service.app.get(Housekeeping).sweep();

describe('housekeeping', () => {
  it('drops old sessions, requests and counts, and neither evidence nor what a card still needs', async () => {
    const { bench } = running;
    bench.clock.set(-31 * DAY_MS);
    const [live, refused] = [await bench.issueCard(), await bench.issueCard({ way: 'B' })];
    const accepted = await bench.press(live);
    const older = accepted.session.id;
    const newest = await bench.press(live); // the older session ended with this one
    const report = { nationalId: FORM.nationalId, birthDate: FORM.birthDate, whatIsWrong: 'x' };
    const refusal = await bench.pressWith(refused, 'B', report, 'refusal');
    await bench.press(refused, 'wrong-code');
    await bench.call('POST', '/user-codes', { cardNumber: live.sample.cardNumber });
    bench.clock.set(-29 * DAY_MS);
    const recent = await bench.begin(live.sample.cardNumber);
    bench.clock.set(0);
    await bench.sql(`insert into attempt values ('user-code', 'TT00000000009999', 10, '2020-01-01')`);
    const evidence = await bench.sql('select session from evidence');

    await sweep();
    expect(await bench.sql('select id from user_code_reset')).toEqual([]);
    const left = (await bench.sql<{ id: string }>('select id from activation')).map(({ id }) => id);
    expect(left.sort()).toEqual([newest.session.id, recent.id].sort());
    expect(left).not.toContain(older);
    expect(left).not.toContain(refusal.session.id);
    expect(await bench.sql('select session from evidence')).toEqual(evidence);
    expect(await bench.sql('select subject from attempt')).toEqual([{ subject: 'TT00000000009999' }]); // a lock stays
    expect(await bench.state(newest.session.id)).toBe('accepted');
    expect(await sweep()).toEqual({ attempts: 0, sessions: 0, resets: 0, pinResets: 0, unlocks: 0, lockReports: 0 });
  });

  it('runs when the service starts, and goes on after a failure', async () => {
    const { bench } = running;
    expect(bench.log).toContain('rows nobody needs any more were dropped');
    await bench.sql('insert into user_code_reset (id, card_number, nonce, expires_at) values ($1, $2, $3, $4)', [
      ...[randomUUID(), 'TT00000000000001', Buffer.alloc(32), '2020-01-01'],
    ]);
    expect((await sweep()).resets).toBe(1);
  });
});

describe('beginning a session', () => {
  it('drops those that nobody went on with within an hour, and no other', async () => {
    const { bench } = running;
    const card = { cardNumber: 'TT00000000000002' };
    const old = { expires_at: new Date(bench.clock.nowMs() - 2 * 3_600_000) };
    const put = async (table: string, columns: Record<string, unknown> = {}) => {
      const row = { id: randomUUID(), card_number: card.cardNumber, nonce: Buffer.alloc(32), ...old, ...columns };
      const names = Object.keys(row);
      const places = names.map((_, i) => `$${i + 1}`);
      await bench.sql(`insert into ${table} (${names.join()}) values (${places.join()})`, Object.values(row));
      return row.id;
    };
    const used = { nonce_used_at: old.expires_at };
    const released = {
      ...used,
      released_at: old.expires_at,
      proof_signature: Buffer.of(1),
      completion_nonce: Buffer.of(1),
    };
    const coded = { ...used, code_requested_at: old.expires_at, code_expires_at: old.expires_at };
    const gone: string[] = [await put('pin_reset'), await put('pin_reset', used), await put('lock_report')];
    const young = { expires_at: new Date(bench.clock.nowMs() - 60_000) };
    const stay = [await put('pin_reset', released), await put('pin_reset', coded), await put('pin_reset', young), await put('lock_report', used)]; // prettier-ignore
    for (const path of ['/pin-resets', '/lock-reports'])
      expect((await bench.call('POST', path, card)).status).toBe(201);
    const left = await bench.sql<{ id: string }>(
      'select id from pin_reset union all select id from lock_report where card_number = $1',
      [card.cardNumber],
    );
    const all = left.map(({ id }) => id);
    expect(all).toEqual(expect.arrayContaining(stay));
    expect(all.filter((id) => gone.includes(id))).toEqual([]);
  });
});
