import type { BeforeApplicationShutdown, FactoryProvider, OnApplicationBootstrap } from '@nestjs/common';
import type { Logger } from 'pino';
import { Clock, Rounds } from '#libs/clock';
import { LOG } from './root-module.js';

const DAY_MS = 86_400_000;

/** Drops what nobody needs any more. @returns how many rows went */
export type Prune = () => Promise<number>;

/** Provided by a service: once a day, and at the start, what it names is dropped. Several processes may do it at once. */
export class Housekeeping implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #rounds: Rounds;

  /** @param prunes by the name of what they drop, in this order */
  constructor(
    private readonly prunes: Readonly<Record<string, Prune>>,
    clock: Clock,
    private readonly log: Logger,
  ) {
    this.#rounds = new Rounds({ what: 'housekeeping', work: () => this.sweep(), waitMs: () => DAY_MS, clock, log });
  }

  /** @returns how many rows of each went */
  async sweep(): Promise<Record<string, number>> {
    const gone: Record<string, number> = {};
    for (const [what, prune] of Object.entries(this.prunes)) gone[what] = await prune();
    this.log.info(gone, 'rows nobody needs any more were dropped');
    return gone;
  }

  onApplicationBootstrap(): void {
    this.#rounds.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.#rounds.stop();
  }
}

type Class<T> = abstract new (...args: never[]) => T;

/**
 * A service's provider of it.
 *
 * @param inject what `prunes` is given
 * @param prunes by the name of what they drop, in this order
 */
export function housekeepingOf<T extends unknown[]>(
  inject: [...{ [K in keyof T]: Class<T[K]> }],
  prunes: (...injected: T) => Readonly<Record<string, Prune>>,
): FactoryProvider<Housekeeping> {
  return {
    provide: Housekeeping,
    useFactory: (clock: Clock, log: Logger, ...injected: T) => new Housekeeping(prunes(...injected), clock, log),
    inject: [Clock, LOG, ...inject],
  };
}
