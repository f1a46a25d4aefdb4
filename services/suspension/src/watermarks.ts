import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Logger } from 'pino';
import { DataSource } from 'typeorm';
import { Clock, Rounds, sleep } from '#libs/clock';
import { newEvent, topicOf, WATERMARK_KEY, type EventData } from '#libs/events';
import { LOG } from '#libs/host';
import { EVENT_SINK, type EventSink } from '#libs/messaging';

const EVERY_MS = 1_000;
const DISPATCH_POLL_MS = 20;

interface Mark {
  readonly data: EventData<'status.watermark'>;
  /** The outbox holds every row up to the mark at or below this id; null: it holds none. */
  readonly lastOutboxId: string | null;
}

/**
 * Says each second how far the log goes, so that those who answer from a copy know how fresh it is. A mark goes straight
 * to the bus, past the outbox: one that is lost is followed by a better one.
 */
@Injectable()
export class Watermarks implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #rounds: Rounds;

  constructor(
    private readonly source: DataSource,
    @Inject(EVENT_SINK) private readonly sink: EventSink,
    clock: Clock,
    @Inject(LOG) log: Logger,
  ) {
    const work = (signal: AbortSignal) => this.send(signal);
    this.#rounds = new Rounds({ what: 'sending the watermark', work, waitMs: () => EVERY_MS, clock, log });
  }

  onApplicationBootstrap(): void {
    this.#rounds.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.#rounds.stop();
  }

  /** Takes a mark, waits until every row up to it has left, sends it. Late, it is still true. */
  async send(signal: AbortSignal): Promise<void> {
    const mark = await this.take();
    while (!(await this.isDispatched(mark))) {
      if (signal.aborted) return;
      await sleep(DISPATCH_POLL_MS, signal);
    }
    const { data } = mark;
    const event = newEvent('status.watermark', WATERMARK_KEY, data, { source: 'suspension', now: new Date(data.time) });
    await this.sink.send([
      { topic: topicOf(event.type), key: event.subject, id: event.id, value: JSON.stringify(event) },
    ]);
  }

  /**
   * While this holds the log's lock nobody is between taking a time and committing. Every later row's time is at least
   * the log's time now, in whole milliseconds; so the millisecond before is the last of which everything is known.
   */
  private take(): Promise<Mark> {
    return this.source.transaction(async (tx) => {
      const [head] = (await tx.query('select epoch, seq, at, last_cut from log_head for share')) as [
        { epoch: string; seq: string; at: Date | null; last_cut: Date | null },
      ];
      const [state] = (await tx.query(
        `select date_trunc('milliseconds', greatest(log_now(), $1::timestamptz, $2::timestamptz))
                  - interval '1 millisecond' as time,
                (select max(id) from outbox) as last`,
        [head.at, head.last_cut],
      )) as [{ time: Date; last: string | null }];
      const data = { epoch: head.epoch, seq: Number(head.seq), time: state.time.toISOString() };
      return { data, lastOutboxId: state.last };
    });
  }

  private async isDispatched({ lastOutboxId }: Mark): Promise<boolean> {
    const waiting = (await this.source.query('select 1 from outbox where dispatched_at is null and id <= $1 limit 1', [
      lastOutboxId,
    ])) as unknown[];
    return waiting.length === 0;
  }
}
