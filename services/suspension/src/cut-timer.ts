import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Logger } from 'pino';
import { Clock, Rounds, nextMidnight } from '#libs/clock';
import { LOG } from '#libs/host';
import { StatusLog } from './status-log.js';

/** Looks at least this often: the log's clock may be behind ours, and a missed look must not cost a day. */
const LOOK_EVERY_MS = 5_000;

/** Writes the marker soon after midnight, so that a list waits neither for a status change nor for its publisher. */
@Injectable()
export class CutTimer implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #rounds: Rounds;

  constructor(statusLog: StatusLog, clock: Clock, @Inject(LOG) log: Logger) {
    const waitMs = () => {
      const now = clock.now();
      return Math.min(LOOK_EVERY_MS, nextMidnight(now).getTime() - now.getTime());
    };
    this.#rounds = new Rounds({ what: 'writing the cut', work: () => statusLog.cutIfDue(), waitMs, clock, log });
  }

  onApplicationBootstrap(): void {
    this.#rounds.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.#rounds.stop();
  }
}
