import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import { changeDigest, type StatusRow } from '#libs/events';
import { newCard, type Card } from './owner.fixture.js';
import { MIDNIGHTS, OVERLAP_SECONDS, PublisherFixture, setClock, type Runner } from './publisher.fixture.js';

const database = withTestDatabase();
const at = new PublisherFixture(database);
beforeAll(() => at.start(), 120_000);
beforeEach(() => at.reset());
afterAll(() => at.stop());

const [TONIGHT, NEXT, AFTER_NEXT] = MIDNIGHTS;
/** Half the overlap is gone. */
const halfway = (midnight: Date) => new Date(midnight.getTime() + (OVERLAP_SECONDS / 2) * 1_000);
const serialsOf = (...cards: Card[]) => cards.flatMap(({ serials }) => Object.values(serials)).sort();
const held = (runner: Runner) => runner.held.current(at.issuer.skiHex);
const newest = async (runner: Runner) => (await runner.lists.highest(at.issuer.skiHex))!;
const entriesOf = async (runner: Runner) => at.entries(await runner.files.ensure(await newest(runner)));

/**
 * Tonight's list has three cards. The next one would lose the second's entry without a reason in the log, takes off the
 * third's with one, and has a fourth.
 */
async function lostEntry() {
  const runner = at.runner();
  await at.publishAt(runner, at.clock.now());
  const cards = [newCard(), newCard(), newCard(), newCard()] as const;
  const rows = cards.slice(0, 3).map((card) => at.owner.suspend(card));
  await at.publishAt(runner, TONIGHT);
  const [lost] = await takeAway(cards[1], rows[1]!);
  at.owner.change(cards[2], null, '2026-01-11T02:00:00.000Z');
  at.owner.suspend(cards[3], '2026-01-11T03:00:00Z');
  setClock(at.clock, NEXT);
  expect(await runner.run.perform()).toBe('held');
  return { runner, cards, lost: lost!, row: rows[1]! };
}

/** The copy loses a card's entries, and so does the owner's count. */
async function takeAway({ cardNumber }: Card, row: StatusRow) {
  at.owner.forget(row);
  return at.asOwner('delete from listing where card_number = $1 returning *', [cardNumber]);
}

async function release({ held: lists }: Runner, cut: Date, digest: string, by = ['wang', 'wu'] as const) {
  const { id } = await lists.request(at.issuer.skiHex, cut, { ground: 'looked at', digest }, by[0]);
  return lists.approve(id, by[1]);
}

describe('a list that the log does not explain', () => {
  it('is held, with its report, until half the overlap is gone', async () => {
    const { runner, cards } = await lostEntry();
    expect(await held(runner)).toMatchObject({
      cut: NEXT,
      kind: 'scheduled',
      problem: '2 entries gone and 0 changed without a reason',
      report: {
        exact: { count: 4 },
        expected: { count: 4 },
        before: '2',
        differences: { added: 2, gone: 4, changed: 0 },
        unexplainedCount: { added: 0, gone: 2, changed: 0 },
        unexplained: { gone: serialsOf(cards[1]) },
      },
    });
    setClock(at.clock, new Date(halfway(NEXT).getTime() - 5_000));
    expect(await runner.run.perform()).toBe('held');
    expect((await newest(runner)).number).toBe(2n);
  });

  it('goes out then with all entries of the one before: nothing goes, everything new comes', async () => {
    const { runner, cards } = await lostEntry();
    const list = await at.publishAt(runner, halfway(NEXT));
    expect(list).toMatchObject({ cut: NEXT, kind: 'scheduled', degraded: true, released: null, entryCount: 8 });
    expect([...(await entriesOf(runner)).keys()].sort()).toEqual(serialsOf(...cards));
    expect(runner.alarms.counts.get('listDegraded')).toBe(1);
    expect(await held(runner)).toBeUndefined();
    const numbers = await at.service.source.query<{ number: string; outcome: string }[]>('select number, outcome from attempt order by number'); // prettier-ignore
    expect(numbers.map(({ outcome }) => outcome)).toEqual(['published', 'published', 'held', 'held', 'published']);
  });

  it('goes out exactly the night after, once the cause is mended, whatever happened before the degraded one', async () => {
    const { runner, cards, lost } = await lostEntry();
    await at.publishAt(runner, halfway(NEXT));
    const both = Object.values(cards[1].serials);
    for (const serial of both) {
      await at.asOwner('insert into listing select * from jsonb_populate_record(null::listing, $1)', [
        { ...lost, serial: `\\x${serial}` },
      ]);
    }
    at.owner.remember();
    const list = await at.publishAt(runner, AFTER_NEXT);
    expect(list).toMatchObject({ cut: AFTER_NEXT, degraded: false, entryCount: 6 });
    // the third card was taken off by a row from before the degraded list's marker
    expect([...(await entriesOf(runner)).keys()].sort()).toEqual(serialsOf(cards[0], cards[1], cards[3]));
  });

  it('stays degraded night after night while nobody mends it or decides', async () => {
    const { runner, cards } = await lostEntry();
    await at.publishAt(runner, halfway(NEXT));
    setClock(at.clock, AFTER_NEXT);
    expect(await runner.run.perform()).toBe('held');
    const list = await at.publishAt(runner, halfway(AFTER_NEXT));
    expect(list).toMatchObject({ cut: AFTER_NEXT, degraded: true });
    expect([...(await entriesOf(runner)).keys()].sort()).toEqual(serialsOf(...cards));
  });

  it('keeps the served entry where one changed without a reason', async () => {
    const runner = at.runner();
    await at.publishAt(runner, at.clock.now());
    const card = newCard();
    at.owner.change(card, { reason: 'keyCompromise', since: '2026-01-10T01:00:00Z' });
    await at.publishAt(runner, TONIGHT);
    await at.asOwner('update listing set reason = 6');
    const to = (digest: string, serial: string) =>
      changeDigest(changeDigest(digest, -1, serial, 'keyCompromise'), 1, serial, 'certificateHold');
    at.owner.overstate = (list) => ({ ...list, digest: serialsOf(card).reduce(to, list.digest) });
    setClock(at.clock, NEXT);
    expect(await runner.run.perform()).toBe('held');
    expect((await held(runner))!.report.unexplainedCount).toEqual({ added: 0, gone: 0, changed: 2 });
    await at.publishAt(runner, halfway(NEXT));
    expect([...(await entriesOf(runner)).values()].map(({ reason }) => reason)).toEqual(['keyCompromise', 'keyCompromise']); // prettier-ignore
  });

  it('does not keep an emergency list waiting: both go out at once, degraded', async () => {
    const { runner, cards } = await lostEntry();
    const noon = new Date(NEXT.getTime() + 60_000);
    const stolen = newCard();
    at.owner.suspend(stolen, '2026-01-11T16:00:30Z');
    await at.approveEmergency(runner, noon);
    expect(await at.publishAt(runner, noon)).toMatchObject({ kind: 'scheduled', degraded: true });
    expect(await at.publishAt(runner, noon)).toMatchObject({ kind: 'emergency', degraded: true, entryCount: 10 });
    expect([...(await entriesOf(runner)).keys()].sort()).toEqual(serialsOf(...cards, stolen));
  });
});

