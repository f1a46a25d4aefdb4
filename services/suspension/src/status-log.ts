import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { lastMidnight, toWholeSeconds } from '#libs/clock';
import { prepared, writeAtOnce, type Write } from '#libs/database';
import { CaError } from '#libs/errors';
import { newEvent, type CardRow, type CutRow, type EventType, type KaikaEvent, type StatusRow } from '#libs/events';
import { Outbox } from '#libs/messaging';
import { cardRow, cutRow, type CardChange, type Head, type Lists } from './status-rows.js';
import { utcSeconds } from './utc.js';

const EVENT_OF = {
  accepted: 'certificate.accepted',
  suspended: 'certificate.suspended',
  resumed: 'certificate.resumed',
  revoked: 'certificate.revoked',
  cut: 'status.cut',
} as const satisfies Record<StatusRow['kind'], EventType>;

/** The head while this transaction holds the log's lock, and the time of what it appends. */
interface Locked {
  readonly head: Head;
  readonly at: Date;
}

/**
 * The status log (DESIGN.md §4): append only, gap-free, chained, one event a row. Rows below a midnight's marker have
 * times before it, rows above it do not; rows below an emergency's marker are not later than that.
 */
@Injectable()
export class StatusLog {
  constructor(
    private readonly source: DataSource,
    private readonly outbox: Outbox,
  ) {}

  /**
   * Appends one change, after the marker of a cut that is due. The caller has locked the card's row: always card before
   * log, and both before the outbox, so that ids of one card are in commit order. All writers wait for the log's lock: what
   * else the change writes goes with it, in one statement.
   *
   * @param decide gives the change at the log's time, or throws
   * @param also what is written with the row
   */
  async append(
    tx: EntityManager,
    decide: (at: Date) => CardChange,
    also: (row: CardRow, change: CardChange) => Write[],
  ): Promise<CardChange> {
    const { head, at } = await lock(tx);
    const change = decide(at);
    const due = dueCut(head, at);
    const marker = due && cutRow(head, due, at);
    const step = cardRow(marker?.head ?? head, change, at);
    const rows = marker ? [marker.row, step.row] : [step.row];
    await writeAtOnce(tx, [...this.writes(tx, rows, step.head, at), ...also(step.row, change)]);
    return change;
  }

  /**
   * The marker of a cut; writes it if nobody has. Only the newest Taipei midnight can still be cut: changes after it
   * are in the log above its marker already.
   *
   * @throws CaError invalidRequest | cutInFuture | cutPassed
   */
  async cut(cut: Date): Promise<CutRow> {
    if (lastMidnight(cut).getTime() !== cut.getTime()) {
      throw new CaError('invalidRequest', 'a cut is a midnight in Taipei', {
        errors: [{ at: 'path:cut', problem: 'is no midnight in Taipei' }],
      });
    }
    return (await markerOf(this.source.manager, cut)) ?? this.source.transaction((tx) => this.mark(tx, cut));
  }

  /**
   * The marker of an emergency list: everything up to this moment is below it. Its cut is the second it is written in;
   * the coming midnight has its own marker all the same. Idempotent by `id`.
   *
   * @throws CaError cutInFuture when this second has a cut already: the next one is free
   */
  async emergencyCut(id: string): Promise<CutRow> {
    return (await emergencyMarkerOf(this.source.manager, id)) ?? this.source.transaction((tx) => this.markNow(tx, id));
  }

  /** Writes the marker of the newest midnight if it is due. An empty log has nothing to cut. */
  async cutIfDue(): Promise<CutRow | undefined> {
    const [state] = (await this.source.query('select seq, last_cut, log_now() as now from log_head')) as [
      { seq: string; last_cut: Date | null; now: Date },
    ];
    if (Number(state.seq) === 0 || !dueCut({ lastCut: state.last_cut }, state.now)) return undefined;
    // That was a look without the lock; under it another midnight may be due, or none any more.
    return this.source.transaction(async (tx) => {
      const locked = await lock(tx);
      const due = dueCut(locked.head, locked.at);
      return due && this.writeCut(tx, locked, due);
    });
  }

  /** Rows above `after`, in order and without holes: seq is drawn under a lock that is held to the commit. */
  async read(after: number, limit: number): Promise<{ epoch: string; rows: StatusRow[] }> {
    const rows = (await this.source.query('select row from status_log where seq > $1 order by seq limit $2', [
      after,
      limit,
    ])) as { row: string }[];
    const [head] = (await this.source.query('select epoch from log_head')) as [{ epoch: string }];
    return { epoch: head.epoch, rows: rows.map(({ row }) => JSON.parse(row) as StatusRow) };
  }

