import { z } from 'zod';
import type { ServiceClient } from '#libs/doors';
import { CaError } from '#libs/errors';
import { cutRow, statusRow, type CutRow, type StatusRow } from '#libs/events';

const statusLog = z.object({ epoch: z.uuid(), rows: z.array(statusRow) });
const PAGE = 500;

/** `suspension`, which owns the status log. Everything here may be asked again. */
export class StatusOwner {
  constructor(private readonly client: ServiceClient) {}

  /** The marker of a cut, written now if it is not there yet. @throws CaError cutInFuture; PeerUnreachable */
  async putCut(cut: Date): Promise<CutRow> {
    const path = `/api/v1/cuts/${cut.toISOString().slice(0, 19)}Z`;
    return this.client.call('PUT', path, cutRow);
  }

  /** The marker of an emergency list. @throws CaError cutInFuture: ask again in a second; PeerUnreachable */
  async putEmergencyCut(id: string): Promise<CutRow> {
    return this.client.call('PUT', `/api/v1/cuts/emergency/${id}`, cutRow);
  }

  /** @throws CaError statusFeedBroken when the owner's own log has a gap; PeerUnreachable */
  async rowsAfter(seq: number, limit = PAGE): Promise<StatusRow[]> {
    const { rows } = await this.client.call('GET', `/api/v1/status-log?after=${seq}&limit=${limit}`, statusLog);
    const gap = rows.findIndex((row, i) => row.seq !== seq + 1 + i);
    if (gap >= 0)
      throw new CaError('statusFeedBroken', `the owner has no row ${seq + 1 + gap}`, { seq: seq + 1 + gap });
    return rows;
  }

  async logIsEmpty(): Promise<boolean> {
    return (await this.rowsAfter(0, 1)).length === 0;
  }
}
