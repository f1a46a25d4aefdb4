import { describe, expect, it } from '@jest/globals';
import type { CardRow, Listing } from '#libs/events';
import type { ReadCrlEntry } from '#libs/pki';
import { changesOf, compareLists } from './gate.js';

const SINCE = '2026-11-20T03:00:00Z';
const [A, B, C] = ['1A', '2B', '3C'].map((start) => start.padEnd(32, '0')) as [string, string, string];

const entry = (serial: string, reason: ReadCrlEntry['reason'] = 'certificateHold', since = SINCE): ReadCrlEntry => ({
  serial,
  reason,
  revocationDate: new Date(since),
});
const held: Listing = { reason: 'certificateHold', since: SINCE };

/** Batches of one entry each: every boundary is crossed. */
async function* list(...entries: ReadCrlEntry[]) {
  for (const one of entries) yield [one];
}
const compare = (before: ReadCrlEntry[], after: ReadCrlEntry[], changes: [string, Listing | null][]) =>
  compareLists(list(...before), list(...after), new Map(changes));
const nothing = { added: [], gone: [], changed: [] };
const none = { added: 0, gone: 0, changed: 0 };

describe('the gate', () => {
  it('finds the reason of every entry added, gone or changed', async () => {
    const revoked: Listing = { reason: 'keyCompromise', since: SINCE };
    const report = await compare([entry(A), entry(B)], [entry(B, 'keyCompromise'), entry(C)], [
      [A, null],
      [B, revoked],
      [C, held],
    ]); // prettier-ignore
    expect(report).toEqual({ added: 1, gone: 1, changed: 1, unexplained: nothing, unexplainedCount: none });
  });

  it('sees what is equal as no difference, with or without a row in the log', async () => {
    const same = [entry(A), entry(B)];
    expect(await compare(same, same, [[A, held]])).toEqual({ ...none, unexplained: nothing, unexplainedCount: none });
    expect(await compare([], [], [])).toMatchObject({ unexplained: nothing });
  });

  it('names what went without a row, or against it', async () => {
    expect((await compare([entry(A), entry(B)], [], [[B, held]])).unexplained).toEqual({ ...nothing, gone: [A, B] });
  });

  it('names what came or changed otherwise than the log says', async () => {
    const later = entry(B, 'certificateHold', '2026-11-20T03:00:01Z');
    const { unexplained } = await compare([entry(B)], [entry(A), later, entry(C)], [
      [A, null],
      [B, held],
      [C, { ...held, reason: 'superseded' }],
    ]); // prettier-ignore
    expect(unexplained).toEqual({ gone: [], added: [A, C], changed: [B] });
  });

  it('takes an expiry for the reason of what is gone, and asks for it only where the log says nothing', async () => {
    const asked: string[] = [];
    const retired = async (serials: string[]) => (asked.push(...serials), new Set([B]));
    const [before, changes] = [list(entry(A), entry(B), entry(C)), new Map([[A, null]])];
    const report = await compareLists(before, list(), changes, retired);
    expect(asked).toEqual([B, C]);
    expect(report).toMatchObject({ gone: 3, unexplained: { ...nothing, gone: [C] } });
  });

  it('sees a date of compromise that differs', async () => {
    const [was, is] = [entry(A, 'keyCompromise'), { ...entry(A, 'keyCompromise'), invalidityDate: new Date(SINCE) }];
    const said: Listing = { reason: 'keyCompromise', since: SINCE, invalidityDate: SINCE };
    expect((await compare([was], [is], [[A, said]])).unexplained).toEqual(nothing);
    expect((await compare([is], [was], [[A, said]])).unexplained).toEqual({ ...nothing, changed: [A] });
  });

  it('counts all and names twenty', async () => {
    const many = Array.from({ length: 50 }, (_, i) => entry(`1${i}`.padEnd(32, '0'))).sort((a, b) => (a.serial < b.serial ? -1 : 1)); // prettier-ignore
    const report = await compare(many, [], []);
    expect(report.gone).toBe(50);
    expect(report.unexplained.gone).toHaveLength(20);
    expect(report.unexplainedCount.gone).toBe(50);
  });
});

describe('what changed between two lists', () => {
  it('is the last row of each card, for both its serials, of this issuer alone', async () => {
    const row = (issuerSki: string, signature: string, listed: Listing | null) =>
      ({ issuerSki, serials: { signature, encryption: `${signature.slice(0, -1)}1` }, listed }) as CardRow;
    const changes = await changesOf([row('ours', A, held), row('theirs', B, held), row('ours', A, null)], 'ours');
    expect([...changes]).toEqual([
      [A, null],
      [`${A.slice(0, -1)}1`, null],
    ]);
  });
});
