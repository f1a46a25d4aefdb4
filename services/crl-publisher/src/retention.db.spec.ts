import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { withTestDatabase } from '#libs/database';
import type { Listing } from '#libs/events';
import { newCard, type Card } from './owner.fixture.js';
import { MIDNIGHTS, PublisherFixture, setClock, type Runner } from './publisher.fixture.js';

const database = withTestDatabase();
const at = new PublisherFixture(database);
beforeAll(() => at.start(), 120_000);
beforeEach(() => at.reset());
afterAll(() => at.stop());

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const midnight = (day: number) => new Date(MIDNIGHTS[0].getTime() + day * DAY_MS);
/** The last second before the midnight. */
const lastSecondBefore = (day: number) => `${new Date(midnight(day).getTime() - 1_000).toISOString().slice(0, 19)}Z`;
const before = (day: number, ms: number) => new Date(midnight(day).getTime() - ms).toISOString();

/** Which of the card's two serials the list of that moment has, and what else of the owner's it leaves out. */
async function listedOn(runner: Runner, now: Date, { serials }: Card) {
  const list = await at.publishAt(runner, now);
  const entries = await at.entries(await runner.files.ensure(list));
  const both = [serials.signature, serials.encryption].map((serial) => entries.has(serial));
  return { listed: both, retired: list.retiredCount };
}
const HAS_IT = { listed: [true, true], retired: 0 };
const HAS_IT_NO_MORE = { listed: [false, false], retired: 2 };

describe('a certificate that has expired', () => {
  it('and was revoked at 23:59 on its last day is on the list of that midnight, and on none after it', async () => {
    const runner = at.runner();
    await runner.run.perform();
    const card = newCard(lastSecondBefore(0));
    const since = lastSecondBefore(0).replace(':59Z', ':30Z');
    at.owner.change(card, { reason: 'keyCompromise', since }, before(0, 30_000));
    expect(await listedOn(runner, midnight(0), card)).toEqual(HAS_IT);
    expect(await listedOn(runner, midnight(1), card)).toEqual(HAS_IT_NO_MORE);
    expect(await listedOn(runner, midnight(2), card)).toEqual(HAS_IT_NO_MORE);
  });

  it('during three days without a list stays on the one that makes up for them', async () => {
    const runner = at.runner();
    await runner.run.perform();
    const card = newCard(lastSecondBefore(2));
    at.owner.suspend(card);
    expect(await listedOn(runner, midnight(0), card)).toEqual(HAS_IT);
    expect(await listedOn(runner, midnight(4), card)).toEqual(HAS_IT); // 1, 2 and 3 were never made
    expect((await runner.lists.page(at.issuer.skiHex, 10)).map(({ cut }) => cut)).toEqual([
      midnight(4),
      midnight(0),
      expect.any(Date),
    ]);
    expect(await listedOn(runner, midnight(5), card)).toEqual(HAS_IT_NO_MORE);
  });

  it('that became listed and expired during three days without a list is on the one after them', async () => {
    const runner = at.runner();
    await runner.run.perform();
    const card = newCard(lastSecondBefore(2));
    at.owner.change(card, { reason: 'superseded', since: '2026-01-12T03:00:00Z' }, '2026-01-12T03:00:00.000Z');
    expect(await listedOn(runner, midnight(4), card)).toEqual(HAS_IT);
    expect(await listedOn(runner, midnight(5), card)).toEqual(HAS_IT_NO_MORE);
  });

  it('has been on an emergency list since: that one does not count, a list of midnight must have it', async () => {
    const runner = at.runner();
    await runner.run.perform();
    const [card, other] = [newCard('2026-01-11T04:00:00Z'), newCard()];
    at.owner.suspend(card);
    expect(await listedOn(runner, midnight(0), card)).toEqual(HAS_IT);
    at.owner.suspend(other);
    const afternoon = new Date('2026-01-11T05:00:00Z');
    await at.approveEmergency(runner, afternoon);
    expect(await listedOn(runner, afternoon, card)).toEqual(HAS_IT);
    expect(await listedOn(runner, midnight(1), card)).toEqual(HAS_IT);
    expect(await listedOn(runner, midnight(2), card)).toEqual(HAS_IT_NO_MORE);
  });

  it('comes off with its reason, and an entry that goes without one still holds the list back', async () => {
    const runner = at.runner();
    await runner.run.perform();
    const [expiring, lasting] = [newCard(lastSecondBefore(0)), newCard()];
    at.owner.suspend(expiring);
    const row = at.owner.suspend(lasting);
    await at.publishAt(runner, midnight(0));
    await at.asOwner('delete from listing where card_number = $1', [lasting.cardNumber]);
    at.owner.forget(row);
    setClock(at.clock, midnight(1));
    expect(await runner.run.perform()).toBe('held');
    const { report } = (await runner.held.current(at.issuer.skiHex))!;
    expect(report.differences.gone).toBe(4);
    expect(report.unexplained.gone.sort()).toEqual(Object.values(lasting.serials).sort());
  });

  it('is known by the log: a wrong note of the date takes nothing off the list', async () => {
    const runner = at.runner();
    await runner.run.perform();
    const card = newCard();
    at.owner.suspend(card);
    await at.publishAt(runner, midnight(0));
    await at.asOwner(`update listing set not_after = '2026-01-01'`);
    setClock(at.clock, midnight(1));
    expect(await runner.run.perform()).toBe('held');
  });
});

