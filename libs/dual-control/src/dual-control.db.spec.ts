import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { z } from 'zod';
import { Clock } from '#libs/clock';
import { withTestDatabase } from '#libs/database';
import { DUAL_CONTROL_MIGRATION, DualControl, type RequestPage } from './index.js';

class EffectTable1764000000098 {
  name = 'EffectTable1764000000098';
  async up(runner: { query(sql: string): Promise<unknown> }) {
    await runner.query('create table effect (id bigint generated always as identity, about text)');
  }
  async down() {}
}

const HOUR_MS = 3_600_000;
const act = {
  kind: 'demolition',
  parameters: z.object({ how: z.string() }),
  result: z.object({ effect: z.number() }),
};
const otherAct = { ...act, kind: 'renovation' };
const database = withTestDatabase();
const clock = new Clock();
const control = new DualControl(clock);
let source: DataSource;

beforeAll(async () => {
  ({ source } = await database.service('suspension', [DUAL_CONTROL_MIGRATION, EffectTable1764000000098]));
});
beforeEach(async () => {
  clock.set(-100 * HOUR_MS);
  await source.query('delete from effect');
});
const pass = (hours: number) => clock.set(clock.offsetMs + hours * HOUR_MS);

let houses = 0;
const house = () => `house-${++houses}`;
const ask = (about: string, by = 'anna', how = 'slowly') =>
  source.transaction((tx) => control.request(tx, act, { about, parameters: { how }, by }));
const approve = (id: string, by = 'ben', fails = false) =>
  source.transaction((tx) =>
    control.approve(tx, act, { id, by }, async ({ about }) => {
      const [row] = (await tx.query('insert into effect (about) values ($1) returning id::int', [about])) as [
        { id: number },
      ];
      if (fails) throw new Error('the crane is broken');
      return { effect: row.id };
    }),
  );
const reject = (id: string, by = 'ben', ground = 'listed building') =>
  source.transaction((tx) => control.reject(tx, act, { id, by, ground }));
const effects = async () => ((await source.query('select count(*)::int as n from effect')) as [{ n: number }])[0].n;

describe('an act of two persons', () => {
  it('waits for another person, then happens with what was asked for', async () => {
    const request = await ask('house-x');
    expect(request).toMatchObject({ state: 'open', parameters: { how: 'slowly' }, requestedBy: 'anna', result: null });
    expect(request.expiresAt.getTime() - request.requestedAt.getTime()).toBe(24 * HOUR_MS);
    expect(await effects()).toBe(0);
    const done = await approve(request.id);
    expect(done).toMatchObject({ state: 'approved', decidedBy: 'ben', parameters: { how: 'slowly' } });
    expect(done.result?.effect).toBeGreaterThan(0);
    expect(await source.query('select about from effect')).toEqual([{ about: 'house-x' }]);
  });

  it('is never decided on by who asked for it, approved, rejected or open', async () => {
    for (const prepare of [async () => {}, (id: string) => approve(id), (id: string) => reject(id)]) {
      const { id } = await ask(house());
      await prepare(id);
      const before = await effects();
      await expect(approve(id, 'anna')).rejects.toMatchObject({ code: 'ownRequest' });
      await expect(reject(id, 'anna')).rejects.toMatchObject({ code: 'ownRequest' });
      expect(await effects()).toBe(before);
    }
  });

  it('happens once for a hundred approvals at once, by one person or by many, and all get the one result', async () => {
    for (const persons of [1, 7]) {
      const { id } = await ask(house());
      const before = await effects();
      const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => approve(id, `officer-${n % persons}`)));
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(await effects()).toBe(before + 1);
    }
  });

  it('happens or not, never both, when approvals and rejections come at once', async () => {
    for (let round = 0; round < 10; round++) {
      const { id } = await ask(house());
      const before = await effects();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, (_, n) => (n % 2 ? approve(id, `a${n}`) : reject(id, `r${n}`))),
      );
      const states = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.state : 'refused'));
      const decided = states.includes('approved') ? 'approved' : 'rejected';
      expect(states.filter((state) => state === decided)).toHaveLength(10);
      expect(states.filter((state) => state === 'refused')).toHaveLength(10);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'requestDecided' });
      }
      expect(await effects()).toBe(before + (decided === 'approved' ? 1 : 0));
    }
  });

  it('that fails leaves nothing, and the request open for another try', async () => {
    const { id } = await ask(house());
    await expect(approve(id, 'ben', true)).rejects.toThrow('crane');
    expect(await effects()).toBe(0);
    expect((await source.transaction((tx) => control.read(tx, act, id))).state).toBe('open');
    expect((await approve(id)).state).toBe('approved');
    expect(await effects()).toBe(1);
  });

  it('that was rejected stays so, with its ground, when it is rejected again by another', async () => {
    const { id } = await ask(house());
    const rejected = await reject(id);
    expect(rejected).toMatchObject({ state: 'rejected', decidedBy: 'ben', ground: 'listed building', result: null });
    expect(await reject(id, 'cleo', 'another ground')).toEqual(rejected);
    await expect(approve(id)).rejects.toMatchObject({ code: 'requestDecided' });
  });

  it('expires after 24 hours, and what was decided stays decided', async () => {
    const { id, expiresAt } = await ask(house());
    pass(25);
    await expect(approve(id)).rejects.toMatchObject({ code: 'requestExpired' });
    await expect(reject(id)).rejects.toMatchObject({ code: 'requestExpired' });
    const read = () => source.transaction((tx) => control.read(tx, act, id));
    expect((await read()).state).toBe('expired');
    expect(expiresAt).toEqual((await read()).expiresAt);
    pass(-2);
    expect((await approve(id)).state).toBe('approved');
    pass(30);
    expect((await approve(id)).state).toBe('approved');
  });

  it('of another kind, or unknown, is not found', async () => {
    const { id } = await ask(house());
    const read = source.transaction((tx) => control.approve(tx, otherAct, { id, by: 'ben' }, () => Promise.reject()));
    await expect(read).rejects.toMatchObject({ code: 'notFound' });
    await expect(approve(randomUUID())).rejects.toMatchObject({ code: 'notFound' });
  });
});

