import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { Clock } from '#libs/clock';
import { DualControl, type DualControlRequest, type RequestPage } from '#libs/dual-control';
import { CaError } from '#libs/errors';
import { utc } from '#libs/events';
import type { DueRun, RunKind } from './due-runs.js';

const measured = z.object({ count: z.number().int(), digest: z.string() });
const byKind = <T extends z.ZodType>(each: T) => z.object({ added: each, gone: each, changed: each });

/** Why a list is held back: what it says, what its owner expects, and what the log does not explain. */
export const heldReport = z.object({
  exact: measured.describe('what the list made from the log says'),
  expected: measured.describe('what the owner of the log says'),
  before: z.string().nullable().describe('number of the list it was compared with'),
  differences: byKind(z.number().int()),
  unexplainedCount: byKind(z.number().int()),
  unexplained: byKind(z.array(z.string())).describe('serials, at most 20 of each'),
});
export type HeldReport = z.output<typeof heldReport>;

const LIST_RELEASE = {
  kind: 'list-release',
  parameters: z.object({ ground: z.string(), cut: utc, digest: z.string() }),
  result: z.object({}),
};
export type ReleaseRequest = DualControlRequest<z.output<typeof LIST_RELEASE.parameters>>;

export interface HeldList {
  readonly cut: Date;
  readonly kind: RunKind;
  /** Number of the latest attempt that was held; used up. */
  readonly number: string;
  readonly problem: string;
  readonly report: HeldReport;
}

/** Runs whose list differs from what the log says, and their release by two persons. */
@Injectable()
export class HeldLists {
  constructor(
    private readonly source: DataSource,
    private readonly control: DualControl,
    private readonly clock: Clock,
  ) {}

  /** The open run whose list was held at its last attempt but one that may be going on. */
  async current(issuerSki: string, tx: EntityManager = this.source.manager): Promise<HeldList | undefined> {
    const [row] = await tx.query<HeldList[]>(
      `select r.cut, r.kind, a.number, a.problem, a.held as report
       from (select * from due_run where issuer_ski = $1 order by cut desc limit 1) r
       join attempt a on a.issuer_ski = r.issuer_ski and a.cut = r.cut and a.outcome = 'held'
       where r.state not in ('published', 'superseded') order by a.number desc limit 1`,
      [issuerSki],
    );
    return row;
  }

  /**
   * Asks for the exact list of a held run to go out. What is released is what was looked at: a list of this digest.
   *
   * @throws CaError notFound | conflict when the held list says something else
   */
  async request(issuerSki: string, cut: Date, about: { ground: string; digest: string }, by: string) {
    return this.source.transaction(async (tx) => {
      await this.expect(tx, issuerSki, cut, about.digest);
      const parameters = { ...about, cut: cut.toISOString() };
      return this.control.request(tx, LIST_RELEASE, { about: issuerSki, parameters, by });
    });
  }

  /** @throws CaError notFound | conflict | ownRequest | requestDecided | requestExpired */
  async approve(id: string, by: string): Promise<ReleaseRequest> {
    return this.source.transaction((tx) =>
      this.control.approve(tx, LIST_RELEASE, { id, by }, async ({ about: issuerSki, parameters: { cut, digest } }) => {
        const { report } = await this.expect(tx, issuerSki, new Date(cut), digest);
        await tx.query(
          `insert into list_release (id, issuer_ski, cut, entry_count, digest, approved_at)
           values ($1, $2, $3, $4, $5, $6)`,
          [id, issuerSki, cut, report.exact.count, digest, this.clock.now()],
        );
        return {};
      }),
    );
  }

  /** @throws CaError notFound | ownRequest | requestDecided | requestExpired */
  async reject(id: string, by: string, ground: string): Promise<ReleaseRequest> {
    return this.source.transaction((tx) => this.control.reject(tx, LIST_RELEASE, { id, by, ground }));
  }

  async requests(page: RequestPage): Promise<ReleaseRequest[]> {
    return this.control.list(this.source.manager, LIST_RELEASE, page);
  }

  /** The release under which this very list may go out. */
  async releaseOf(run: DueRun, exact: HeldReport['exact']): Promise<string | undefined> {
    const [row] = await this.source.query<{ id: string }[]>(
      `select id from list_release where issuer_ski = $1 and cut = $2 and entry_count = $3 and digest = $4
       order by approved_at, id limit 1`,
      [run.issuerSki, run.cut, exact.count, exact.digest],
    );
    return row?.id;
  }

  private async expect(tx: EntityManager, issuerSki: string, cut: Date, digest: string): Promise<HeldList> {
    const held = await this.current(issuerSki, tx);
    if (held?.cut.getTime() !== cut.getTime()) throw new CaError('notFound', 'no list of this cut is held');
    if (held.report.exact.digest !== digest) {
      throw new CaError('conflict', 'the held list has changed; look at it again', {
        digest: held.report.exact.digest,
      });
    }
    return held;
  }
}
