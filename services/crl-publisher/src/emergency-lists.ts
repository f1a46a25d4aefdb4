import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { Clock } from '#libs/clock';
import { DualControl, type DualControlRequest, type RequestPage } from '#libs/dual-control';
import type { RunState } from './due-runs.js';

const EMERGENCY_LIST = {
  kind: 'emergency-list',
  parameters: z.object({ ground: z.string() }),
  result: z.object({}),
};
type Act = DualControlRequest<z.output<typeof EMERGENCY_LIST.parameters>>;

/** What became of an approved one. `waiting`: its marker is not written yet. */
export interface EmergencyRun {
  readonly state: RunState | 'waiting';
  readonly cut: Date | null;
  /** Of the published list. */
  readonly number: string | null;
}

export type EmergencyList = Act & { readonly run: EmergencyRun | null };

/** Lists between midnights: one person asks, another approves (DOMAIN.md §7). */
@Injectable()
export class EmergencyLists {
  constructor(
    private readonly source: DataSource,
    private readonly control: DualControl,
    private readonly clock: Clock,
  ) {}

  request(issuerSki: string, ground: string, by: string): Promise<EmergencyList> {
    return this.source.transaction(async (tx) => ({
      ...(await this.control.request(tx, EMERGENCY_LIST, { about: issuerSki, parameters: { ground }, by })),
      run: null,
    }));
  }

  /** @throws CaError notFound | ownRequest | requestDecided | requestExpired */
  async approve(id: string, by: string): Promise<EmergencyList> {
    const request = await this.source.transaction((tx) =>
      this.control.approve(tx, EMERGENCY_LIST, { id, by }, async ({ about }) => {
        await tx.query('insert into emergency_list (id, issuer_ski, approved_at) values ($1, $2, $3)', [
          id,
          about,
          this.clock.now(),
        ]);
        return {};
      }),
    );
    return this.withRun(request);
  }

  /** @throws CaError notFound | ownRequest | requestDecided | requestExpired */
  async reject(id: string, by: string, ground: string): Promise<EmergencyList> {
    const request = await this.source.transaction((tx) => this.control.reject(tx, EMERGENCY_LIST, { id, by, ground }));
    return { ...request, run: null };
  }

  async list(page: RequestPage): Promise<EmergencyList[]> {
    const requests = await this.control.list(this.source.manager, EMERGENCY_LIST, page);
    return Promise.all(requests.map((request) => this.withRun(request)));
  }

  /** The oldest approved one that has no run yet. */
  async waiting(issuerSki: string): Promise<string | undefined> {
    const [row] = await this.source.query<{ id: string }[]>(
      `select id from emergency_list e where issuer_ski = $1
         and not exists (select 1 from due_run where emergency = e.id) order by approved_at, id limit 1`,
      [issuerSki],
    );
    return row?.id;
  }

  private async withRun(request: Act): Promise<EmergencyList> {
    if (request.state !== 'approved') return { ...request, run: null };
    const [run] = await this.source.query<EmergencyRun[]>(
      `select r.state, r.cut, p.number from due_run r left join published_list p using (issuer_ski, cut)
       where emergency = $1`,
      [request.id],
    );
    return { ...request, run: run ?? { state: 'waiting', cut: null, number: null } };
  }
}
