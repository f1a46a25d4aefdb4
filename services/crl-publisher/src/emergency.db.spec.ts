import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import { PeerUnreachable } from '#libs/doors';
import { Midnight } from './midnight.js';
import { newCard } from './owner.fixture.js';
import { eventually, MIDNIGHTS, OVERLAP_SECONDS, PublisherFixture, setClock, silent } from './publisher.fixture.js';

const database = withTestDatabase();
const at = new PublisherFixture(database);
beforeAll(() => at.start(), 120_000);
beforeEach(() => at.reset());
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(() => at.stop());

const [TONIGHT, NEXT] = MIDNIGHTS;
const NOON = new Date('2026-01-11T04:00:00.700Z');
const plus = (date: Date, seconds: number) => new Date(date.getTime() + seconds * 1_000);
const published = async () =>
  at.service.source.query<{ value: string }[]>('select value from outbox order by id').then((rows) =>
    rows.map(({ value }) => (JSON.parse(value) as { data: Record<string, unknown> }).data),
  ); // prettier-ignore

/** The first list and that of tonight are out. */
async function tonight() {
  const runner = at.runner();
  await at.publishAt(runner, at.clock.now());
  await at.publishAt(runner, TONIGHT);
  return runner;
}

describe('an emergency list', () => {
  it('has everything up to its moment, lasts as long as the one it replaces, and leaves tonight’s as it is', async () => {
    const runner = await tonight();
    const card = newCard();
    const row = at.owner.suspend(card, '2026-01-11T03:59:00Z');
    const id = await at.approveEmergency(runner, NOON);
    const late = newCard();
    const list = await at.publishAt(runner, NOON);
    expect(list).toMatchObject({ number: 3n, kind: 'emergency', entryCount: 2, degraded: false });
    expect(list.cut).toEqual(new Date('2026-01-11T04:00:00Z'));
    expect(list.thisUpdate).toEqual(list.cut);
    expect(list.nextUpdate).toEqual(plus(NEXT, OVERLAP_SECONDS));
    expect(await at.entries(await runner.files.ensure(list))).toEqual(at.owner.listBelow(list.markerSeq));
    expect(await runner.run.perform()).toBe('idle');
    expect((await runner.emergencies.list({ after: 0, limit: 9 }))[0]).toMatchObject({
      id,
      run: { state: 'published', number: '3', cut: list.cut },
    });
    // receipts of what is below its marker name it
    expect((await published()).at(-1)).toMatchObject({ kind: 'emergency', number: '3', markerSeq: row.seq + 1 });

    at.owner.suspend(late, '2026-01-11T05:00:00Z');
    const next = await at.publishAt(runner, NEXT);
    expect(next).toMatchObject({ number: 4n, kind: 'scheduled', cut: NEXT, entryCount: 4 });
    expect(next.nextUpdate).toEqual(plus(NEXT, 86_400 + OVERLAP_SECONDS));
  });

  it('takes two persons', async () => {
    const runner = await tonight();
    const { id } = await runner.emergencies.request(at.issuer.skiHex, 'a key was stolen', 'wang');
    expect((await runner.emergencies.request(at.issuer.skiHex, 'a key was stolen', 'wang')).id).toBe(id);
    setClock(at.clock, NOON);
    expect(await runner.run.perform()).toBe('idle');
    await expect(runner.emergencies.approve(id, 'wang')).rejects.toMatchObject({ code: 'ownRequest' });
    expect(await runner.run.perform()).toBe('idle');
    await runner.emergencies.reject(id, 'wu', 'a false alarm');
    await expect(runner.emergencies.approve(id, 'wu')).rejects.toMatchObject({ code: 'requestDecided' });
    expect(await runner.run.perform()).toBe('idle');
  });

  it('is one, however often and at the same moment it is approved', async () => {
    const runner = await tonight();
    at.owner.now = () => NOON;
    setClock(at.clock, NOON);
    const { id } = await runner.emergencies.request(at.issuer.skiHex, 'a key was stolen', 'wang');
    await Promise.all(Array.from({ length: 10 }, () => runner.emergencies.approve(id, 'wu')));
    const others = [at.runner(), at.runner()];
    await Promise.all([runner, ...others].map(({ run }) => run.perform()));
    expect(await runner.run.perform()).toBe('idle');
    expect((await runner.lists.page(at.issuer.skiHex, 10)).map(({ kind }) => kind)).toEqual(['emergency', 'scheduled', 'first']); // prettier-ignore
  });

  it('whose run is killed keeps its marker: what came later is for the next list', async () => {
    const runner = await tonight();
    at.owner.suspend(newCard(), '2026-01-11T03:59:00Z');
    await at.approveEmergency(runner, NOON);
    jest.spyOn(runner.run, 'build').mockRejectedValueOnce(new Error('killed'));
    expect(await runner.run.perform()).toBe('failed');
    at.owner.suspend(newCard(), '2026-01-11T04:00:01Z');
    at.owner.now = () => plus(NOON, 60);
    const list = await at.publishAt(at.runner(), plus(NOON, 60));
    expect(list).toMatchObject({ number: 4n, kind: 'emergency', entryCount: 2 });
    expect(list.cut).toEqual(new Date('2026-01-11T04:00:00Z'));
  });

  it('comes behind the list of a midnight that is due, and not at all when midnight overtakes its run', async () => {
    const runner = at.runner();
    await at.publishAt(runner, at.clock.now());
    const afterMidnight = plus(TONIGHT, 5);
    await at.approveEmergency(runner, afterMidnight);
    expect((await at.publishAt(runner, afterMidnight)).kind).toBe('scheduled');
    expect((await at.publishAt(runner, afterMidnight)).kind).toBe('emergency');

    await at.approveEmergency(runner, NOON);
    jest.spyOn(runner.run, 'awaitMarker').mockRejectedValueOnce(new PeerUnreachable('away'));
    await expect(runner.run.perform()).rejects.toThrow('away');
    expect(await at.publishAt(runner, NEXT)).toMatchObject({ kind: 'scheduled', cut: NEXT });
    expect(await runner.run.perform()).toBe('idle');
    expect((await runner.emergencies.list({ after: 0, limit: 9 })).map(({ run }) => run!.state)).toEqual(['published', 'superseded']); // prettier-ignore
  });

  it('whose marker lies below that of a midnight’s published list is not made: that list has all it would say', async () => {
    const runner = await tonight();
    const id = await at.approveEmergency(runner, NOON);
    // killed between the marker and the run
    jest.spyOn(runner.runs, 'beginEmergency').mockRejectedValueOnce(new Error('killed'));
    await expect(runner.run.perform()).rejects.toThrow('killed');
    const [revoked, resumed] = [newCard(), newCard()];
    at.owner.suspend(revoked, '2026-01-11T05:00:00Z');
    at.owner.suspend(resumed, '2026-01-11T05:00:00Z');
    at.owner.change(resumed, null);
    const midnight = await at.publishAt(runner, NEXT);
    expect(midnight).toMatchObject({ kind: 'scheduled', cut: NEXT, entryCount: 2 });
    expect(await runner.run.perform()).toBe('superseded');
    expect(await runner.run.perform()).toBe('idle');
    expect((await runner.lists.highest(at.issuer.skiHex))!.number).toBe(midnight.number);
    expect((await runner.emergencies.list({ after: 0, limit: 9 }))[0]).toMatchObject({
      id,
      run: { state: 'superseded', number: null },
    });
    const [, , third] = MIDNIGHTS;
    expect(await at.publishAt(runner, third)).toMatchObject({ kind: 'scheduled', cut: third, degraded: false });
  });

  it('of the second of a first list speaks of the next one', async () => {
    const runner = at.runner();
    const first = await at.publishAt(runner, new Date('2026-01-10T02:00:00.200Z'));
    await at.approveEmergency(runner, new Date('2026-01-10T02:00:00.900Z'));
    const list = await at.publishAt(runner, plus(first.cut, 1));
    expect(list).toMatchObject({ kind: 'emergency', cut: plus(first.cut, 1), nextUpdate: first.nextUpdate });
  });

  it('is made when it is approved, right behind another list', async () => {
    const runner = at.runner();
    const jobs = { kind: 'postgres', url: 'postgres://nobody@127.0.0.1:1/none' } as const;
    const midnight = new Midnight({ ...runner, ...at.midnightParts, log: silent, jobs });
    await midnight.start();
    const serves = (number: bigint) =>
      eventually(() => expect(runner.files.served(at.issuer.skiHex)?.number).toBe(number));
    await serves(1n);
    await at.approveEmergency(runner, plus(TONIGHT, 60)); // the clock's move makes tonight's list due
    midnight.poke();
    await serves(3n);
    await midnight.stop();
    expect((await runner.lists.highest(at.issuer.skiHex))!.kind).toBe('emergency');
  });
});
