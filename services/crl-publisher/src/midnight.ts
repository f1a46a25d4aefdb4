import type { Logger } from 'pino';
import { lastMidnight, sleep, type Clock } from '#libs/clock';
import { PeerUnreachable } from '#libs/doors';
import { CaError } from '#libs/errors';
import { DailyJob, type JobsBackend } from '#libs/jobs';
import { readCrl, type CaCertificate } from '#libs/pki';
import type { Alarms } from './alarms.js';
import type { ListRun } from './list-run.js';
import type { ServedFiles } from './served-files.js';

const POKE_MS = 60_000;
const RECONCILE_MS = 10_000;
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 60_000;
/** Failures in a row to reach the log's owner before it is worth an alarm: services start at different moments. */
const PATIENCE = 6;
/** A list should be there minutes after its cut; hours of overlap are left to act on this alarm. */
const OVERDUE_MS = 10 * 60_000;
/** The root's list is renewed with 90 days to go by whoever has its key; then somebody has forgotten. */
const ROOT_NOTICE_MS = 60 * 86_400_000;

export interface MidnightParts {
  clock: Clock;
  issuer: CaCertificate;
  run: ListRun;
  files: ServedFiles;
  alarms: Alarms;
  log: Logger;
  jobs: JobsBackend;
  /** The root's own list, which this service serves and cannot renew. */
  rootCrlFile: string;
}

/**
 * Keeps the lists coming. Everything that might mean "a list is due" pokes: the scheduler, a plain timer, a moved clock,
 * the start. A poke is cheap and may come at any time; what is due is in the database.
 */
export class Midnight {
  readonly schedule: DailyJob;
  readonly #stop = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  #working: Promise<void> | undefined;
  #again = false;
  #failures = 0;
  #wakeUp = new AbortController();
  #unsubscribe = () => {};

  constructor(private readonly parts: MidnightParts) {
    this.schedule = new DailyJob({
      backend: parts.jobs,
      queue: 'crl-publisher',
      pattern: '0 0 * * *',
      tz: 'Asia/Taipei',
      work: async () => this.poke(),
    });
  }

  async start(): Promise<void> {
    const { clock, files, issuer } = this.parts;
    await files.sweep(issuer.skiHex).catch(() => undefined);
    await this.reconcile();
    this.#unsubscribe = clock.onMove(() => this.poke());
    this.#timers.push(
      setInterval(() => void this.minute(), POKE_MS),
      setInterval(() => void this.reconcile(), RECONCILE_MS),
    );
    this.schedule.start();
    this.poke();
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#timers.forEach(clearInterval);
    this.#stop.abort();
    await Promise.all([this.#working, this.schedule.close()]);
  }

  /** Looks now whether a list is due, and again at once if somebody poked meanwhile. */
  poke(): void {
    this.#again = true;
    this.#wakeUp.abort();
    if (!this.#stop.signal.aborted) this.#working ??= this.work().finally(() => this.rest());
  }

  /** A poke may have come after the last look. */
  private rest(): void {
    this.#working = undefined;
    if (this.#again) this.poke();
  }

  /** Puts the newest published list in place. */
  async reconcile(): Promise<void> {
    const { files, issuer, alarms } = this.parts;
    try {
      await files.reconcile(issuer);
      alarms.clear('reconcileFailed');
    } catch (error) {
      alarms.raise('reconcileFailed', { err: error });
    }
  }

  /** What happens each minute, so that no list depends on the scheduler. */
  async minute(): Promise<void> {
    this.watch();
    await this.watchRoot();
    if (this.#working)
      this.#again = true; // it may have looked before midnight; its pause is not cut short
    else this.poke();
    await this.watchScheduler();
  }

  private async watchScheduler(): Promise<void> {
    const { alarms } = this.parts;
    try {
      const found = await this.schedule.ensureScheduler();
      alarms.set('schedulerMissing', found !== 'kept', { found });
      alarms.clear('jobQueueUnreachable');
    } catch (error) {
      if (!this.#stop.signal.aborted) alarms.raise('jobQueueUnreachable', { err: error });
    }
  }

  private async watchRoot(): Promise<void> {
    const { clock, alarms, log, rootCrlFile } = this.parts;
    try {
      const { nextUpdate } = await readCrl(rootCrlFile);
      alarms.set('rootListEnding', nextUpdate.getTime() - clock.nowMs() < ROOT_NOTICE_MS, { nextUpdate });
    } catch (error) {
      alarms.raise('rootListEnding');
      log.error({ err: error }, 'the root’s list cannot be read');
    }
  }

  private async work(): Promise<void> {
    while (this.#again && !this.#stop.signal.aborted) {
      this.#again = false;
      this.#wakeUp = new AbortController();
      if (await this.tryOnce()) {
        this.#failures = 0;
        continue;
      }
      this.#again = true;
      const delay = Math.min(FIRST_RETRY_MS * 2 ** this.#failures++, LAST_RETRY_MS);
      await sleep(delay, this.#stop.signal, this.#wakeUp.signal);
    }
  }

  /** @returns whether there is nothing left to do for now */
  private async tryOnce(): Promise<boolean> {
    const { run, alarms, log } = this.parts;
    try {
      const outcome = await run.perform();
      if (outcome === 'published') {
        await this.reconcile();
        this.#again = true; // an emergency list may be waiting behind it
      }
      if (outcome === 'idle' || outcome === 'published') alarms.clear('runFailed', 'runHeld', 'ownerUnreachable');
      if (outcome !== 'idle') log.info({ outcome }, 'list run');
      return outcome === 'idle' || outcome === 'published' || outcome === 'busy';
    } catch (error) {
      if (!passes(error)) alarms.raise('runFailed', { err: error });
      else if (this.#failures >= PATIENCE) alarms.raise('ownerUnreachable', { err: error });
      return false;
    }
  }

  /** The alarms that come from nothing happening. */
  private watch(): void {
    const { clock, files, issuer, alarms } = this.parts;
    const served = files.served(issuer.skiHex);
    if (!served) return;
    const due = lastMidnight(clock.now());
    const { cut, nextUpdate } = served;
    alarms.set('listOverdue', cut < due && clock.nowMs() - due.getTime() > OVERDUE_MS, { due });
    alarms.set('listStale', nextUpdate.getTime() <= clock.nowMs(), { nextUpdate });
  }
}

/** What waiting alone may mend: the owner is away, its clock is a little behind ours, another process took the run. */
function passes(error: unknown): boolean {
  if (error instanceof CaError) return error.code === 'cutInFuture' || error.code === 'publicationSuperseded';
  return error instanceof PeerUnreachable;
}
