import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { Clock } from '#libs/clock';
import { LOG } from '#libs/host';
import { counter } from '#libs/metrics';

/** What somebody has to look at. The list served before stays up meanwhile. */
export const ALARMS = {
  ownerUnreachable: 'the status log cannot be read up to the cut',
  statusLogBroken: 'rows of the status log do not fit together',
  runFailed: 'a list could not be made; it is tried again',
  runHeld: 'a list is held back: it differs from what the log says',
  listDegraded: 'a list was published with all entries of the one before: the log does not explain what differs',
  listReleased: 'a list that was held back was published: two persons released it',
  unexplainedAddition: 'a list has entries the log does not explain; it was published all the same',
  listOverdue: 'the list of the last midnight is not published yet',
  listStale: 'the list served is past its nextUpdate: relying parties refuse everything',
  rootListEnding: 'the root’s list ends within 60 days: sign the next one (the embedded default does at its start)',
  fileRepaired: 'a published file was missing or altered and was written anew from the database',
  databaseBehind: 'the list served is newer than any in the database: was the database restored?',
  reconcileFailed: 'the newest published list could not be put in place',
  schedulerMissing: 'the midnight job was missing or altered and was set up anew',
  jobQueueUnreachable: 'the job queue cannot be reached; lists come by the timer of each minute meanwhile',
} as const;
export type Alarm = keyof typeof ALARMS;

/** Cost nothing by themselves: no list is late or wrong for them. */
const WARNINGS: ReadonlySet<Alarm> = new Set<Alarm>(['schedulerMissing', 'jobQueueUnreachable']);

export interface RaisedAlarm {
  readonly alarm: Alarm;
  /** Since the start of the process. */
  readonly count: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

/** Who is told that an alarm was raised, each time, and that its ground is found to be gone, each time. */
export interface AlarmListener {
  raised(alarm: Alarm): void;
  cleared(alarm: Alarm): void;
}

/**
 * Each alarm is a log line, a figure (`kaika_crl_alarms_total`) and a line in `GET /api/v1/alarms`. Whoever raises an alarm
 * clears it when its ground is gone.
 */
@Injectable()
export class Alarms {
  readonly counts = new Map<Alarm, number>();
  readonly #raised = new Map<Alarm, { firstAt: Date; lastAt: Date }>();
  #listener: AlarmListener | undefined;
  readonly #total = counter('kaika_crl_alarms_total', 'Alarms of the crl-publisher, by kind', ['alarm']);

  constructor(
    @Inject(LOG) private readonly log: Logger,
    private readonly clock: Clock,
  ) {}

  raise(alarm: Alarm, about: Record<string, unknown> = {}): void {
    const now = this.clock.now();
    this.counts.set(alarm, (this.counts.get(alarm) ?? 0) + 1);
    this.#raised.set(alarm, { firstAt: this.#raised.get(alarm)?.firstAt ?? now, lastAt: now });
    this.#total.inc({ alarm });
    this.log[WARNINGS.has(alarm) ? 'warn' : 'error']({ alarm, ...about }, ALARMS[alarm]);
    this.#listener?.raised(alarm);
  }

  clear(...alarms: Alarm[]): void {
    for (const alarm of alarms) this.#listener?.cleared(alarm);
  }

  /** Raises the alarm while its ground holds, else clears it. */
  set(alarm: Alarm, holds: boolean, about: Record<string, unknown> = {}): void {
    if (holds) this.raise(alarm, about);
    else this.clear(alarm);
  }

  listen(listener: AlarmListener): void {
    this.#listener = listener;
  }

  /** The latest first. */
  raised(): RaisedAlarm[] {
    return [...this.#raised]
      .map(([alarm, times]) => ({ alarm, count: this.counts.get(alarm)!, ...times }))
      .sort((a, b) => b.lastAt.getTime() - a.lastAt.getTime());
  }
}
