import { createHash } from 'node:crypto';

/** Of every topic, on every transport. */
export const PARTITIONS = 6;

/** The same in every process, version and transport: all records of a key are in one partition, for ever. */
export function partitionOf(key: string): number {
  return createHash('sha256').update(key).digest().readUInt32BE() % PARTITIONS;
}
