import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOG } from '#libs/host';

/** What somebody has to look at. The list served before stays up meanwhile. */
export const ALARMS = {
  ownerUnreachable: 'the status log cannot be read up to the cut',
  statusLogBroken: 'rows of the status log do not fit together',
  runFailed: 'a list could not be made; it is tried again',
  runHeld: 'a list is held back: it differs from what the log says',
  unexplainedAddition: 'a list has entries the log does not explain; it was published all the same',
  listOverdue: 'the list of the last midnight is not published yet',
  listStale: 'the list served is past its nextUpdate: relying parties refuse everything',
  fileRepaired: 'a published file was missing or altered and was written anew from the database',
  databaseBehind: 'the list served is newer than any in the database: was the database restored?',
  reconcileFailed: 'the newest published list could not be put in place',
  schedulerMissing: 'the midnight job was missing or altered and was set up anew',
} as const;
export type Alarm = keyof typeof ALARMS;

/** Each alarm is one log line and a count since the start of the process. */
@Injectable()
export class Alarms {
  readonly counts = new Map<Alarm, number>();

  constructor(@Inject(LOG) private readonly log: Logger) {}

  raise(alarm: Alarm, about: Record<string, unknown> = {}): void {
    this.counts.set(alarm, (this.counts.get(alarm) ?? 0) + 1);
    this.log.error({ alarm, ...about }, ALARMS[alarm]);
  }
}
