import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Logger } from 'pino';
import { Clock, Rounds } from '#libs/clock';
import { LOG } from '#libs/host';
import { DeadlineService } from './deadline.service.js';

const LOOK_EVERY_MS = 60_000;

/** Looks for cards whose time for acceptance is over, or nearly. Every replica does; a card's lock lets one act. */
@Injectable()
export class DeadlineTimer implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #rounds: Rounds;

  constructor(deadlines: DeadlineService, clock: Clock, @Inject(LOG) log: Logger) {
    const work = (signal: AbortSignal) => deadlines.look(signal);
    this.#rounds = new Rounds({
      what: 'looking at acceptance deadlines',
      work,
      waitMs: () => LOOK_EVERY_MS,
      clock,
      log,
    });
  }

  onApplicationBootstrap(): void {
    this.#rounds.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.#rounds.stop();
  }
}
