import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type EventData, EVENTS } from '#libs/events';
import type { Delivery } from '#libs/messaging';

export type Watermark = EventData<'status.watermark'>;

/** Counts: every row up to it is applied. An empty log has no epoch that could be compared. */
const COUNTS = `(w.epoch = feed_state.epoch or (feed_state.epoch is null and w.seq = 0)) and w.seq <= feed_state.seq`;

/**
 * Up to what time every status is known: of the marks that suspension sends each second, the newest whose rows are all
 * applied. A mark of another epoch than that of the last applied row never counts: what it speaks of may be other rows.
 */
@Injectable()
export class Watermarks {
  constructor(private readonly source: DataSource) {}

  /** What a record says, if it is a watermark. Such records need no inbox: each says all that those before it said. */
  static in({ value }: Delivery): Watermark | undefined {
    try {
      const { type, data } = JSON.parse(value) as { type?: unknown; data?: unknown };
      return type === 'status.watermark' ? EVENTS[type].data.safeParse(data).data : undefined;
    } catch {
      return undefined;
    }
  }

  /** In any order, as often as it comes. Those that can't be the newest any more are forgotten. */
  async note({ epoch, seq, time }: Watermark): Promise<void> {
    await this.source.query(
      `insert into status_watermark as w (epoch, seq, time) values ($1, $2, $3)
       on conflict (epoch, seq) do update set time = greatest(w.time, excluded.time)`,
      [epoch, seq, time],
    );
    await this.source.query(
      `delete from status_watermark as w using feed_state
       where w.seq < (select max(w.seq) from status_watermark as w where ${COUNTS})`,
    );
  }

  /** Undefined before the first that counts. */
  async applied(): Promise<Date | undefined> {
    const [row] = await this.source.query<{ time: Date | null }[]>(
      `select max(w.time) as time from feed_state left join status_watermark as w on ${COUNTS}`,
    );
    return row?.time ?? undefined;
  }
}
