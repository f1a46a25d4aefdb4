import { EventEmitter } from 'node:events';
import { Pool } from 'pg';
import { TOPICS, WATERMARK_KEY } from '#libs/events';
import type { BusRecord, EventSink } from './bus-record.js';
import { PARTITIONS, partitionOf } from './partitions.js';

const KEEP_DAYS = 14;
/** Watermarks come each second, and only the newest says anything. */
const KEEP_WATERMARKS_MINUTES = 60;

export interface LogRecord extends BusRecord {
  partition: number;
  offset: bigint;
}

/** Tells the other services of this process that a topic has grown; those of other processes poll. */
export const appended = new EventEmitter<{ topic: [string] }>().setMaxListeners(0);

/** Topics as tables of schema `bus`: partitions with gap-free offsets, and one position a group and partition. */
export class EmbeddedLog implements EventSink {
  readonly #pool: Pool;
  readonly #known = new Set<string>();

  constructor(busUrl: string) {
    this.#pool = new Pool({ connectionString: busUrl, max: 3, connectionTimeoutMillis: 5_000, keepAlive: true });
    this.#pool.on('error', () => {}); // an idle connection broke; the next query opens another
  }

  async send(records: BusRecord[]): Promise<void> {
    const topics = [...new Set(records.map((r) => r.topic))];
    await this.createTopics(topics);
    const placed = records.map((r) => ({ ...r, partition: partitionOf(r.key) }));
    const client = await this.#pool.connect();
    const ignore = () => {}; // the pool doesn't listen while we have it; the query under way rejects, that is enough
    client.on('error', ignore);
    let broken: Error | undefined;
    try {
      await client.query('begin');
      // In one order, so that two relays never wait for each other in a circle.
      const { rows } = await client.query<{ topic: string; partition: number; next_offset: string }>(
        `select topic, partition, next_offset from topic_partition
         where (topic, partition) in (select * from unnest($1::text[], $2::int[]))
         order by topic, partition for update`,
        [placed.map((r) => r.topic), placed.map((r) => r.partition)],
      );
      const next = new Map(rows.map((row) => [`${row.topic}/${row.partition}`, BigInt(row.next_offset)]));
      const offsets = placed.map((r) => {
        const offset = next.get(`${r.topic}/${r.partition}`)!;
        next.set(`${r.topic}/${r.partition}`, offset + 1n);
        return offset;
      });
      await client.query(
        `insert into record (topic, partition, "offset", key, id, value)
         select * from unnest($1::text[], $2::int[], $3::bigint[], $4::text[], $5::text[], $6::text[])`,
        [
          placed.map((r) => r.topic),
          placed.map((r) => r.partition),
          offsets,
          placed.map((r) => r.key),
          placed.map((r) => r.id),
          placed.map((r) => r.value),
        ],
      );
      await client.query(
        `update topic_partition t set next_offset = n.next_offset
         from unnest($1::text[], $2::int[], $3::bigint[]) as n(topic, partition, next_offset)
         where t.topic = n.topic and t.partition = n.partition`,
        [
          rows.map((row) => row.topic),
          rows.map((row) => row.partition),
          rows.map((row) => next.get(`${row.topic}/${row.partition}`)),
        ],
      );
      await client.query('commit');
    } catch (error) {
      broken = error as Error;
      throw new Error('appending to the embedded log', { cause: error });
    } finally {
      client.off('error', ignore);
      client.release(broken); // a connection with an open transaction is closed, which rolls it back
    }
    for (const topic of topics) appended.emit('topic', topic);
  }

  async createTopics(topics: string[]): Promise<void> {
    const missing = topics.filter((topic) => !this.#known.has(topic));
    if (missing.length === 0) return;
    await this.#pool.query(
      `insert into topic_partition (topic, partition)
       select topic, partition from unnest($1::text[]) as topic, generate_series(0, $2::int - 1) as partition
       order by topic, partition on conflict do nothing`,
      [missing, PARTITIONS],
    );
    for (const topic of missing) this.#known.add(topic);
  }

  /** The offset after the last record, by `topic/partition`. */
  async ends(topics: string[]): Promise<Map<string, bigint>> {
    const { rows } = await this.#pool.query<{ topic: string; partition: number; next_offset: string }>(
      'select topic, partition, next_offset from topic_partition where topic = any($1)',
      [topics],
    );
    return new Map(rows.map((row) => [`${row.topic}/${row.partition}`, BigInt(row.next_offset)]));
  }

  async read(topic: string, partition: number, from: bigint, limit: number): Promise<LogRecord[]> {
    const { rows } = await this.#pool.query<{ offset: string; key: string; id: string; value: string }>(
      `select "offset", key, id, value from record
       where topic = $1 and partition = $2 and "offset" >= $3 order by "offset" limit $4`,
      [topic, partition, from, limit],
    );
    return rows.map((row) => ({ ...row, topic, partition, offset: BigInt(row.offset) }));
  }

  /**
   * Removes records that every group has read: watermarks after an hour, all others after 14 days. One that a group has
   * still to read stays, however old.
   *
   * @param batch records a statement
   */
  async prune(batch = 5_000): Promise<number> {
    const { rows } = await this.#pool.query<{ topic: string; partition: number; read: string }>(
      `select topic, partition, coalesce(min(g.next_offset), t.next_offset) as read
       from topic_partition t left join group_offset g using (topic, partition)
       group by topic, partition order by topic, partition`,
    );
    let gone = 0;
    for (const { topic, partition, read } of rows) {
      if (topic === TOPICS.status && partition === partitionOf(WATERMARK_KEY))
        gone += await this.#dropWatermarks(read, batch);
      for (let more = true; more;) {
        // By offset, which is by time: the first batch that isn't all old is the last.
        const { rowCount } = await this.#pool.query(
          `delete from record where topic = $1 and partition = $2 and "offset" in (
             select "offset" from record where topic = $1 and partition = $2 and "offset" < $3 order by "offset" limit $4)
           and stored_at < clock_timestamp() - $5::int * interval '1 day'`,
          [topic, partition, read, batch, KEEP_DAYS],
        );
        gone += rowCount ?? 0;
        more = rowCount === batch;
      }
    }
    return gone;
  }

  /** Others of the partition stay: their offsets are those they had, and a reader goes over the gaps. */
  async #dropWatermarks(read: string, batch: number): Promise<number> {
    for (let gone = 0; ;) {
      const { rowCount } = await this.#pool.query(
        `delete from record where topic = $1 and partition = $2 and "offset" in (
           select "offset" from record where topic = $1 and partition = $2 and "offset" < $3 and key = $4
             and stored_at < clock_timestamp() - $5::int * interval '1 minute' order by "offset" limit $6)`,
        [TOPICS.status, partitionOf(WATERMARK_KEY), read, WATERMARK_KEY, KEEP_WATERMARKS_MINUTES, batch],
      );
      gone += rowCount ?? 0;
      if (rowCount !== batch) return gone;
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
