import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { approveList, explainLists, requestList } from './lists.cli.js';
import type { RunningInstance } from './running-instance.js';

let printed: string[];
beforeEach(() => {
  printed = [];
  jest.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(...line.split('\n')));
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** Answers in turn, and keeps what it was asked. */
function instance(...answers: unknown[]) {
  const asked: unknown[][] = [];
  const ask = (...of: unknown[]) => (asked.push(of), Promise.resolve(answers.shift()));
  return { asked, of: { ask, token: () => Promise.resolve('') } as unknown as RunningInstance };
}

const [A, B] = ['1A'.repeat(16), '2B'.repeat(16)];
const list = (number: string) => ({ number, cut: '2026-11-20T16:00:00Z', markerSeq: 7, degraded: number === '42' });
const held = { reason: 'certificateHold', since: '2026-11-20T03:00:00Z' };
const page = (items: object[], next: string | null) => ({ from: list('41'), to: list('42'), items, next });
const row = { seq: 5, at: '2026-11-20T03:00:00.123Z', kind: 'suspended', holder: 'subscriber' };

describe('npm run ca -- explain', () => {
  it('prints a line for each difference and the rows that explain it, page after page', async () => {
    const added = { serial: A, cardNumber: 'KK00000000000001', difference: 'added', before: null, after: held, explanation: 'log', rows: [row] }; // prettier-ignore
    const gone = { serial: B, cardNumber: null, difference: 'gone', before: held, after: null, explanation: 'expired', rows: [] }; // prettier-ignore
    const { of, asked } = instance(page([added], A), page([gone], null));
    expect(await explainLists(of, '41', '42')).toBe(0);
    expect(asked.map(([user, method, path]) => [user, method, path])).toEqual([
      ['chen', 'GET', '/crls/41/differences/42?limit=1000'],
      ['chen', 'GET', `/crls/41/differences/42?limit=1000&after=${A}`],
    ]);
    expect(printed[1]).toBe('list 42: cut 2026-11-20T16:00:00Z, the rows below 7, DEGRADED');
    expect(printed[3]).toMatch(new RegExp(`^\\+  ${A}  KK00000000000001  -\\s+certificateHold 2026-11-20T03:00:00Z\\s+the log$`)); // prettier-ignore
    expect(printed[4]).toBe('     row 5  2026-11-20T03:00:00.123Z  suspended by subscriber');
    expect(printed[5]).toMatch(/^- {2}2B.+it expired/);
    expect(printed.at(-1)).toBe('1 added, 1 gone, 0 changed; all explained');
  });

  it('ends with an error when something is not explained', async () => {
    const changed = { serial: A, cardNumber: null, difference: 'changed', before: held, after: { ...held, invalidityDate: '2026-01-01T00:00:00Z' }, explanation: 'none', rows: [] }; // prettier-ignore
    expect(await explainLists(instance(page([changed], null)).of, '41', '42')).toBe(1);
    expect(printed[3]).toContain('(invalid since 2026-01-01T00:00:00Z)  NOTHING EXPLAINS IT');
    expect(printed.at(-1)).toBe('0 added, 0 gone, 1 changed; 1 NOT explained');
  });
});

describe('npm run ca -- publish', () => {
  const request = { id: 'the-id', state: 'open', requestedBy: 'wang', run: null };

  it('asks as one officer, and says how another approves', async () => {
    const { of, asked } = instance(request);
    expect(await requestList(of, 'a key was stolen')).toBe(0);
    expect(asked).toEqual([['wang', 'POST', '/emergency-lists', { ground: 'a key was stolen' }]]);
    expect(printed).toEqual([expect.stringContaining('npm run ca -- publish --approve the-id')]);
  });

  it('approves as another, and waits for the list', async () => {
    const run = (state: string, number: string | null = null) => ({ ...request, run: { state, number } });
    const { of, asked } = instance(run('waiting'), run('published', '43'));
    expect(await approveList(of, 'the-id')).toBe(0);
    expect(asked).toEqual(Array(2).fill(['wu', 'POST', '/emergency-lists/the-id/approval', {}]));
    expect(printed).toEqual(['list 43 is published']);
  });
});