describe('the release of a held list', () => {
  it('lets exactly that list out, by two persons, before half the overlap is gone', async () => {
    const { runner, cards } = await lostEntry();
    const { report } = (await held(runner))!;
    await release(runner, NEXT, report.exact.digest);
    const list = await at.publishAt(runner, NEXT);
    expect(list).toMatchObject({ degraded: false, entryCount: 4 });
    expect(list.released).not.toBeNull();
    expect([...(await entriesOf(runner)).keys()].sort()).toEqual(serialsOf(cards[0], cards[3]));
    expect(runner.alarms.counts.get('listReleased')).toBe(1);
    expect(await at.publishAt(runner, AFTER_NEXT)).toMatchObject({ degraded: false, released: null, entryCount: 4 });
  });

  it('also of one whose entries are not those the owner counts', async () => {
    const runner = at.runner();
    await at.publishAt(runner, at.clock.now());
    at.owner.suspend(newCard());
    at.owner.overstate = (list) => ({ ...list, count: list.count + 1 });
    setClock(at.clock, TONIGHT);
    expect(await runner.run.perform()).toBe('held');
    const { report } = (await held(runner))!;
    expect([report.exact.count, report.expected.count]).toEqual([2, 3]);
    await release(runner, TONIGHT, report.exact.digest);
    expect(await at.publishAt(runner, TONIGHT)).toMatchObject({ entryCount: 2, degraded: false });
  });

  it('is refused to one person, for another digest, and when no such list is held', async () => {
    const { runner } = await lostEntry();
    const { digest } = (await held(runner))!.report.exact;
    await expect(release(runner, NEXT, digest, ['wang', 'wang'] as never)).rejects.toMatchObject({
      code: 'ownRequest',
    });
    await expect(release(runner, NEXT, 'ab'.repeat(32))).rejects.toMatchObject({ code: 'conflict' });
    await expect(release(runner, TONIGHT, digest)).rejects.toMatchObject({ code: 'notFound' });
    await at.publishAt(runner, halfway(NEXT));
    await expect(release(runner, NEXT, digest)).rejects.toMatchObject({ code: 'notFound' });
  });

  it('holds for what was looked at: a list that says something else by then stays held', async () => {
    const { runner, cards } = await lostEntry();
    const { digest } = (await held(runner))!.report.exact;
    await release(runner, NEXT, digest);
    await at.asOwner('delete from listing where card_number = $1', [cards[0].cardNumber]);
    expect(await runner.run.perform()).toBe('held');
    expect((await held(runner))!.report.unexplainedCount.gone).toBe(4);
  });
});
