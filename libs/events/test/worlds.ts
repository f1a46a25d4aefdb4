import { type Sealer, type World, WrittenLog } from './card-history.js';

/** For services that read no event's secret part. */
export const unsealed: Sealer = {
  credential: ({ cardNumber, kind, generation }) => Promise.resolve({ cardNumber, kind, generation, jwe: {} }),
  sealed: () => Promise.resolve({}),
};

export const SKI = 'A'.repeat(40);

/** World after world; each card has a number that no card before it had. */
export function newWorlds({
  log,
  start,
  ...given
}: Partial<Pick<World, 'issuerSki' | 'log' | 'seal'>> & {
  /** @param cards so many cards were there before */
  start?: (cards: number) => Date;
} = {}): () => World {
  let cards = 0;
  return () => ({
    ...{ issuerSki: SKI, seal: unsealed, ...given },
    ...{ log: log ?? new WrittenLog(), start: start?.(cards) },
    newCardNumber: () => `TT${String(100_000 + cards++).padStart(14, '0')}`,
  });
}
