import { describe, expect, it } from '@jest/globals';
import pino from 'pino';
import { Clock, sleep } from './clock.js';
import { Rounds } from './rounds.js';

const FOREVER_MS = 3_600_000;

function rounds(
  work: (round: number, signal: AbortSignal) => Promise<unknown> = async () => undefined,
  waitMs = FOREVER_MS,
) {
  const clock = new Clock();
  const lines: string[] = [];
  const log = pino({}, { write: (line) => void lines.push(line) });
  let count = 0;
  const running = new Rounds({
    what: 'counting',
    work: (signal) => work(++count, signal),
    waitMs: () => waitMs,
    clock,
    log,
  });
  const reached = async (round: number) => {
    for (let tries = 0; count < round && tries < 500; tries += 1) await sleep(10);
    return count;
  };
  return { running, clock, lines, reached };
}

describe('rounds', () => {
  it('begin at once, and the next comes when woken or when the clock moves', async () => {
    const { running, clock, reached } = rounds();
    running.start();
    expect(await reached(1)).toBe(1);
    running.wake();
    expect(await reached(2)).toBe(2);
    clock.set(-1_000);
    expect(await reached(3)).toBe(3);
    await running.stop();
  });

  it('are not lost when they are woken in the middle of one', async () => {
    const { running, reached } = rounds(async (round) => {
      if (round === 1) running.wake();
    });
    running.start();
    expect(await reached(2)).toBe(2);
    await running.stop();
  });

  it('go on after a failure, which is told once', async () => {
    const { running, lines, reached } = rounds(() => Promise.reject(new Error('no')), 0);
    running.start();
    expect(await reached(10)).toBeGreaterThanOrEqual(10);
    await running.stop();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('counting failed, trying again');
  });

  it('are over when stopped', async () => {
    let inWork = false;
    const { running, reached } = rounds(async () => {
      inWork = true;
      await sleep(20);
      inWork = false;
    });
    running.start();
    await reached(1);
    await running.stop();
    expect(inWork).toBe(false);
  });

  it('end one that waits for something when they are stopped', async () => {
    const { running, reached } = rounds((_round, signal) => sleep(FOREVER_MS, signal));
    running.start();
    await reached(1);
    await running.stop();
  });
});
