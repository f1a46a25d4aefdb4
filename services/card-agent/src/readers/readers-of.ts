import type { Logger } from 'pino';
import { PcscReaders } from './pcsc-readers.js';
import type { Readers } from './reader.js';
import { VirtualReaders } from './virtual-readers.js';

/** What an agent drives. */
export interface DrivenReaders {
  readers: Readers;
  /** Of virtual cards: what puts them in. */
  hand?: VirtualReaders;
}

/** The virtual reader of a folder of virtual cards; without one, the machine's own readers. */
export function readersOf(virtualCardsDir: string | undefined, log: Logger): DrivenReaders {
  if (virtualCardsDir === undefined) return { readers: new PcscReaders(log) };
  const hand = new VirtualReaders(virtualCardsDir);
  return { readers: hand, hand };
}
