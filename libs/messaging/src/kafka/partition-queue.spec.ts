import { afterEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { eventually } from '../../test/eventually.js';
import type { Delivery } from '../bus-record.js';
import type { KafkaRecord } from './kafka-record.js';
import { PartitionQueue, type PartitionOwner } from './partition-queue.js';

const record = (n: number): KafkaRecord => ({
  ...{ topic: 't', partition: 0, offset: BigInt(n), storedAtMs: n, key: 'k', value: '{}', id: String(n) },
});
const records = (count: number) => Array.from({ length: count }, (_, n) => record(n));

let queue: PartitionQueue | undefined;
afterEach(() => queue?.stop());

function open(atOnce: number, handle: (delivery: Delivery) => Promise<void>): PartitionQueue {
  const owner: PartitionOwner = {
    handle,
    flow: () => {},
    seek: () => {},
    moved: () => {},
    gone: () => Promise.resolve([]),
  };
  Logger.overrideLogger(false);
  return (queue = new PartitionQueue('t', 0, owner, new Logger(), 0n, undefined, atOnce, undefined));
}

describe('records of a partition', () => {
  it.each([1, 16])('are handled %d at a time, and the position moves past them in their order', async (atOnce) => {
    let [running, most] = [0, 0];
    const marks: (bigint | undefined)[] = [];
    const partition = open(atOnce, async () => {
      most = Math.max(most, ++running);
      marks.push(partition.mark?.offset);
      await new Promise(setImmediate);
      running--;
    });
    partition.push(records(40));
    await eventually(() => expect(partition.mark?.offset).toBe(39n));
    expect(most).toBe(atOnce);
    expect(marks).toEqual(records(40).map((_, n) => (n < atOnce ? undefined : BigInt(n - (n % atOnce) - 1))));
  });

  it('of a replicated topic come again, those beside them too, when one of them failed: none is passed over', async () => {
    const times = new Map<string, number>();
    const partition = open(4, async ({ id }) => {
      times.set(id, (times.get(id) ?? 0) + 1);
      if (id === '2' && times.get(id) === 1) throw new Error('away');
    });
    partition.push(records(6));
    await eventually(() => expect(partition.mark?.offset).toBe(5n));
    expect(Object.fromEntries(times)).toEqual({ 0: 2, 1: 2, 2: 2, 3: 2, 4: 1, 5: 1 });
  });
});
