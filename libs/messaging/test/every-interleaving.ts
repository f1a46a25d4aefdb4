import type { History } from '../../events/test/histories.js';
import { streamsOf, type World } from '../../events/test/card-history.js';
import { ALL_UP_TO, chooseInterleavings, countInterleavings, inTurn } from '../../events/test/interleavings.js';
import type { KaikaEvent } from '../../events/src/index.js';
import type { Owner } from './everything-stored.js';
import { each, listensTo, type Listener, tell, type Way, WAYS } from './tellings.js';

/** A history that was told to a service: the first of a result in the order in which it happened. */
export interface ToldHistory extends Owner {
  readonly order: readonly KaikaEvent[];
  readonly way: Way;
}

export interface ToldHistories {
  /** Interleavings there are of what this service listens to. */
  readonly count: number;
  readonly told: readonly ToldHistory[];
}

/**
 * Tells a history as it happened, then, of another card each, in every interleaving that keeps the order within each
 * stream (`prepare` is done with the number of each card before): in one of the ways in turn, in all four where every interleaving was asked for.
 */
export async function tellEveryInterleaving(
  listener: Listener,
  history: History,
  newWorld: () => World,
  prepare: (cardNumber: string) => Promise<unknown> = () => Promise.resolve(),
): Promise<ToldHistories> {
  const begin = async () => {
    const { cards, told } = await history(newWorld());
    for (const { cardNumber } of cards) await prepare(cardNumber);
    const heard = told.filter(({ event }) => listensTo(listener, event));
    const streams = streamsOf(heard).map((stream) => stream.map(({ event }) => event));
    return { cardNumbers: cards.map((card) => card.cardNumber), happened: heard.map(({ event }) => event), streams };
  };
  const first = await begin();
  const { happened } = first;
  await tell(listener, { order: happened, happened }, 'once');
  const lengths = first.streams.map(({ length }) => length);
  const inAllWays = ALL_UP_TO > 1_000;
  const chosen = chooseInterleavings(lengths).flatMap((turns, n) =>
    (inAllWays ? WAYS : [WAYS[n % WAYS.length]!]).map((way) => ({ turns, way })),
  );
  const told: ToldHistory[] = [{ ...first, order: happened, way: 'once' }];
  await each(chosen, async ({ turns, way }) => {
    const { streams, ...owner } = await begin();
    const order = inTurn(streams, turns);
    told.push({ ...owner, order, way });
    await tell(listener, { order, happened: owner.happened }, way);
  });
  return { count: countInterleavings(lengths), told };
}

/** What differs from the first, with the order that came to it; at most five. */
export function unlikeTheFirst<T>(told: readonly ToldHistory[], states: readonly T[]) {
  const expected = JSON.stringify(states[0]);
  const unlike = states.flatMap((state, n) => {
    if (JSON.stringify(state) === expected) return [];
    const order = told[n]!.order.map(({ type, source }) => `${type} ${source}`);
    return [{ order, way: told[n]!.way, state, insteadOf: states[0] }];
  });
  return unlike.slice(0, 5);
}
