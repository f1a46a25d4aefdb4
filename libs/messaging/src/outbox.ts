import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { afterCommit, writeAtOnce, type Write } from '#libs/database';
import { type KaikaEvent, topicOf } from '#libs/events';
import { currentTrace } from '#libs/trace';
import { MAX_EVENT_BYTES } from './bus-record.js';

/**
 * Events that leave with the transaction that caused them. The transaction locks its card's row *before* it adds: so
 * the ids of one key are in commit order, and the relay, which goes by id, never reorders a key. Events belong to the trace of
 * the work that adds them.
 */
@Injectable()
export class Outbox {
  readonly #listeners = new Set<() => void>();

  constructor(_source?: DataSource) {}

  async add(tx: EntityManager, events: KaikaEvent | KaikaEvent[]): Promise<void> {
    await writeAtOnce(tx, this.write(tx, events));
  }

  /** The same, to be carried out with other writes of the transaction; where there are no events there is none. */
  write(tx: EntityManager, events: KaikaEvent | KaikaEvent[]): Write[] {
    const all = [events].flat();
    if (!tx.queryRunner?.isTransactionActive) throw new Error('the outbox works inside a transaction only');
    if (all.length === 0) return [];
    const { traceparent } = currentTrace();
    const values = all.map((e) => JSON.stringify({ ...e, traceparent }));
    const large = values.findIndex((value) => Buffer.byteLength(value) > MAX_EVENT_BYTES);
    if (large >= 0) throw new Error(`${all[large]!.type} ${all[large]!.id} is larger than ${MAX_EVENT_BYTES} octets`);
    afterCommit(tx, () => this.#committed());
    return [
      {
        sql: `insert into outbox (event_id, topic, key, value)
              select event_id, topic, key, value
              from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality as e(event_id, topic, key, value, nth)
              order by nth`,
        values: [all.map((e) => e.id), all.map((e) => topicOf(e.type)), all.map((e) => e.subject), values],
      },
    ];
  }

  /** Calls `listener` after each commit that added events; best effort, the relay polls as well. */
  onCommit(listener: () => void): void {
    this.#listeners.add(listener);
  }

  #committed(): void {
    for (const listener of this.#listeners) listener();
  }
}
