import { describe as suite, it } from '@jest/globals';
import { kafkaUnavailable } from './kafka.js';
import { redisUnavailable } from './redis.js';

/** A suite that needs a part: skipped, saying why, where the part can't be had; with CI=true that is a failure. */
export const needs = (problem: string | undefined) => ({
  problem,
  describe(title: string, body: () => void): void {
    if (!problem) return suite(title, body);
    if (process.env['CI'] === 'true') {
      return suite(title, () => {
        it('has what it needs', () => {
          throw new Error(problem);
        });
      });
    }
    process.stderr.write(`skipped: ${title}: ${problem}\n`); // jest keeps the console of a skipped file to itself
    suite.skip(title, body);
  },
});

export const kafkaHere = needs(kafkaUnavailable());
export const redisHere = needs(redisUnavailable());
