import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { lastMidnight, toWholeSeconds } from '#libs/clock';
import { CaError } from '#libs/errors';

export const RUN_KINDS = ['first', 'scheduled', 'emergency'] as const;
export type RunKind = (typeof RUN_KINDS)[number];
export type RunState = 'due' | 'running' | 'held' | 'published' | 'superseded';

export interface DueRun {
  readonly issuerSki: string;
  /** The moment the list speaks of, whole seconds. */
  readonly cut: Date;
  readonly kind: RunKind;
  readonly state: RunState;
  /** Of an emergency list: what two persons asked for. */
  readonly emergency: string | null;
}

/** Clocks of replicas differ by less. */
const CLOCK_SKEW_MS = 60_000;

/** A try at a due run, known by its number. */
export interface Attempt {
  readonly run: DueRun;
  readonly number: bigint;
}

export interface EndReason {
  readonly problem?: string;
  readonly held?: unknown;
}

export type Outcome = 'published' | 'failed' | 'held' | 'superseded';

/** What became of the run when an attempt ended so. */
const STATE_AFTER = { failed: 'due', held: 'held', superseded: 'superseded', published: 'published' } as const;

/** The lists that are due: a row for each, so that neither a missed tick nor a restart forgets one. */
@Injectable()
export class DueRuns {
  constructor(private readonly source: DataSource) {}

  /**
   * The newest run that is not published yet, made if its time has come: the first list at once, then one for each
   * midnight. Of several midnights missed, the newest one alone.
   *
   * @param logIsEmpty whether the status log has no rows; asked only while the issuer has no list
   */
  async newest(issuerSki: string, now: Date, logIsEmpty: () => Promise<boolean>): Promise<DueRun | undefined> {
    const hasNone = !(await this.last(this.source.manager, issuerSki));
    const isFirst = hasNone && (await logIsEmpty());
    return this.source.transaction(async (tx) => {
      await tx.query('insert into issuer (ski) values ($1) on conflict do nothing', [issuerSki]);
      await lockIssuer(tx, issuerSki);
      await this.withdrawFuture(tx, issuerSki, now);
      const last = await this.last(tx, issuerSki);
      const kind = isFirst && !last ? 'first' : 'scheduled';
      const cut = kind === 'first' ? toWholeSeconds(now) : lastMidnight(now);
      if (last && last.cut >= cut) return isOpen(last) ? last : undefined;
      await tx.query('insert into due_run (issuer_ski, cut, kind) values ($1, $2, $3)', [issuerSki, cut, kind]);
      await tx.query(
        `update due_run set state = 'superseded'
         where issuer_ski = $1 and cut < $2 and state not in ('published', 'superseded')`,
        [issuerSki, cut],
      );
      return { issuerSki, cut, kind, state: 'due', emergency: null };
    });
  }

  /**
   * The run of an emergency list whose marker is written; the cut of its list is later than that of any before. It is
   * superseded at once when a list is published whose marker lies above this one: that list says more.
   *
   * @throws CaError publicationSuperseded when another list is due: that one comes first
   */
  async beginEmergency(issuerSki: string, emergency: string, marker: { cut: Date; seq: number }): Promise<DueRun> {
    return this.source.transaction(async (tx) => {
      await lockIssuer(tx, issuerSki);
      const last = await this.last(tx, issuerSki);
      if (!last || isOpen(last)) throw new CaError('publicationSuperseded', 'another list is due first');
      // only a first list, whose cut is of our clock, can have the second of the marker
      const cut = new Date(Math.max(marker.cut.getTime(), last.cut.getTime() + 1_000));
      const [row] = await tx.query<{ state: 'due' | 'superseded' }[]>(
        `insert into due_run (issuer_ski, cut, kind, emergency, state)
         select $1, $2, 'emergency', $3, case when exists (
           select 1 from published_list where issuer_ski = $1 and marker_seq > $4) then 'superseded' else 'due' end
         returning state`,
        [issuerSki, cut, emergency, marker.seq],
      );
      return { issuerSki, cut, kind: 'emergency', state: row!.state, emergency };
    });
  }

  /**
   * A clock that was far ahead for a moment has left a run that nobody can begin for days, in front of those that come
   * before it. No attempt was made at it: the log's owner has no cut of that midnight.
   */
  private async withdrawFuture(tx: EntityManager, issuerSki: string, now: Date): Promise<void> {
    const withdrawn = await returning(
      tx,
      `delete from due_run r where issuer_ski = $1 and kind = 'scheduled' and state = 'due' and cut > $2
         and not exists (select 1 from attempt a where a.issuer_ski = r.issuer_ski and a.cut = r.cut) returning cut`,
      [issuerSki, new Date(now.getTime() + CLOCK_SKEW_MS)],
    );
    if (withdrawn.length === 0) return;
    await tx.query(
      `update due_run set state = 'due' where issuer_ski = $1 and kind = 'scheduled' and state = 'superseded'
         and cut = (select max(cut) from due_run where issuer_ski = $1)`,
      [issuerSki],
    );
  }

