import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Logger } from 'pino';
import { DataSource } from 'typeorm';
import { Clock, Rounds } from '#libs/clock';
import { AttemptStore } from '#libs/credentials';
import { LOG } from '#libs/host';
import { Idempotency } from '#libs/idempotency';

const DAY_MS = 86_400_000;

/** Once a day, and at the start: drops counters that are forgotten and answers that nobody will ask for again. */
@Injectable()
export class Housekeeping implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #rounds: Rounds;

  constructor(
    private readonly source: DataSource,
    private readonly attempts: AttemptStore,
    private readonly idempotency: Idempotency,
    clock: Clock,
    @Inject(LOG) private readonly log: Logger,
  ) {
    this.#rounds = new Rounds({ what: 'housekeeping', work: () => this.prune(), waitMs: () => DAY_MS, clock, log });
  }

  async prune(): Promise<void> {
    const attempts = await this.attempts.prune();
    const answers = await this.idempotency.prune(this.source);
    if (attempts + answers > 0) this.log.info({ attempts, answers }, 'dropped what is forgotten');
  }

  onApplicationBootstrap(): void {
    this.#rounds.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.#rounds.stop();
  }
}
