import { randomUUID } from 'node:crypto';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Logger } from 'pino';
import { DataSource } from 'typeorm';
import { Clock, Rounds } from '#libs/clock';
import { CaError } from '#libs/errors';
import { LOG } from '#libs/host';
import { StatusFeed } from '#libs/status-feed';
import { Owners } from '../owners.js';
import { rebuildCards } from './rebuilt-cards.js';
import { clearRebuilt, rebuiltStatuses } from './rebuilt-statuses.js';

export interface Rebuild {
  id: string;
  requestedAt: string;
  requestedBy: string;
  state: 'running' | 'done' | 'failed';
  finishedAt: string | null;
  /** Why it was given up; what is read is as it was. */
  problem: string | null;
}

interface Row {
  id: string;
  requested_at: Date;
  requested_by: string;
  finished_at: Date | null;
  problem: string | null;
}

const LOOK_MS = 10_000;
/** Held while a rebuild runs: one process at a time. */
const LOCK = `hashtextextended('status-query rebuild', 0)`;

/**
 * Makes the read model anew from its owners: cards from issuance, statuses from suspension's log. Reads and the feed go on
 * meanwhile. One that is under way when the process ends is begun again by the next.
 */
@Injectable()
export class RebuildService implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #rounds: Rounds;

  constructor(
    private readonly source: DataSource,
    private readonly feed: StatusFeed,
    private readonly owners: Owners,
    private readonly clock: Clock,
    @Inject(LOG) private readonly log: Logger,
  ) {
    const work = (signal: AbortSignal) => this.work(signal);
    this.#rounds = new Rounds({ what: 'rebuilding', work, waitMs: () => LOOK_MS, clock, log });
  }

  onApplicationBootstrap(): void {
    this.#rounds.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.#rounds.stop();
  }

  /** @returns the one that is under way, if there is one */
  async request(by: string): Promise<Rebuild> {
    await this.source.query(
      'insert into rebuild (id, requested_at, requested_by) values ($1, $2, $3) on conflict do nothing',
      [randomUUID(), this.clock.now(), by],
    );
    this.#rounds.wake();
    return this.last();
  }

  /** @throws CaError notFound before the first */
  async last(): Promise<Rebuild> {
    const [row] = await this.source.query<Row[]>(
      'select * from rebuild order by finished_at is null desc, requested_at desc limit 1',
    );
    if (!row) throw new CaError('notFound', 'no rebuild was ever requested');
    return {
      id: row.id,
      requestedAt: row.requested_at.toISOString(),
      requestedBy: row.requested_by,
      state: !row.finished_at ? 'running' : row.problem ? 'failed' : 'done',
      finishedAt: row.finished_at?.toISOString() ?? null,
      problem: row.problem,
    };
  }

  /** What was requested and is not done. @throws when an owner can't be reached: it is tried again */
  async work(signal: AbortSignal): Promise<void> {
    const runner = this.source.createQueryRunner();
    try {
      const [lock] = (await runner.query(`select pg_try_advisory_lock(${LOCK}) as mine`)) as [{ mine: boolean }];
      if (!lock.mine) return;
      try {
        const [row] = await this.source.query<Row[]>('select * from rebuild where finished_at is null');
        if (row) await this.run(row.id, signal);
      } finally {
        await runner.query(`select pg_advisory_unlock(${LOCK})`);
      }
    } finally {
      await runner.release();
    }
  }

  private async run(id: string, signal: AbortSignal): Promise<void> {
    this.log.info({ rebuild: id }, 'rebuilding from the owners');
    const unlessStopped = <T>(next: () => Promise<T>): Promise<T> => {
      signal.throwIfAborted();
      return next();
    };
    try {
      await clearRebuilt(this.source);
      await rebuildCards(this.source, (after) => unlessStopped(() => this.owners.issuedCards(after)));
      const { take, finish } = rebuiltStatuses;
      await this.feed.replay({ take: (rows, tx) => unlessStopped(() => take(rows, tx)), finish });
    } catch (error) {
      if (signal.aborted) return;
      // An owner whose word can't be used; one that doesn't answer is asked again.
      if (!(error instanceof CaError)) throw error;
      this.log.error({ err: error, rebuild: id }, 'the rebuild was given up');
      return this.finish(id, `${error.code}: ${error.message}`);
    }
    await this.finish(id, null);
    this.log.info({ rebuild: id }, 'rebuilt');
  }

  private async finish(id: string, problem: string | null): Promise<void> {
    await this.source.query('update rebuild set finished_at = $2, problem = $3 where id = $1', [
      id,
      this.clock.now(),
      problem,
    ]);
  }
}
