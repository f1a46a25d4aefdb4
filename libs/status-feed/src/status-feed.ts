import { type BeforeApplicationShutdown, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import { sleep } from '#libs/clock';
import { CaError } from '#libs/errors';
import { type StatusRow, statusRowHash } from '#libs/events';
import { epochWasSeen, holeAge, landedAbove, landRow, nextRows, readWatermark, replaceRow, type Watermark, writeWatermark } from './feed-rows.js'; // prettier-ignore
import { type Replay, replayLog } from './replay.js';

export interface StatusFeedOptions {
  source: DataSource;
  /** The effect of rows that follow each other; in the transaction that moves the watermark past them. */
  apply(rows: readonly StatusRow[], tx: EntityManager): Promise<unknown>;
  /** The owner's rows above a seq, in order, at most `limit`. */
  fetchRows(afterSeq: number, limit: number): Promise<StatusRow[]>;
  /** Called once for each kind of trouble until it passes. Default: the log. */
  alarm?(error: CaError): void;
  /** Called when there is no trouble: once after the start, and once each time it passed. */
  over?(): void;
  /** How long a hole may wait for the bus before it is fetched. Default 5 s. */
  holeMs?: number;
  /** How often one looks for landed rows when nobody wakes us. Default 250 ms. */
  pollMs?: number;
  /** How often the owner is asked whether there is more than the bus brought. Default 60 s; 0: never. */
  probeMs?: number;
}

const BATCH = 200;
const REST_MS = 100;

/**
 * A copy of the owner's status log (DESIGN.md §3). Rows land by seq in any order, as often as they like; one applier
 * moves the watermark in seq order along the hash chain. The bus is the fast path, the owner's log is the truth: holes
 * are fetched from there, and a row that doesn't fit the chain is replaced by the owner's, if that one does.
 */
export class StatusFeed implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #log = new Logger('status feed');
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #applying: Promise<unknown> = Promise.resolve();
  #done: Promise<void> = Promise.resolve();
  /** Undefined until all was well once. */
  #lastAlarm: string | undefined;
  #lastProbe = -Infinity;

  constructor(private readonly options: StatusFeedOptions) {}

  onApplicationBootstrap(): void {
    this.#done = this.#run(this.#stop.signal);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stop.abort();
    await this.#done;
    await this.#applying;
  }

  /**
   * Takes the row of a status event. Idempotent. A row whose seq is taken by other contents, or whose own hash is wrong,
   * raises an alarm and is kept as evidence.
   */
  async land({ data: row }: { data: StatusRow }): Promise<void> {
    await this.#land([row], this.options.source.manager);
    this.#wake.abort();
  }

  async watermark(): Promise<Watermark> {
    return readWatermark(this.options.source.manager);
  }

  /** Applied rows above one seq and below another, in order. */
  async *rows(afterSeq: number, belowSeq: number): AsyncGenerator<StatusRow> {
    const { source } = this.options;
    const end = Math.min(belowSeq, (await this.watermark()).seq + 1);
    for (let after = afterSeq; after + 1 < end;) {
      const rows = await nextRows(source.manager, after, Math.min(BATCH, end - after - 1));
      if (rows.length === 0) throw new CaError('statusFeedBroken', `row ${after + 1} is gone from the copy`);
      yield* rows;
      after = rows.at(-1)!.seq;
    }
  }

  /** How many rows have landed and are not applied yet. */
  async backlog(): Promise<number> {
    return landedAbove(this.options.source.manager, (await this.watermark()).seq);
  }

  /**
   * Applies what is ready: rows without a hole above the watermark.
   *
   * @returns the watermark after it
   * @throws CaError statusFeedBroken when neither the landed row nor the owner's continues the chain
   */
  async applyReady(): Promise<Watermark> {
    const turn = this.#applying.then(() => this.#applyAll());
    this.#applying = turn.catch(() => {});
    return turn;
  }

  /**
   * Returns when everything up to `seq` is applied, fetching what the bus hasn't brought.
   *
   * @throws CaError statusFeedBroken | conflict (the owner has no such row); what `fetchRows` throws
   */
  async catchUp(seq: number): Promise<Watermark> {
    for (;;) {
      const mark = await this.applyReady();
      if (mark.seq >= seq) return mark;
      if ((await this.#fetch(mark.seq)) === 0) {
        throw new CaError('conflict', `the status log ends at row ${mark.seq}, row ${seq} was asked for`);
      }
    }
  }

  /** See `replayLog`. */
  replay(replay: Replay): Promise<Watermark> {
    return replayLog(this.options, replay);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { pollMs = 250 } = this.options;
    for (let healAt = 0; !signal.aborted;) {
      this.#wake = new AbortController();
      const began = performance.now();
      try {
        const mark = await this.applyReady();
        if (began >= healAt) {
          healAt = began + pollMs;
          if (!(await this.#heal(mark))) this.#calm();
        }
      } catch (error) {
        this.#raise(error);
      }
      // What comes alone is applied at once. Of many, each turn takes what came meanwhile: the busier, the more it takes.
      await sleep(Math.min(2 * (performance.now() - began), REST_MS, pollMs), signal);
      await sleep(pollMs, signal, this.#wake.signal);
    }
  }

  /** Fetches a hole that has waited long enough, and now and then the tail. */
  async #heal({ seq }: Watermark): Promise<boolean> {
    const age = await holeAge(this.options.source.manager, seq);
    const probeMs = this.options.probeMs ?? 60_000;
    const probe = probeMs > 0 && performance.now() - this.#lastProbe > probeMs;
    if (!probe && (age === undefined || age < (this.options.holeMs ?? 5_000))) return false;
    this.#lastProbe = performance.now();
    if ((await this.#fetch(seq)) > 0) this.#wake.abort();
    return true;
  }

  async #fetch(afterSeq: number): Promise<number> {
    const rows = await this.options.fetchRows(afterSeq, BATCH);
    await this.options.source.transaction((tx) => this.#land(rows, tx));
    return rows.length;
  }

  async #land(rows: StatusRow[], tx: EntityManager): Promise<void> {
    for (const row of rows) {
      const conflict = await landRow(tx, row);
      if (conflict) this.#raise(new CaError('statusFeedAltered', `row ${row.seq} is ${conflict}`, { seq: row.seq }));
    }
  }

  async #applyAll(): Promise<Watermark> {
    for (let size = BATCH; ;) {
      try {
        const { mark, applied, stuck } = await this.#applyBatch(size);
        if (stuck) await this.#askOwner(mark, stuck);
        else if (applied < size) return mark;
        size = BATCH;
      } catch (error) {
        // One row at a time: those before the one that fails are applied.
        if (size === 1 || (error instanceof CaError && error.code === 'statusFeedBroken')) throw error;
        size = 1;
      }
    }
  }

  async #applyBatch(size: number): Promise<{ mark: Watermark; applied: number; stuck?: StatusRow }> {
    return this.options.source.transaction(async (tx) => {
      let mark = await readWatermark(tx, true);
      const landed = await nextRows(tx, mark.seq, size);
      const rows: StatusRow[] = [];
      for (const row of landed) {
        if (!(await continues(tx, mark, row))) break;
        rows.push(row);
        mark = { epoch: row.epoch, seq: row.seq, hash: row.hash, at: new Date(row.at) };
      }
      if (rows.length > 0) {
        await this.options.apply(rows, tx);
        await writeWatermark(tx, mark);
      }
      const stuck = landed[rows.length];
      return { mark, applied: rows.length, ...(stuck && { stuck }) };
    });
  }

  /** The landed row doesn't continue the chain: the owner's does, or the feed stands still. */
  async #askOwner(mark: Watermark, stuck: StatusRow): Promise<void> {
    const [right] = await this.options.fetchRows(mark.seq, 1);
    await this.options.source.transaction(async (tx) => {
      const now = await readWatermark(tx, true);
      if (now.seq !== mark.seq) return; // another replica went on
      if (
        !right ||
        right.hash === stuck.hash ||
        right.hash !== statusRowHash(right) ||
        !(await continues(tx, now, right))
      ) {
        throw new CaError('statusFeedBroken', `row ${stuck.seq} does not continue the chain of row ${mark.seq}`, {
          seq: stuck.seq,
        });
      }
      this.#raise(new CaError('statusFeedAltered', `row ${stuck.seq} was replaced by the owner's`, { seq: stuck.seq }));
      await replaceRow(tx, stuck, right);
    });
  }

  #calm(): void {
    if (this.#lastAlarm === '') return;
    this.#lastAlarm = '';
    this.options.over?.();
  }

  #raise(error: unknown): void {
    const known = error instanceof CaError ? `${error.code}: ${error.message}` : '';
    const line = known || `waiting: ${(error as Error).message}`;
    if (line === this.#lastAlarm) return;
    this.#lastAlarm = line;
    if (!(error instanceof CaError) || !error.code.startsWith('statusFeed')) this.#log.warn(line);
    else if (this.options.alarm) this.options.alarm(error);
    else this.#log.error(line);
  }
}

/** Row n + 1 holds the hash of row n, which covers all before it. An epoch may follow another, never come back. */
async function continues(tx: EntityManager, mark: Watermark, row: StatusRow): Promise<boolean> {
  if (row.seq !== mark.seq + 1 || row.prevHash !== mark.hash) return false;
  return mark.epoch === undefined || row.epoch === mark.epoch || !(await epochWasSeen(tx, row.epoch, mark.seq));
}