type Step = { card: number; listed: Listing['reason'] | null } | 'midnight' | 'outage' | 'emergency';

describe('any story of changes, expiries, outages and emergencies', () => {
  const change = fc.record({
    card: fc.nat({ max: 5 }),
    listed: fc.constantFrom<Listing['reason'] | null>('certificateHold', 'certificateHold', 'keyCompromise', null),
  });
  const story = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: change },
      { weight: 3, arbitrary: fc.constant<Step>('midnight') },
      { weight: 1, arbitrary: fc.constantFrom<Step>('outage', 'emergency') },
    ),
    { minLength: 5, maxLength: 30 },
  );

  it('leaves each list with what its marker says, less what an earlier list of midnight had after expiry', async () => {
    const property = fc.asyncProperty(story, fc.array(fc.nat({ max: 6 }), { minLength: 6, maxLength: 6 }), tell);
    await fc.assert(property, { numRuns: 15 });
  }, 180_000);

  /** Cards expire just before the midnights of `lastDays`. */
  async function tell(steps: Step[], lastDays: number[]): Promise<void> {
    await at.reset();
    const runner = at.runner();
    await runner.run.perform();
    const cards = lastDays.map((day) => newCard(lastSecondBefore(day)));
    const expiry = new Map(cards.flatMap((card, i) => Object.values(card.serials).map((one) => [one, lastDays[i]!])));
    const finals = new Map<string, Listing>();
    let [day, minutes] = [0, 0];
    const now = () => new Date(midnight(day).getTime() - DAY_MS + HOUR_MS + minutes++ * 60_000);
    for (const step of steps) {
      if (step === 'outage') {
        at.owner.cut(midnight(day)); // nobody makes its list, but its marker is below whatever comes after it
        [day, minutes] = [day + 1, 0];
      } else if (step === 'midnight') {
        const list = await at.publishAt(runner, midnight(day));
        const expected = await expectedOn(list.markerSeq);
        expect(await at.entries(await runner.files.ensure(list))).toEqual(expected);
        expect(list.retiredCount).toBe(at.owner.listBelow(list.markerSeq).size - expected.size);
        for (const [serial, listing] of expected) if (expiry.get(serial)! <= day) finals.set(serial, listing);
        [day, minutes] = [day + 1, 0];
      } else if (step === 'emergency') {
        const moment = now();
        await at.approveEmergency(runner, moment);
        // what is missing since an outage comes first
        for (let more = true; more;) {
          const list = await at.publishAt(runner, moment);
          expect(await at.entries(await runner.files.ensure(list))).toEqual(await expectedOn(list.markerSeq));
          if (list.kind === 'scheduled') {
            const cutDay = (list.cut.getTime() - midnight(0).getTime()) / DAY_MS;
            for (const [serial, one] of await expectedOn(list.markerSeq)) {
              if (expiry.get(serial)! <= cutDay) finals.set(serial, one);
            }
          }
          more = list.kind === 'scheduled';
        }
      } else if (lastDays[step.card]! >= day) {
        const moment = now().toISOString();
        const listed = step.listed && { reason: step.listed, since: `${moment.slice(0, 19)}Z` };
        at.owner.change(cards[step.card]!, listed, moment);
      }
    }

    /** By the log alone, and by what lists of midnight had of certificates that had expired by then. */
    async function expectedOn(markerSeq: number): Promise<Map<string, Listing>> {
      const below = at.owner.listBelow(markerSeq);
      for (const [serial, { since }] of finals) if (below.get(serial)?.since === since) below.delete(serial);
      return below;
    }
  }
});
