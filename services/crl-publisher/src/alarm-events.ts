import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import type { Logger } from 'pino';
import { DataSource, type EntityManager } from 'typeorm';
import { Clock } from '#libs/clock';
import { newEvent } from '#libs/events';
import { LOG } from '#libs/host';
import { Outbox } from '#libs/messaging';
import { Alarms, ALARMS, type Alarm, type AlarmListener } from './alarms.js';

type Turn = 'alarm.raised' | 'alarm.cleared';

const SERVICE = 'crl-publisher';

/** Of one replica's files and clock: that all is well with another replica does not clear them. */
const OF_ONE_REPLICA: ReadonlySet<Alarm> = new Set<Alarm>([
  'listOverdue',
  'listStale',
  'fileRepaired',
  'databaseBehind',
  'reconcileFailed',
  'schedulerMissing',
  'jobQueueUnreachable',
  'rootListEnding',
]);

export interface OpenAlarm {
  readonly alarm: Alarm;
  readonly since: Date;
}

/**
 * Events `alarm.raised` and `alarm.cleared`, one for each time an alarm opens and closes, however often it is raised
 * meanwhile and by however many replicas. Which are open is in the database, so that a restart raises nothing anew and
 * clears what has passed. What cannot be written is tried again with the next alarm that is raised or found passed.
 */
@Injectable()
export class AlarmEvents implements AlarmListener, BeforeApplicationShutdown {
  readonly #wanted = new Map<Alarm, Turn>();
  /** Alarms of this replica that it has closed and not raised since. */
  readonly #closed = new Set<Alarm>();
  #writing: Promise<void> | undefined;

  constructor(
    private readonly source: DataSource,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
    alarms: Alarms,
    @Inject(LOG) private readonly log: Logger,
  ) {
    alarms.listen(this);
  }

  raised(alarm: Alarm): void {
    this.#closed.delete(alarm);
    this.#want(alarm, 'alarm.raised');
  }

  cleared(alarm: Alarm): void {
    if (!this.#closed.has(alarm)) this.#want(alarm, 'alarm.cleared');
  }

  /** The latest first. */
  async open(): Promise<OpenAlarm[]> {
    return this.source.query<OpenAlarm[]>(
      'select alarm, raised_at as since from open_alarm order by raised_at desc, alarm',
    );
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#writing;
  }

  #want(alarm: Alarm, type: Turn): void {
    this.#wanted.set(alarm, type);
    this.#writing ??= this.#write();
  }

  /** Writes what is wanted, also what comes to be meanwhile. */
  async #write(): Promise<void> {
    try {
      for (let next; (next = this.#wanted.entries().next().value);) {
        const [alarm, type] = next;
        await this.#turn(alarm, type);
        if (this.#wanted.get(alarm) !== type) continue; // it turned meanwhile
        this.#wanted.delete(alarm);
        if (type === 'alarm.cleared' && OF_ONE_REPLICA.has(alarm)) this.#closed.add(alarm);
      }
    } catch (error) {
      this.log.warn({ err: error as unknown }, 'the event of an alarm cannot be written yet');
    } finally {
      this.#writing = undefined;
    }
  }

  /** The alarm's row is locked before its event gets a number in the outbox: so raised and cleared take turns. */
  async #turn(alarm: Alarm, type: Turn): Promise<void> {
    const now = this.clock.now();
    const data = { alarm, service: SERVICE, detail: ALARMS[alarm], at: now.toISOString() };
    await this.source.transaction(async (tx) => {
      const turned = type === 'alarm.raised' ? await opens(tx, alarm, now) : await closes(tx, alarm);
      if (turned) await this.outbox.add(tx, newEvent(type, alarm, data, { source: SERVICE, now }));
    });
  }
}

async function opens(tx: EntityManager, alarm: Alarm, at: Date): Promise<boolean> {
  const rows = await tx.query<unknown[]>(
    'insert into open_alarm (alarm, raised_at) values ($1, $2) on conflict do nothing returning alarm',
    [alarm, at],
  );
  return rows.length > 0;
}

async function closes(tx: EntityManager, alarm: Alarm): Promise<boolean> {
  const [, count] = await tx.query<[unknown[], number]>('delete from open_alarm where alarm = $1', [alarm]);
  return count > 0;
}
