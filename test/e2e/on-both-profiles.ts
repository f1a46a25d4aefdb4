import { afterAll, beforeAll, describe } from '@jest/globals';
import { distributedOn, EMBEDDED, type Profile } from '../demo/instance.js';
import { kafkaUnavailable } from '../../deploy/stack/kafka.js';
import { redisUnavailable } from '../../deploy/stack/redis.js';
import { needs } from '../../deploy/stack/test-parts.js';
import { nginxUnavailable } from '../../deploy/distributed/edge.js';
import { TestStack } from './test-stack.js';

/** What a suite may know of the stack under its instance. */
export interface ProfileUnderTest extends Profile {
  /** Of the distributed profile: its PostgreSQL, Kafka and Redis. */
  stack?: TestStack;
}

/**
 * Runs an e2e suite on the embedded default and on services of their own processes, the latter on a stack of its own.
 * Where that can't be had the suite is left out, with a reason; with CI=true that is a failure.
 */
export function onBothProfiles(what: string, suite: (profile: ProfileUnderTest) => void): void {
  describe(`${what}, embedded`, () => suite(EMBEDDED));
  onDistributed(what, suite);
}

/** An e2e suite of what only services of their own processes can show. */
export function onDistributed(what: string, suite: (profile: ProfileUnderTest) => void): void {
  needs(kafkaUnavailable() ?? redisUnavailable() ?? nginxUnavailable()).describe(`${what}, distributed`, () => {
    const stack = new TestStack();
    beforeAll(() => stack.start(), 240_000);
    afterAll(() => stack.stop(), 60_000);
    suite({ ...distributedOn(stack.dir), stack });
  });
}
