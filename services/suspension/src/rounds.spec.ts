import { describe, expect, it } from '@jest/globals';
import { Clock, sleep } from '#libs/clock';
import { createLogger } from '#libs/host';
import { Rounds } from './rounds.js';

const HOUR_MS = 3_600_000;

function rounds(work: (signal: AbortSignal) => Promise<unknown>, waitMs = HOUR_MS) {
  const clock = new Clock();
  return { clock, it: new Rounds({ what: 'x', work, waitMs: () => waitMs, clock, log: createLogger('silent') }) };
}
async function until(done: () => boolean): Promise<void> {
  for (let n = 0; !done(); n++) {
    if (n > 4_000) throw new Error('waited for nothing');
    await sleep(5);
  }
}

describe('rounds', () => {
  it('start at once, come again, and at once when the clock is moved, one at a time', async () => {
    let done = 0;
    let running = 0;
    const { clock, it } = rounds(async () => {
      expect(++running).toBe(1);
      await sleep(1);
      running--;
      done++;
    });
    it.start();
    await until(() => done === 1);
    for (let n = 1; n <= 3; n++) {
      clock.set(-n);
      clock.set(-n);
      await until(() => done > n && running === 0);
    }
    await it.stop();
    const last = done;
    clock.set(-9);
    await sleep(5);
    expect(done).toBe(last);
  });

  it('go on after a failure', async () => {
    let tries = 0;
    const { it } = rounds(() => Promise.reject(new Error(`failure ${++tries}`)), 1);
    it.start();
    await until(() => tries > 3);
    await it.stop();
  });

  it('end a round that waits when they are stopped', async () => {
    let begun = false;
    const { it } = rounds((signal) => ((begun = true), sleep(HOUR_MS, signal)));
    it.start();
    await until(() => begun);
    await it.stop();
  });
});
