import { beforeEach, describe, expect, it } from '@jest/globals';
import { type DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { withTestDatabase } from '#libs/database';
import { Idempotency, idempotencyKey } from './idempotency.js';
import { IDEMPOTENCY_MIGRATION } from './idempotency.migration.js';

class EffectTable1764000000099 {
  name = 'EffectTable1764000000099';
  async up(runner: { query(sql: string): Promise<unknown> }) {
    await runner.query('create table effect (id bigint generated always as identity, key text)');
  }
  async down() {}
}

const database = withTestDatabase();
const clock = new Clock();
const idempotency = new Idempotency(clock);
let source: DataSource;

beforeEach(async () => {
  source ??= (await database.service('suspension', [IDEMPOTENCY_MIGRATION, EffectTable1764000000099])).source;
  clock.set(0);
  await source.query('delete from idempotency');
  await source.query('delete from effect');
});

const request = { key: 'k1', endpoint: 'POST /cards/{n}/suspension', requestHash: 'h1' };
const effects = async () =>
  Number(((await source.query('select count(*) from effect')) as [{ count: string }])[0].count);
const send = (r = request, answer: Record<string, unknown> = { receipt: 'r' }) =>
  source.transaction((tx) =>
    idempotency.run(tx, r, async () => {
      await tx.query('insert into effect (key) values ($1)', [r.key]);
      return answer;
    }),
  );

describe('Idempotency', () => {
  it('says the first answer again, members in the same order, and has one effect', async () => {
    const answer = { z: 1, a: [null, 'ö', { at: new Date('2026-11-22T00:00:00Z') }], gone: undefined };
    const first = await send(request, answer);
    const second = await send(request, { other: true });
    expect(JSON.stringify(first)).toBe('{"z":1,"a":[null,"ö",{"at":"2026-11-22T00:00:00.000Z"}]}');
    expect(JSON.stringify(second)).toBe(JSON.stringify(first));
    expect(await effects()).toBe(1);
  });

  it('refuses the key for another request, and takes it at another endpoint', async () => {
    await send();
    await expect(send({ ...request, requestHash: 'h2' })).rejects.toMatchObject({ code: 'idempotencyKeyReused' });
    expect(await effects()).toBe(1);
    await send({ ...request, endpoint: 'POST /cards/{n}/resumption', requestHash: 'h2' });
    expect(await effects()).toBe(2);
  });

  it('has one effect and one answer for a hundred at once', async () => {
    let n = 0;
    const answers = await Promise.all(Array.from({ length: 100 }, () => send(request, { n: (n += 1) })));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await effects()).toBe(1);
  });

  it('has one effect for each of many keys sent many times in any order', async () => {
    const keys = Array.from({ length: 100 }, (_, i) => `key-${(i * 37) % 10}`);
    await Promise.all(keys.map((key) => send({ ...request, key })));
    expect(await effects()).toBe(10);
  });

  it('of a hundred at once with two bodies, one body wins and the other is refused', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, (_, i) => send({ ...request, requestHash: `h${i % 2}` })),
    );
    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(50);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'idempotencyKeyReused' });
    }
    expect(await effects()).toBe(1);
  });

  it('lets a failed command be repeated: nothing of it is stored', async () => {
    const failing = source.transaction((tx) =>
      idempotency.run(tx, request, async () => {
        await tx.query(`insert into effect (key) values ('failed')`);
        throw new Error('the card is on fire');
      }),
    );
    await expect(failing).rejects.toThrow('on fire');
    expect(await effects()).toBe(0);
    await expect(send()).resolves.toEqual({ receipt: 'r' });
  });

  it('gives the place to one that waits when the first is rolled back', async () => {
    const first = source.createQueryRunner();
    await first.startTransaction();
    await idempotency.run(first.manager, request, async () => ({ receipt: 'lost' }));
    const waiting = Promise.all([send(), send()]);
    const deadline = clock.nowMs() + 10_000;
    const blocked = async () =>
      ((await source.query(`select count(*)::int as n from pg_locks where not granted`)) as [{ n: number }])[0].n;
    while ((await blocked()) < 2 && clock.nowMs() < deadline) await new Promise(setImmediate);
    await first.rollbackTransaction();
    await first.release();
    expect(await waiting).toEqual([{ receipt: 'r' }, { receipt: 'r' }]);
    expect(await effects()).toBe(1);
  });

  it('can answer nothing', async () => {
    const run = () => source.transaction((tx) => idempotency.run(tx, request, async () => null));
    expect(await run()).toBeNull();
    expect(await run()).toBeNull();
  });

  it.each(['', 'x'.repeat(129), 'a b', 'ä', 'a\n', '\u0000'])(
    'refuses the key %j before the command runs',
    async (key) => {
      await expect(send({ ...request, key })).rejects.toMatchObject({ code: 'invalidRequest' });
      expect(idempotencyKey.safeParse(key).success).toBe(false);
      expect(await effects()).toBe(0);
    },
  );

  it('takes keys of 1 and of 128 characters', async () => {
    await send({ ...request, key: '~' });
    await send({ ...request, key: '!'.repeat(128) });
    expect(await effects()).toBe(2);
  });

  it('drops what is older than 45 days, and no more', async () => {
    const day = 86_400_000;
    for (const [key, days] of [
      ['old', 46],
      ['young', 44],
      ['now', 0],
    ] as const) {
      clock.set(-days * day);
      await send({ ...request, key });
    }
    expect(await idempotency.prune(source)).toBe(1);
    const left = (await source.query('select key from idempotency order by key')) as { key: string }[];
    expect(left.map((row) => row.key)).toEqual(['now', 'young']);
  });
});
