import { CaError } from '#libs/errors';
import type { Reader } from './reader.js';

/**
 * Of a machine's readers, the one that holds a card: nothing is chosen between two.
 *
 * @throws CaError noReader | noCard | severalCards
 */
export async function readerWithCard(readers: readonly Reader[]): Promise<Reader> {
  if (readers.length === 0) throw new CaError('noReader', 'no reader is connected to this machine');
  const held = await Promise.all(readers.map(async (reader) => reader.holdsCard()));
  const [first, second] = readers.filter((_, i) => held[i]);
  if (!first) throw new CaError('noCard', 'no reader holds a card');
  if (second) throw new CaError('severalCards', 'several readers hold a card: leave one in, or name the reader');
  return first;
}
