import { createRequire } from 'node:module';
import { expect, it } from '@jest/globals';
import { quietQueues } from './quiet-queues.js';

interface Queue {
  throttleCheckTimeoutId: unknown;
  pending: unknown[];
  checkPendingRequests(): void;
  maybeThrottle(ms: number): void;
  destroy(): void;
}

it('a connection of kafkajs without waiting requests sets no timer, one with them does', () => {
  const Queue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as new (o: object) => Queue;
  const queue = new Queue({ requestTimeout: 1_000, logger: { debug: () => {} } });
  quietQueues();
  queue.checkPendingRequests();
  expect(queue.throttleCheckTimeoutId).toBeNull();
  queue.maybeThrottle(3_600_000);
  queue.pending.push({});
  queue.checkPendingRequests();
  expect(queue.throttleCheckTimeoutId).not.toBeNull();
  queue.destroy();
});
