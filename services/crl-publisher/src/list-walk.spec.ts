import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { CrlColumns, CrlEntry, CrlReason } from '#libs/pki';
import { CRL_REASONS } from '#libs/pki';
import type { Listing } from '#libs/events';
import { differences, type Batches } from './list-walk.js';
import { unionOf } from './union.js';

const serialOf = (n: number) => `1A${n.toString(16).toUpperCase().padStart(30, '0')}`;
const SINCE = new Date('2026-11-20T03:00:00Z');
const entry = (n: number, reason: CrlReason = 'certificateHold'): CrlEntry => ({ serial: serialOf(n), reason, revocationDate: SINCE }); // prettier-ignore

/** A list as sets of entries and how they come in batches, some of which are empty. */
const list = fc.record({
  reasons: fc.dictionary(
    fc.nat({ max: 30 }).map(String),
    fc.constantFrom<CrlReason>('certificateHold', 'keyCompromise'),
  ),
  batch: fc.nat({ max: 4 }),
});
type List = { reasons: Record<string, CrlReason>; batch: number };
const entriesOf = ({ reasons }: List) => Object.keys(reasons).map(Number).sort((a, b) => a - b).map((n) => entry(n, reasons[n])); // prettier-ignore

async function* inBatches(of: List, onEnd = () => {}): AsyncGenerator<CrlEntry[]> {
  try {
    const entries = entriesOf(of);
    while (entries.length > 0) yield entries.splice(0, of.batch || 1);
    if (of.batch === 0) yield [];
  } finally {
    onEnd();
  }
}

async function* inColumns(of: List): AsyncGenerator<CrlColumns> {
  for await (const batch of inBatches(of)) {
    yield {
      count: batch.length,
      serials: Buffer.concat(batch.map(({ serial }) => Buffer.from(serial, 'hex'))),
      revocationSeconds: batch.map(({ revocationDate }) => revocationDate.getTime() / 1_000),
      reasons: Uint8Array.from(batch, ({ reason }) => CRL_REASONS[reason!]),
    };
  }
}

async function all<T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> {
  const found: T[] = [];
  for await (const batch of batches) found.push(...batch);
  return found;
}

describe('two lists side by side', () => {
  it('differ in what only one has, and in what both have otherwise', async () => {
    await fc.assert(
      fc.asyncProperty(list, list, async (before, after) => {
        const found = await all(differences(inBatches(before), inBatches(after)));
        const [was, is] = [before, after].map((one) => new Map(entriesOf(one).map((e) => [e.serial, e.reason])));
        const expected = [...new Set([...was!.keys(), ...is!.keys()])]
          .sort()
          .filter((serial) => was!.get(serial) !== is!.get(serial))
          .map((serial) => [serial, !was!.has(serial) ? 'added' : !is!.has(serial) ? 'gone' : 'changed']);
        expect(found.map(({ serial, kind }) => [serial, kind])).toEqual(expected);
      }),
    );
  });

  it('together have everything of both, once, and of what changed the new entry only if the log says so', async () => {
    await fc.assert(
      fc.asyncProperty(list, list, fc.boolean(), async (served, fresh, said) => {
        const listing = (e: CrlEntry): Listing => ({
          reason: e.reason as Listing['reason'],
          since: '2026-11-20T03:00:00Z',
        });
        const changes = new Map(said ? entriesOf(fresh).map((e) => [e.serial, listing(e)]) : []);
        const union = await all(unionOf(inBatches(served), inColumns(fresh), changes));
        const expected = said ? { ...served.reasons, ...fresh.reasons } : { ...fresh.reasons, ...served.reasons };
        expect(union).toEqual(entriesOf({ reasons: expected, batch: 1 }));
      }),
    );
  });

  it('are both let go when the reader stops early, or one of them fails', async () => {
    let open = 2;
    const of: List = { reasons: { 1: 'superseded', 2: 'superseded', 3: 'superseded' }, batch: 1 };
    for await (const _ of differences(inBatches(of, () => (open -= 1)), inBatches({ ...of, reasons: { 2: 'superseded' } }, () => (open -= 1)))) break; // prettier-ignore
    expect(open).toBe(0);
    open = 1;
    // eslint-disable-next-line require-yield
    const failing: Batches = (async function* () {
      throw new Error('torn');
    })();
    await expect(
      all(
        differences(
          inBatches(of, () => (open -= 1)),
          failing,
        ),
      ),
    ).rejects.toThrow('torn');
    expect(open).toBe(0);
  });
});
