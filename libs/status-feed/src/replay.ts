import type { DataSource, EntityManager } from 'typeorm';
import { CaError } from '#libs/errors';
import { FIRST_PREV_HASH, type StatusRow, statusRowHash } from '#libs/events';
import { correctRows, readWatermark, type Watermark, writeWatermark } from './feed-rows.js';

export interface Replay {
  /** Takes the owner's rows, each once and in order; it must leave alone what is read meanwhile. */
  take(rows: readonly StatusRow[], tx: EntityManager): Promise<unknown>;
  /** Every row was taken: puts the result in the place of what was read until now. The applier waits meanwhile. */
  finish(tx: EntityManager): Promise<unknown>;
}

export interface ReplaySource {
  source: DataSource;
  fetchRows(afterSeq: number, limit: number): Promise<StatusRow[]>;
}

const PAGE = 1_000;

/**
 * Reads the owner's log again from its first row, while the feed goes on. The rows must be one chain; those that the
 * feed's copy lacks or has otherwise are put right. Ends with the watermark on the owner's last row.
 *
 * @throws CaError statusFeedBroken (the owner's rows are no chain) | conflict (the owner's log ends below what was
 * applied here: rows were lost there); nothing that is read was changed then
 */
export async function replayLog({ source, fetchRows }: ReplaySource, replay: Replay): Promise<Watermark> {
  const epochs = new Set<string>();
  let mark: Watermark = { epoch: undefined, seq: 0, hash: FIRST_PREV_HASH, at: undefined };
  for (let endSeen = -1; ;) {
    const rows = await fetchRows(mark.seq, PAGE);
    for (const row of rows) mark = follow(mark, row, epochs);
    if (rows.length > 0) {
      await source.transaction(async (tx) => {
        await correctRows(tx, rows);
        await replay.take(rows, tx);
      });
    } else {
      const live = await source.transaction((tx) => closeAt(mark, replay, tx));
      if (live <= mark.seq) return mark;
      // Rows may have been applied since the owner was asked; if it still has none, it has lost them.
      if (endSeen === mark.seq) {
        throw new CaError('conflict', `the owner's log ends at row ${mark.seq}, row ${live} was applied here`);
      }
      endSeen = mark.seq;
    }
  }
}

/** @returns the seq applied so far; above the mark, nothing was done */
async function closeAt(mark: Watermark, replay: Replay, tx: EntityManager): Promise<number> {
  const { seq } = await readWatermark(tx, true);
  if (seq > mark.seq) return seq;
  await replay.finish(tx);
  await writeWatermark(tx, mark);
  return mark.seq;
}

function follow(mark: Watermark, row: StatusRow, epochs: Set<string>): Watermark {
  const isNext = row.seq === mark.seq + 1 && row.prevHash === mark.hash && row.hash === statusRowHash(row);
  if (!isNext || (row.epoch !== mark.epoch && epochs.has(row.epoch))) {
    const { seq } = mark;
    throw new CaError('statusFeedBroken', `the owner's row after row ${seq} does not continue the chain`, { seq });
  }
  epochs.add(row.epoch);
  return { epoch: row.epoch, seq: row.seq, hash: row.hash, at: new Date(row.at) };
}
