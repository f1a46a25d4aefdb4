import { Injectable, Inject, type OnApplicationBootstrap, type BeforeApplicationShutdown } from '@nestjs/common';
import type { Logger } from 'pino';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { AttemptStore } from '#libs/credentials';
import { LOG } from '#libs/host';

const DAY_MS = 86_400_000;
/** How long somebody may still ask what became of a session. */
const SESSION_DAYS = 30;

/**
 * Drops each day what nobody needs any more: counts of attempts that are forgotten, sessions, requests for user codes.
 * Never evidence. It may run in several processes at once.
 */
@Injectable()
export class Housekeeping implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly attempts: AttemptStore,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  onApplicationBootstrap(): void {
    const day = () => void (this.#running = this.sweepOrTell());
    this.#timer = setInterval(day, DAY_MS);
    day();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /** @returns how many rows went */
  async sweep(): Promise<{ attempts: number; sessions: number; resets: number }> {
    const before = new Date(this.clock.nowMs() - SESSION_DAYS * DAY_MS);
    const attempts = await this.attempts.prune();
    // A card that waits for its PIN completes its live session, however late.
    const [, sessions] = (await this.source.query(
      `delete from activation where expires_at < $1 and not exists
         (select from card where live_activation = activation.id and activated_at is null)`,
      [before],
    )) as [unknown, number];
    const [, resets] = (await this.source.query('delete from user_code_reset where expires_at < $1', [before])) as [
      unknown,
      number,
    ];
    return { attempts, sessions, resets };
  }

  private async sweepOrTell(): Promise<void> {
    try {
      this.log.info(await this.sweep(), 'rows nobody needs any more were dropped');
    } catch (error) {
      this.log.error({ err: error }, 'dropping old rows failed; tomorrow again');
    }
  }
}