  /** The latest run of an issuer, in whatever state. */
  async last(tx: EntityManager, issuerSki: string): Promise<DueRun | undefined> {
    const [row] = await tx.query<Omit<DueRun, 'issuerSki'>[]>(
      'select cut, kind, state, emergency from due_run where issuer_ski = $1 order by cut desc limit 1',
      [issuerSki],
    );
    return row && { issuerSki, ...row };
  }

  /**
   * Draws the run's number. It is above every number ever drawn here and above `floor`, and it is used up, whatever
   * becomes of the attempt. An earlier attempt that may still be at work somewhere is overtaken by this one.
   *
   * @param floor the highest number known from elsewhere: files outlive a database that was restored
   * @throws CaError publicationSuperseded when a newer run exists
   */
  async start(run: DueRun, floor: bigint, now: Date): Promise<Attempt> {
    return this.source.transaction(async (tx) => {
      await lockIssuer(tx, run.issuerSki);
      const last = await this.last(tx, run.issuerSki);
      if (last?.cut.getTime() !== run.cut.getTime() || !isOpen(last)) throw overtaken(run, 'is due no more');
      const [drawn] = await returning<{ last_number: string }>(
        tx,
        'update issuer set last_number = greatest(last_number, $2::numeric) + 1 where ski = $1 returning last_number',
        [run.issuerSki, floor.toString()],
      );
      const { last_number: number } = drawn!;
      await tx.query(`update attempt set outcome = 'abandoned' where issuer_ski = $1 and outcome = 'running'`, [
        run.issuerSki,
      ]);
      await tx.query('insert into attempt (issuer_ski, number, cut, started_at) values ($1, $2, $3, $4)', [
        run.issuerSki,
        number,
        run.cut,
        now,
      ]);
      await tx.query(`update due_run set state = 'running', number = $3 where issuer_ski = $1 and cut = $2`, [
        run.issuerSki,
        run.cut,
        number,
      ]);
      return { run, number: BigInt(number) };
    });
  }

  /**
   * That this attempt may publish, to be asked in the publishing transaction: the issuer's row stays locked to its end.
   *
   * @throws CaError publicationSuperseded | crlNumberRegression
   */
  async fence(tx: EntityManager, { run, number }: Attempt): Promise<void> {
    await lockIssuer(tx, run.issuerSki);
    const [row] = await tx.query<{ number: string; state: RunState; highest: string | null }[]>(
      `select number, state, (select max(number) from published_list p where p.issuer_ski = r.issuer_ski) as highest
       from due_run r where issuer_ski = $1 and cut = $2`,
      [run.issuerSki, run.cut],
    );
    if (row?.state !== 'running' || BigInt(row.number) !== number) throw overtaken(run, 'was taken over');
    if (row.highest !== null && BigInt(row.highest) >= number) {
      throw new CaError('crlNumberRegression', `list ${row.highest} is published, this one would be ${number}`);
    }
  }

  /**
   * Notes how an attempt ended. The run itself changes only while it is still this attempt's.
   *
   * @param why `held`: what those who decide about a held list are told
   */
  async end(tx: EntityManager, { run, number }: Attempt, outcome: Outcome, why: EndReason = {}): Promise<void> {
    await tx.query('update attempt set outcome = $3, problem = $4, held = $5 where issuer_ski = $1 and number = $2', [
      run.issuerSki,
      number.toString(),
      outcome,
      why.problem?.slice(0, 1_000) ?? null,
      why.held === undefined ? null : JSON.stringify(why.held),
    ]);
    await tx.query(
      `update due_run set state = $4 where issuer_ski = $1 and cut = $2 and number = $3 and state = 'running'`,
      [run.issuerSki, run.cut, number.toString(), STATE_AFTER[outcome]],
    );
  }
}

export const isOpen = ({ state }: DueRun): boolean => state !== 'published' && state !== 'superseded';

async function lockIssuer(tx: EntityManager, ski: string): Promise<void> {
  await tx.query('select 1 from issuer where ski = $1 for update', [ski]);
}

const overtaken = (run: DueRun, why: string) =>
  new CaError('publicationSuperseded', `the list of ${run.cut.toISOString()} ${why}`);

/** TypeORM answers an UPDATE with its rows and their count. */
async function returning<T>(tx: EntityManager, sql: string, values: unknown[]): Promise<T[]> {
  const [rows] = await tx.query<[T[], number]>(sql, values);
  return rows;
}
