import { Logger } from '@nestjs/common';
import type { JobSchedulerJson, Queue, Worker } from 'bullmq';
import { sleep } from '#libs/clock';
import { backendProblems, type JobsBackend, openQueue, openWorker } from './backend.js';

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
/** The queue's callers go on without it: they don't wait longer, however it is away. */
const PATIENCE_MS = 6_000;
const CLOSE_MS = 2_000;
const SCHEDULER = 'daily';
const KEEP = { removeOnComplete: { count: 50 }, removeOnFail: { count: 50 } };

/**
 * A BullMQ job scheduler and its worker. The tick is a poke and no more: what is due belongs into a table of the
 * service. A tick that was missed while everything was down comes once, at the start.
 */
export class DailyJob {
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #complaints = new Set<string>();
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
    await Promise.all([closeWithin(this.#worker), closeWithin(this.#queue)]);
  }

  /**
   * Sets the scheduler up where it is missing or not as it should be. It must be left alone otherwise: BullMQ drops a
   * tick that was missed when a scheduler is upserted at the start. Fails within seconds while the queue is away.
   */
  async ensureScheduler(): Promise<SchedulerCheck> {
    return this.#within(this.#ensure(this.#openQueue()));
  }

  async #ensure(queue: Queue): Promise<SchedulerCheck> {
    const present = await queue.getJobScheduler(SCHEDULER);
    this.#complaints.clear();
    if (present && this.#isRight(present)) return 'kept';
    const { pattern, tz } = this.#schedule;
    await queue.upsertJobScheduler(SCHEDULER, { pattern, tz }, { name: SCHEDULER, opts: KEEP });
    return present ? 'changed' : 'created';
  }

  /** When the next tick is due; undefined without a scheduler. */
  async next(): Promise<Date | undefined> {
    const scheduler = await this.#within(this.#openQueue().getJobScheduler(SCHEDULER));
    return scheduler?.next === undefined ? undefined : new Date(scheduler.next);
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; failures++) {
      try {
        const check = await this.ensureScheduler();
        if (check !== 'kept') this.#log.log(`scheduler ${check}`);
        this.#openWorker();
        await this.#lookAtBackend();
        return;
      } catch (error) {
        if (failures % 30 === 0) this.#log.warn(`waiting for the job queue: ${(error as Error).message}`);
        await closeWithin(this.#queue);
        this.#queue = undefined;
        await sleep(RETRY_MS, this.#stop.signal);
      }
    }
  }

  async #lookAtBackend(): Promise<void> {
    try {
      const problems = await this.#within(backendProblems(this.options.backend, this.#openQueue()));
      for (const problem of problems) this.#log.warn(problem);
    } catch (error) {
      this.#log.warn(`the job queue's settings are not known: ${(error as Error).message}`);
    }
  }

  /** The answer, or an error when it takes long or the job is closed: BullMQ waits for ever for a Redis not reached yet. */
  #within<T>(answer: Promise<T>): Promise<T> {
    return within(PATIENCE_MS, answer, this.#stop.signal);
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
      (error) => this.#complain(`queue: ${error.message}`),
    );
    return this.#queue;
  }

  /** Each connection fails every few seconds while the backend is away: that is told once, and again after it was there. */
  #complain(text: string): void {
    if (this.#complaints.has(text)) return;
    this.#complaints.add(text);
    this.#log.warn(text);
  }

  #openWorker(): void {
    const { backend, queue, work, lockMs = 30_000 } = this.options;
    this.#worker = openWorker(backend, queue, async () => void (await work()), {
      concurrency: 1,
      lockDuration: lockMs,
      stalledInterval: lockMs,
      maxStalledCount: 10,
    });
    this.#worker.on('error', (error) => this.#complain(`worker: ${error.message}`));
    this.#worker.on('failed', (_, error) => this.#log.warn(`failed: ${error.message}`));
  }
}

async function within<T>(ms: number, answer: Promise<T>, stop?: AbortSignal): Promise<T> {
  const answered = new AbortController();
  const late = sleep(ms, answered.signal, stop).then(() => {
    throw new Error(stop?.aborted ? 'the job is closed' : `no answer within ${ms / 1_000} s`);
  });
  late.catch(() => {});
  answer.catch(() => {});
  try {
    return await Promise.race([answer, late]);
  } finally {
    answered.abort();
  }
}

/** Politely, which waits for the backend; without it when that takes long, as while it is away. */
async function closeWithin(part: Queue | Worker | undefined): Promise<void> {
  if (!part) return;
  await within(CLOSE_MS, part.close()).catch(() => void part.disconnect().catch(() => {}));
}
