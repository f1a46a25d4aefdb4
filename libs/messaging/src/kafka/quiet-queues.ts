import { createRequire } from 'node:module';

interface RequestQueue {
  pending: unknown[];
  scheduleCheckPendingRequests(): void;
}

const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as {
  prototype: RequestQueue;
};
const schedule = prototype.scheduleCheckPendingRequests;
let repaired = false;

/**
 * kafkajs 2.2.4 wakes up each millisecond, for every connection and for ever, to look at requests that wait where none
 * do: 4 % of a core in each of our processes (and a warning of a negative timeout from Node 21 on). Here it looks when
 * there are any.
 */
export function quietQueues(): void {
  if (repaired) return;
  repaired = true;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this);
  };
}
