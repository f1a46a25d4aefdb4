import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../test/eventually.js';
import { Watchdog } from './index.js';

const stuck = new Promise<never>(() => {});
let dog: Watchdog;
let ends: string[];
let asked: number;
afterEach(() => dog.stop());

function watchdog(answers: () => boolean): void {
  ends = [];
  asked = 0;
  dog = new Watchdog({
    answers: async () => (asked++, answers()),
    onStandstill: (reason) => ends.push(reason),
    limitMs: 30,
    everyMs: 10,
  });
  dog.start();
}

describe('the watchdog', () => {
  it('tells once of a step that does not end while the database answers', async () => {
    watchdog(() => true);
    void dog.watch('kaika.status.v1 7', stuck);
    void dog.watch('another', stuck);
    await eventually(() => expect(ends).toHaveLength(1));
    expect(ends[0]).toMatch(/stuck for 0.03 s while the database answers: kaika\.status\.v1 7/);
    await eventually(() => expect(asked).toBeGreaterThan(6));
    expect(ends).toHaveLength(1);
  });

  it('waits as long as the database does not answer', async () => {
    let up = false;
    watchdog(() => up);
    void dog.watch('a record', stuck);
    await eventually(() => expect(asked).toBeGreaterThan(10));
    expect(ends).toEqual([]);
    up = true;
    await eventually(() => expect(ends).toHaveLength(1));
  });

  it('lets steps pass that end, however many, and gives their outcome', async () => {
    watchdog(() => true);
    const end = asked + 10;
    for (let n = 0; asked < end; n++) {
      const step = new Promise<number>((done) => setTimeout(done, 5, n));
      expect(await dog.watch('short', step)).toBe(n);
      await expect(dog.watch('short', Promise.reject(new Error('no')))).rejects.toThrow('no');
      if (n > 100) break;
    }
    expect(ends).toEqual([]);
  });

  it('is told when consuming has ended by itself, but for when it is stopped', async () => {
    watchdog(() => true);
    dog.ended('consuming ended');
    expect(ends).toEqual(['consuming ended']);
    await dog.stop();
    watchdog(() => true);
    await dog.stop();
    dog.ended('consuming ended');
    expect(ends).toEqual([]);
  });
});
