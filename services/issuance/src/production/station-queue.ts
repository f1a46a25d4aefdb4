import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import type { Queued } from './queue.schema.js';
import { Stations } from './station.js';

/** How long a station may keep a card it has taken; then it is the next one's. */
const TAKEN_MS = 30 * 60_000;

interface Row extends Omit<Queued, 'assignedAt' | 'takenUntil' | 'position'> {
  assignedAt: Date;
  takenUntil: Date | null;
  position: string;
}

/** Cards that wait to be made, in the order in which they were assigned. A station takes one at a time. */
@Injectable()
export class StationQueue {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly stations: Stations,
  ) {}

  async list(limit: number): Promise<{ items: Queued[]; stations: string[] }> {
    return { items: await this.read(this.source.manager, limit), stations: this.stations.names };
  }

  /**
   * The next card that no other station has. Asked again it is the same one, for longer.
   *
   * @returns null when none waits
   * @throws CaError notFound (no such station)
   */
  async take(station: string): Promise<Queued | null> {
    const { name } = this.stations.named(station);
    return this.source.transaction(async (tx) => {
      await lockStation(tx, name);
      const now = this.clock.now();
      await tx.query('update card set taken_by = null, taken_until = null where taken_by = $1 and taken_until <= $2', [
        name,
        now,
      ]);
      const [taken] = await tx.query<[{ card_number: string }[], number]>(
        `update card set taken_by = $1, taken_until = $2
         where card_number = coalesce(
           (select card_number from card where taken_by = $1 and state = 'assigned'),
           (select card_number from card
            where state = 'assigned' and (taken_until is null or taken_until <= $3)
            order by assigned_at, card_number limit 1 for update skip locked))
         returning card_number`,
        [name, new Date(now.getTime() + TAKEN_MS), now],
      );
      const cardNumber = taken[0]?.card_number;
      return cardNumber === undefined ? null : (await this.read(tx, 1, cardNumber))[0]!;
    });
  }

  /** Gives back what the station has, to whoever asks next. Repeated: nothing. @throws CaError notFound */
  async giveBack(station: string): Promise<void> {
    await this.source.query('update card set taken_by = null, taken_until = null where taken_by = $1', [
      this.stations.named(station).name,
    ]);
  }

  /** @throws CaError conflict when another station has this card */
  async mustBeFree(cardNumber: string, station?: string): Promise<void> {
    const [other] = await this.source.query<{ taken_by: string }[]>(
      'select taken_by from card where card_number = $1 and taken_until > $2 and taken_by is distinct from $3',
      [cardNumber, this.clock.now(), station ?? null],
    );
    if (other) throw new CaError('conflict', `station ${other.taken_by} has this card`, { takenBy: other.taken_by });
  }

  private async read(tx: EntityManager, limit: number, cardNumber?: string): Promise<Queued[]> {
    const rows = await tx.query<Row[]>(
      `select * from (
         select row_number() over (order by k.assigned_at, k.card_number) as position,
                k.card_number as "cardNumber", k.case_number as "caseNumber", a.name, a.branch, k.batch,
                k.assigned_at as "assignedAt",
                case when k.taken_until > $2 then k.taken_by end as "takenBy",
                case when k.taken_until > $2 then k.taken_until end as "takenUntil"
         from card k join application a using (case_number) where k.state = 'assigned') as queue
       where $3::text is null or "cardNumber" = $3 order by position limit $1`,
      [limit, this.clock.now(), cardNumber ?? null],
    );
    return rows.map((row) => ({
      ...row,
      position: Number(row.position),
      assignedAt: row.assignedAt.toISOString(),
      takenUntil: row.takenUntil?.toISOString() ?? null,
    }));
  }
}

/** One after the other for each station: it never has two. */
async function lockStation(tx: EntityManager, station: string): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('kaika.issuance.station.' || $1, 0))`, [station]);
}