describe('a request', () => {
  it('made a hundred times at once by one person is one; by another, or of something else, another', async () => {
    const about = house();
    const all = await Promise.all(Array.from({ length: 100 }, () => ask(about)));
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    const others = await Promise.all([ask(about, 'ben'), ask(about, 'anna', 'quickly'), ask(house())]);
    expect(new Set([all[0]!, ...others].map(({ id }) => id)).size).toBe(4);
  });

  it('can be made again once the first is decided or expired', async () => {
    const about = house();
    const first = await ask(about);
    await reject(first.id);
    const second = await ask(about);
    expect(second.id).not.toBe(first.id);
    pass(24);
    const third = await ask(about);
    expect(third.id).not.toBe(second.id);
    await expect(approve(second.id)).rejects.toMatchObject({ code: 'requestExpired' });
    expect((await approve(third.id)).state).toBe('approved');
  });

  it('is found while it is being decided on', async () => {
    const about = house();
    for (let round = 0; round < 10; round++) {
      const { id } = await ask(about);
      await Promise.all([reject(id), ...Array.from({ length: 5 }, () => ask(about))]);
      const open = await ask(about);
      expect(open.state).toBe('open');
      await reject(open.id);
    }
  });

  it('is listed by its state, by what it is about, in pages, oldest first, and only among its kind', async () => {
    const own = { ...act, kind: 'listed' };
    const list = (page: Partial<RequestPage> = {}) =>
      source.transaction((tx) => control.list(tx, own, { after: 0, limit: 100, ...page }));
    const put = (about: string) =>
      source.transaction((tx) => control.request(tx, own, { about, parameters: { how: 'x' }, by: 'anna' }));
    const [old, approved, rejected] = [await put('old'), await put('approved'), await put('rejected')];
    await source.transaction((tx) =>
      control.approve(tx, own, { id: approved.id, by: 'b' }, async () => ({ effect: 1 })),
    );
    await source.transaction((tx) => control.reject(tx, own, { id: rejected.id, by: 'b', ground: 'no' }));
    pass(24);
    const open = await put('open');
    for (const request of [old, approved, rejected, open]) {
      const expected = { old: 'expired', approved: 'approved', rejected: 'rejected', open: 'open' }[request.about];
      const found = await list({ state: expected as 'open' });
      expect(found.map(({ id, state }) => ({ id, state }))).toEqual([{ id: request.id, state: expected }]);
    }
    expect((await list()).map(({ id }) => id)).toEqual([old.id, approved.id, rejected.id, open.id]);
    const page = await list({ limit: 2 });
    expect((await list({ after: page[1]!.position })).map(({ id }) => id)).toEqual([rejected.id, open.id]);
    expect((await list({ about: 'approved' })).map(({ id }) => id)).toEqual([approved.id]);
    expect(await list({ about: 'approved', state: 'open' })).toEqual([]);
  });
});

describe('the table', () => {
  it('takes no decision of the person who asked, and loses no request, whatever the code does', async () => {
    const { id } = await ask(house());
    const own = `update dual_control_request set state = 'approved', decided_by = 'anna', decided_at = now() where id = $1`;
    await expect(source.query(own, [id])).rejects.toMatchObject({ code: '23514' });
    await expect(source.query('delete from dual_control_request')).rejects.toMatchObject({ code: '42501' });
  });
});
