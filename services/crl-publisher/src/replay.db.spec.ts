import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { withTestDatabase } from '#libs/database';
import type { Listing, ReasonCode, StatusRow } from '#libs/events';
import { newCard, type Card } from './owner.fixture.js';
import { MIDNIGHTS, PublisherFixture, setClock } from './publisher.fixture.js';

const database = withTestDatabase();
const at = new PublisherFixture(database);
beforeAll(() => at.start(), 120_000);
beforeEach(() => at.reset());
afterAll(() => at.stop());

type Step = { card: number; listed: Listing | null } | 'midnight';

const REASONS: ReasonCode[] = ['certificateHold', 'certificateHold', 'keyCompromise', 'superseded'];
const change = fc.record({
  card: fc.nat({ max: 4 }),
  listed: fc.option(
    fc.record({
      reason: fc.constantFrom(...REASONS),
      since: fc.constantFrom('2026-01-10T01:00:00Z', '2026-01-10T01:00:01Z'),
    }),
    { freq: 2 },
  ),
});
const story = fc.array(fc.oneof({ weight: 6, arbitrary: change }, { weight: 1, arbitrary: fc.constant('midnight' as const) }), {
  minLength: 1,
  maxLength: 40,
}); // prettier-ignore

/** How the bus treats each row: not at all, once or twice, and how far out of its turn. */
const treatment = fc.record({ copies: fc.nat({ max: 2 }), delay: fc.nat({ max: 12 }) });

function tell(story: Step[]): StatusRow[] {
  const cards: Card[] = Array.from({ length: 5 }, newCard);
  let midnights = 0;
  for (const step of story) {
    if (step !== 'midnight') at.owner.change(cards[step.card]!, step.listed);
    else if (midnights < MIDNIGHTS.length - 1) at.owner.cut(MIDNIGHTS[midnights++]!);
  }
  return [...at.owner.rows];
}

describe('the list of a cut', () => {
  it('equals the replay of the log below its marker, whatever comes late, twice, out of order or never', async () => {
    const property = fc.asyncProperty(story, fc.array(treatment, { minLength: 1 }), async (steps, treatments) => {
      await at.reset();
      const { run, feed, lists, files } = at.runner();
      await run.perform();
      const rows = tell(steps);
      const arrivals = rows
        .flatMap((row, i) => {
          const { copies, delay } = treatments[i % treatments.length]!;
          return Array.from({ length: copies }, (_, copy) => ({ row, turn: i + delay * (copy + 1) }));
        })
        .sort((a, b) => a.turn - b.turn);
      const cuts = rows.flatMap((row) => (row.kind === 'cut' ? [row] : []));
      const perCut = Math.ceil(arrivals.length / (cuts.length + 1));
      for (const marker of cuts) {
        await at.deliver(feed, ...arrivals.splice(0, perCut).map(({ row }) => row));
        setClock(at.clock, marker.cut);
        expect(await run.perform()).toBe('published');
        const list = (await lists.highest(at.issuer.skiHex))!;
        expect(list.markerSeq).toBe(marker.seq);
        expect(await at.entries(await files.ensure(list))).toEqual(at.owner.listBelow(marker.seq));
      }
      const both = await at.service.source.query(
        `select card_number from listing group by card_number, from_seq, to_seq having count(*) <> 2`,
      );
      expect(both).toEqual([]); // both serials of a card, always
    });
    await fc.assert(property, { numRuns: 15 });
  }, 120_000);

  it('can be made again later, byte for byte the same entries', async () => {
    const { run, feed, files, lists } = at.runner();
    const rows = Array.from({ length: 30 }, () => at.owner.suspend(newCard()));
    setClock(at.clock, MIDNIGHTS[0]);
    expect(await run.perform()).toBe('published');
    const list = (await lists.highest(at.issuer.skiHex))!;
    const published = await at.entries(await files.ensure(list));
    for (const { cardNumber, serials } of rows.slice(0, 10)) at.owner.change({ cardNumber, serials }, null);
    await feed.catchUp(at.owner.rows.length);
    await at.asOwner(`truncate published_part, published_list, attempt, due_run cascade`);
    expect(await run.perform()).toBe('published');
    const again = (await lists.highest(at.issuer.skiHex))!;
    expect(again.number).toBeGreaterThan(list.number);
    expect(await at.entries(await files.ensure(again))).toEqual(published);
  });
});
