import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import type { JobsBackend } from '#libs/jobs';
import { readCrl } from '#libs/pki';
import { Midnight } from './midnight.js';
import { newCard } from './owner.fixture.js';
import { eventually, MIDNIGHTS, PublisherFixture, setClock, silent } from './publisher.fixture.js';

const database = withTestDatabase();
const at = new PublisherFixture(database);
const NO_QUEUE: JobsBackend = { kind: 'postgres', url: 'postgres://nobody@127.0.0.1:1/none' };

beforeAll(() => at.start(), 120_000);
beforeEach(() => at.reset());
afterAll(() => at.stop());

const running: Midnight[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((midnight) => midnight.stop()));
  jest.restoreAllMocks();
});

function publisher(backend: JobsBackend = NO_QUEUE) {
  const runner = at.runner();
  const midnight = new Midnight({ ...runner, ...at.midnightParts, log: silent, jobs: backend });
  running.push(midnight);
  return { ...runner, midnight };
}
type Publisher = ReturnType<typeof publisher>;

const serves = (one: Publisher, number: bigint) =>
  eventually(() => expect(one.files.served(at.issuer.skiHex)?.number).toBe(number));

describe('midnight', () => {
  it('makes the first list at the start, and each next one when the clock moves past a midnight', async () => {
    const one = publisher();
    await one.midnight.start();
    await serves(one, 1n);
    setClock(at.clock, new Date(MIDNIGHTS[0].getTime() - 60_000));
    at.owner.suspend(newCard());
    setClock(at.clock, MIDNIGHTS[0]);
    await serves(one, 2n);
    setClock(at.clock, MIDNIGHTS[2]);
    await serves(one, 3n);
    expect((await one.lists.page(at.issuer.skiHex, 10)).map(({ kind }) => kind)).toEqual(['scheduled', 'scheduled', 'first']); // prettier-ignore
  });

  it('is made up for after everything was down', async () => {
    const before = publisher();
    await before.midnight.start();
    await serves(before, 1n);
    await before.midnight.stop();
    jest.spyOn(at.clock, 'onMove').mockReturnValue(() => undefined);
    setClock(at.clock, new Date(MIDNIGHTS[1].getTime() + 3_600_000));
    const after = publisher();
    await after.midnight.start();
    expect(after.files.served(at.issuer.skiHex)?.number).toBe(1n); // what there is, at once
    await serves(after, 2n);
    expect((await after.lists.highest(at.issuer.skiHex))?.cut).toEqual(MIDNIGHTS[1]);
  });

  it('needs no scheduler: a plain timer looks each minute', async () => {
    const timers = jest.spyOn(globalThis, 'setInterval');
    jest.spyOn(at.clock, 'onMove').mockReturnValue(() => undefined);
    const one = publisher();
    await one.midnight.start();
    expect(timers.mock.calls.map(([, ms]) => ms)).toEqual(expect.arrayContaining([60_000, 10_000]));
    await serves(one, 1n);
    setClock(at.clock, MIDNIGHTS[0]);
    void one.midnight.minute();
    await serves(one, 2n);
  });

  it('tries until the owner of the log answers, with an alarm once that lasts', async () => {
    const one = publisher();
    at.owner.unreachable = true;
    await one.midnight.start();
    expect(one.files.served(at.issuer.skiHex)).toBeUndefined();
    await eventually(() => {
      one.midnight.poke();
      expect(one.alarms.counts.get('ownerUnreachable')).toBeGreaterThan(0);
    });
    at.owner.unreachable = false;
    one.midnight.poke();
    await serves(one, 1n);
  });

  it('raises an alarm long before the list runs out, and another when it has', async () => {
    const one = publisher();
    await one.run.perform();
    await one.midnight.reconcile();
    at.owner.unreachable = true;
    setClock(at.clock, new Date(MIDNIGHTS[0].getTime() + 11 * 60_000));
    await one.midnight.minute();
    expect([...one.alarms.counts.keys()]).toEqual(['listOverdue', 'jobQueueUnreachable']);
    setClock(at.clock, new Date(MIDNIGHTS[0].getTime() + 8 * 3_600_000));
    await one.midnight.minute();
    expect(one.alarms.counts.get('listStale')).toBe(1);
    expect(one.files.served(at.issuer.skiHex)?.number).toBe(1n); // relying parties fail closed by themselves
  });

  it('raises an alarm while somebody has time to sign the root’s next list', async () => {
    const one = publisher();
    await one.run.perform();
    const { nextUpdate } = await readCrl(at.authority.rootCrlFile);
    const before = (days: number) => setClock(at.clock, new Date(nextUpdate.getTime() - days * 86_400_000));
    before(61);
    await one.midnight.minute();
    expect(one.alarms.counts.has('rootListEnding')).toBe(false);
    before(59);
    await one.midnight.minute();
    expect(one.alarms.counts.get('rootListEnding')).toBe(1);
  });
});
