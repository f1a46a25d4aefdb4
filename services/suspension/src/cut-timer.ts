import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Logger } from 'pino';
import { Clock, nextMidnight } from '#libs/clock';
import { LOG } from '#libs/host';
import { StatusLog } from './status-log.js';

/** Looks at least this often: the log's clock may be behind ours, and a missed look must not cost a day. */
const LOOK_EVERY_MS = 5_000;

/** Writes the marker soon after midnight, so that a list waits neither for a status change nor for its publisher. */
@Injectable()
export class CutTimer implements OnApplicationBootstrap, OnModuleDestroy {
  #timer?: NodeJS.Timeout;
  #looking: Promise<void> = Promise.resolve();
  #stopListening?: () => void;

  constructor(
    private readonly statusLog: StatusLog,
    private readonly clock: Clock,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.#stopListening = this.clock.onMove(() => this.look());
    this.look();
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopListening?.();
    await this.#looking;
    clearTimeout(this.#timer);
  }

  private look(): void {
    this.#looking = this.#looking.then(async () => {
      clearTimeout(this.#timer);
      try {
        await this.statusLog.cutIfDue();
      } catch (error) {
        this.log.warn({ err: error as unknown }, 'the cut could not be written, trying again');
      }
      const now = this.clock.now();
      const untilMidnightMs = nextMidnight(now).getTime() - now.getTime();
      this.#timer = setTimeout(() => this.look(), Math.min(LOOK_EVERY_MS, untilMidnightMs)).unref();
    });
  }
}