  private async mark(tx: EntityManager, cut: Date): Promise<CutRow> {
    const locked = await lock(tx);
    const { head, at } = locked;
    if (cut > at) throw new CaError('cutInFuture', `the log is at ${at.toISOString()}`, { logTime: at.toISOString() });
    const due = dueCut(head, at);
    if (due?.getTime() === cut.getTime()) return this.writeCut(tx, locked, cut);
    const marker = await markerOf(tx, cut); // another writer was quicker
    if (marker) return marker;
    const newest = utcSeconds(due ?? head.lastCut!);
    throw new CaError('cutPassed', `the newest cut is ${newest}`, { newest });
  }

  private async markNow(tx: EntityManager, id: string): Promise<CutRow> {
    const { head, at } = await lock(tx);
    const marker = await emergencyMarkerOf(tx, id); // another writer was quicker
    if (marker) return marker;
    const due = dueCut(head, at);
    const midnight = due && cutRow(head, due, at);
    const before = midnight?.head ?? head;
    const cut = toWholeSeconds(at); // a list may not speak of a moment that is still to come
    if (before.lastCut && cut <= before.lastCut) {
      throw new CaError('cutInFuture', `${utcSeconds(cut)} has a cut already`, { logTime: at.toISOString() });
    }
    const step = cutRow(before, cut, at, id);
    await writeAtOnce(tx, this.writes(tx, midnight ? [midnight.row, step.row] : [step.row], step.head, at));
    return step.row;
  }

  private async writeCut(tx: EntityManager, { head, at }: Locked, cut: Date): Promise<CutRow> {
    const { row, head: next } = cutRow(head, cut, at);
    await writeAtOnce(tx, this.writes(tx, [row], next, at));
    return row;
  }

  private writes(tx: EntityManager, rows: StatusRow[], head: Head, at: Date): Write[] {
    return [
      {
        sql: `insert into status_log (seq, epoch, prev_hash, hash, at, card_number, cut, emergency, row)
              select (r->>'seq')::bigint, (r->>'epoch')::uuid, r->>'prevHash', r->>'hash', (r->>'at')::timestamptz,
                     r->>'cardNumber', (r->>'cut')::timestamptz, (r->>'emergency')::uuid, text
              from unnest($1::text[]) as text, lateral (select text::jsonb) as parsed(r)`,
        values: [rows.map((row) => JSON.stringify(row))],
      },
      {
        sql: 'update log_head set seq = $1, hash = $2, at = $3, last_cut = $4, lists = $5',
        values: [head.seq, head.hash, at, head.lastCut, JSON.stringify(head.lists)],
      },
      ...this.outbox.write(tx, rows.map((row) => eventOf(row, at))), // prettier-ignore
    ];
  }
}

const LOCK = prepared('select epoch, seq, hash, last_cut, lists, at from lock_log()');

/** Takes the log's lock, then the time: never of before the wait for the lock, nor of before the row that is there. */
async function lock(tx: EntityManager): Promise<Locked> {
  const [row] = (await tx.query(LOCK)) as [
    { epoch: string; seq: string; hash: string; last_cut: Date | null; lists: Lists; at: Date },
  ];
  const { epoch, seq, hash, last_cut: lastCut, lists, at } = row;
  return { head: { epoch, seq: Number(seq), hash, lastCut, lists }, at };
}

/** The newest Taipei midnight, unless it has its marker. */
function dueCut({ lastCut }: Pick<Head, 'lastCut'>, at: Date): Date | undefined {
  const midnight = lastMidnight(at);
  return lastCut && lastCut >= midnight ? undefined : midnight;
}

async function markerOf(tx: EntityManager, cut: Date): Promise<CutRow | undefined> {
  const [found] = (await tx.query('select row from status_log where cut = $1', [cut])) as { row: string }[];
  return found && (JSON.parse(found.row) as CutRow);
}

async function emergencyMarkerOf(tx: EntityManager, id: string): Promise<CutRow | undefined> {
  const [found] = (await tx.query('select row from status_log where emergency = $1', [id])) as { row: string }[];
  return found && (JSON.parse(found.row) as CutRow);
}

function eventOf(row: StatusRow, now: Date): KaikaEvent {
  const subject = row.kind === 'cut' ? row.cut : row.cardNumber;
  return newEvent(EVENT_OF[row.kind], subject, row, { source: 'suspension', now });
}
