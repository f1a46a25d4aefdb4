import { describe, expect, it } from '@jest/globals';
import { createLogger } from './logger.js';
import { stopping } from './stopping.js';

/** What a process that is told to stop ends with, first and later. */
function ending(stop: () => Promise<void> | undefined, limitMs?: number) {
  const codes: number[] = [];
  let told = () => {};
  const exited = new Promise<void>((done) => (told = done));
  const exit = (code: number) => {
    codes.push(code);
    told();
  };
  const end = stopping({ log: createLogger('silent'), stop, exit, ...(limitMs !== undefined && { limitMs }) });
  return { end, codes, exited };
}

describe('the end of a process', () => {
  it('comes when all is stopped, with 0 when it was told to and with 1 when it cannot go on', async () => {
    for (const code of [0, 1]) {
      let stopped = false;
      const { end, codes, exited } = ending(async () => {
        await Promise.resolve();
        stopped = true;
      });
      end('SIGTERM', code);
      expect(codes).toEqual([]);
      await exited;
      expect([stopped, codes]).toEqual([true, [code]]);
    }
  });

  it('comes before anything was started, too', async () => {
    const { end, codes, exited } = ending(() => undefined);
    end('SIGINT', 0);
    await exited;
    expect(codes).toEqual([0]);
  });

  it('comes at once when it is asked for again, and with 1 when something does not let itself be stopped', async () => {
    const never = () => new Promise<void>(() => {});
    const twice = ending(never);
    twice.end('SIGTERM', 0);
    twice.end('SIGTERM', 0);
    expect(twice.codes).toEqual([1]);
    const stuck = ending(never, 1);
    stuck.end('SIGTERM', 0);
    await stuck.exited;
    expect(stuck.codes).toEqual([1]);
    const broken = ending(() => Promise.reject(new Error('no')));
    broken.end('SIGTERM', 0);
    await broken.exited;
    expect(broken.codes).toEqual([1]);
  });
});
