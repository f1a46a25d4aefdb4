import type { Client } from 'pg';
import type { EventSink, LogMark } from './bus-record.js';

/**
 * By when an event was made. The outbox keeps it 14 days from when it was *sent*, and a bus may have been away before;
 * consumers remember 45 days what had its effect.
 */
const SEND_AGAIN_DAYS = 30;

/**
 * What a relay knows of the bus: its last record in each partition, stored with the statement that marks it as sent. By
 * it a bus is told that has forgotten events: those it had acknowledged are sent again.
 */
export class BusMemory {
  readonly #marks = new Map<string, LogMark>();

  constructor(private readonly sink: EventSink) {}

  async load(client: Client): Promise<void> {
    const { rows } = await client.query<{
      topic: string;
      partition: number;
      last_offset: string;
      stored_at_ms: string;
    }>('select topic, partition, last_offset, stored_at_ms from bus_mark');
    this.#marks.clear();
    this.note(
      rows.map(({ topic, partition, last_offset, stored_at_ms }) => ({
        ...{ topic, partition, offset: BigInt(last_offset), storedAtMs: Number(stored_at_ms) },
      })),
    );
  }

  note(marks: readonly LogMark[]): void {
    for (const mark of marks) this.#marks.set(`${mark.topic}/${mark.partition}`, mark);
  }

  /** Topics, of these or of all, whose log is no more. */
  async goneTopics(topics?: ReadonlySet<string>): Promise<string[]> {
    if (!this.sink.gone) return [];
    const marks = [...this.#marks.values()].filter(({ topic }) => topics?.has(topic) ?? true);
    if (marks.length === 0) return [];
    // All of a topic were looked at before the latest was sent: one question, with its time, asks after all.
    const latest = new Map<string, number>();
    for (const { topic, storedAtMs } of marks) latest.set(topic, Math.max(storedAtMs, latest.get(topic) ?? -1));
    const asked = marks.map((mark) => (mark.storedAtMs < 0 ? mark : { ...mark, storedAtMs: latest.get(mark.topic)! }));
    return [...new Set((await this.sink.gone(asked)).map(({ topic }) => topic))];
  }

  /** Topics of which something was now stored where something else was before. */
  contradicted(marks: readonly LogMark[]): string[] {
    const again = marks.filter(({ topic, partition, offset }) => {
      const before = this.#marks.get(`${topic}/${partition}`);
      return before !== undefined && offset <= before.offset;
    });
    return [...new Set(again.map(({ topic }) => topic))];
  }

  /** All that was sent to these topics is to be sent again, in its order. @returns how many events */
  async forget(client: Client, topics: string[], lock: { sql: string; name: string }): Promise<number> {
    const { rowCount } = await client.query(
      `with forgotten as (delete from bus_mark where topic = any($2) and ${lock.sql})
       update outbox set dispatched_at = null
       where topic = any($2) and dispatched_at is not null and ${lock.sql}
         and created_at > clock_timestamp() - interval '${SEND_AGAIN_DAYS} days'`,
      [lock.name, topics],
    );
    for (const [name, { topic }] of this.#marks) if (topics.includes(topic)) this.#marks.delete(name);
    return rowCount ?? 0;
  }
}
