import type { DataSource } from 'typeorm';
import { CaError } from '#libs/errors';
import type { CardRow, CutRow } from '#libs/events';
import type { StatusFeed } from '#libs/status-feed';
import { keptCut } from './listings.js';

/** Our copy of the status log, as far as a run needs it. */
export class StatusLog {
  constructor(
    private readonly feed: StatusFeed,
    private readonly source: DataSource,
  ) {}

  /** Returns when every row up to `seq` is applied. @throws PeerUnreachable; CaError statusFeedBroken | conflict */
  async waitFor(seq: number): Promise<void> {
    await this.feed.catchUp(seq);
  }

  /**
   * What the owner expects on the lists of a cut: from its row in the log, whose chain holds, and not only from its
   * answer, which must say the same.
   *
   * @throws CaError statusFeedBroken
   */
  async expected({ cut, seq, hash }: CutRow): Promise<CutRow['lists']> {
    const kept = await keptCut(this.source.manager, new Date(cut));
    if (kept?.markerSeq !== seq || kept.hash !== hash) {
      throw new CaError('statusFeedBroken', `row ${seq} of the log is not the marker its owner says`, { seq, cut });
    }
    return kept.lists;
  }

  /** Changes of cards between two markers, in seq order. */
  async *cardRows(afterSeq: number, belowSeq: number): AsyncGenerator<CardRow> {
    for await (const row of this.feed.rows(afterSeq, belowSeq)) if (row.kind !== 'cut') yield row;
  }
}
