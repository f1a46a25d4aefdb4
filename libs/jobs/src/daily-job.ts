import { Logger } from '@nestjs/common';
import type { JobSchedulerJson, Queue, Worker } from 'bullmq';
import { sleep } from '#libs/clock';
import { type JobsBackend, openQueue, openWorker } from './backend.js';

export interface DailyJobOptions {
  backend: JobsBackend;
  /** Unique in the backend, e.g. `crl-publisher`. */
  queue: string;
  /** Called at each tick, in one of the processes. May be called again for a tick whose process was killed. */
  work(): Promise<unknown>;
  /** Cron pattern and its time zone. Default: midnight in Taipei. */
  pattern?: string;
  tz?: string;
  /** After how long a silent worker's job is given to another. Default 30 s. */
  lockMs?: number;
}

export type SchedulerCheck = 'kept' | 'created' | 'changed';

const RETRY_MS = 2_000;
const SCHEDULER = 'daily';
const KEEP = { removeOnComplete: { count: 50 }, removeOnFail: { count: 50 } };

/**
 * A BullMQ job scheduler and its worker. The tick is a poke and no more: what is due belongs into a table of the
 * service. A tick that was missed while everything was down comes once, at the start.
 */
export class DailyJob {
  readonly #log: Logger;
  readonly #stop = new AbortController();
  #queue?: Queue;
  #worker?: Worker;
  #starting: Promise<void> = Promise.resolve();

  constructor(private readonly options: DailyJobOptions) {
    this.#log = new Logger(`job ${options.queue}`);
  }

  /** Returns at once and never fails: connects in the background, and again until it succeeds. */
  start(): void {
    this.#starting = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#starting;
    await this.#worker?.close();
    await this.#queue?.close();
  }

  /**
   * Sets the scheduler up where it is missing or not as it should be. It must be left alone otherwise: BullMQ drops a
   * tick that was missed when a scheduler is upserted at the start.
   */
  async ensureScheduler(): Promise<SchedulerCheck> {
    const queue = this.#openQueue();
    const present = await queue.getJobScheduler(SCHEDULER);
    if (present && this.#isRight(present)) return 'kept';
    const { pattern, tz } = this.#schedule;
    await queue.upsertJobScheduler(SCHEDULER, { pattern, tz }, { name: SCHEDULER, opts: KEEP });
    return present ? 'changed' : 'created';
  }

  /** When the next tick is due; undefined without a scheduler. */
  async next(): Promise<Date | undefined> {
    const scheduler = await this.#openQueue().getJobScheduler(SCHEDULER);
    return scheduler?.next === undefined ? undefined : new Date(scheduler.next);
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; failures++) {
      try {
        const check = await this.ensureScheduler();
        if (check !== 'kept') this.#log.log(`scheduler ${check}`);
        this.#openWorker();
        return;
      } catch (error) {
        if (failures % 30 === 0) this.#log.warn(`waiting for the job queue: ${(error as Error).message}`);
        await this.#queue?.close().catch(() => {});
        this.#queue = undefined;
        await sleep(RETRY_MS, this.#stop.signal);
      }
    }
  }

  #isRight({ pattern, tz, next }: JobSchedulerJson): boolean {
    return pattern === this.#schedule.pattern && tz === this.#schedule.tz && typeof next === 'number';
  }

  get #schedule(): { pattern: string; tz: string } {
    return { pattern: this.options.pattern ?? '0 0 * * *', tz: this.options.tz ?? 'Asia/Taipei' };
  }

  #openQueue(): Queue {
    if (this.#stop.signal.aborted) throw new Error('the job is closed');
    this.#queue ??= openQueue(this.options.backend, this.options.queue, { defaultJobOptions: KEEP }).on(
      'error',
      (error) => this.#log.warn(`queue: ${error.message}`),
    );
    return this.#queue;
  }

  #openWorker(): void {
    const { backend, queue, work, lockMs = 30_000 } = this.options;
    this.#worker = openWorker(backend, queue, async () => void (await work()), {
      concurrency: 1,
      lockDuration: lockMs,
      stalledInterval: lockMs,
      maxStalledCount: 10,
    });
    this.#worker.on('error', (error) => this.#log.warn(`worker: ${error.message}`));
    this.#worker.on('failed', (_, error) => this.#log.warn(`failed: ${error.message}`));
  }
}
