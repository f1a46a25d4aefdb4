import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Clock } from '#libs/clock';
import { openRecord, openSealed, sealRecord } from '#libs/credentials';
import { CaError } from '#libs/errors';
import { type EventOf, SEALED_PAYLOADS, sealedContext } from '#libs/events';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';
import type { CaseList, CaseQuery, OfficeCase } from './case.schema.js';

interface Row extends Omit<OfficeCase, 'whatIsWrong' | 'openedAt' | 'closedAt'> {
  personal: string;
  openedAt: Date;
  closedAt: Date | null;
}

/**
 * Cases for the application office: a subscriber says that the data in the certificates are wrong, and has not accepted
 * them. What follows (revocation, another card) is the officers' act.
 */
@Injectable()
export class CasesService {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    @Inject(ISSUANCE_CONFIG) private readonly config: Pick<IssuanceConfig, 'dataKey' | 'ownKey'>,
  ) {}

  /** One case an activation. @throws Error when it is not sealed to this service, or for another card */
  async open({ data, time }: EventOf<'certificate.refused'>, tx: EntityManager): Promise<void> {
    const { cardNumber, activation, jwe } = data;
    const opened = await openSealed(this.config.ownKey, jwe, sealedContext('certificate.refused', cardNumber));
    const { whatIsWrong } = SEALED_PAYLOADS['certificate.refused'].parse(opened);
    const sealed = await sealRecord(this.config.dataKey, recordOf(activation), { whatIsWrong });
    await tx.query(
      `insert into office_case (id, kind, card_number, personal, opened_at) values ($1, 'wrong-data', $2, $3, $4)
       on conflict (id) do nothing`,
      [activation, cardNumber, sealed, time],
    );
  }

  /** Oldest first. */
  async list({ state, after, limit }: CaseQuery): Promise<CaseList> {
    const rows = await this.source.query<Row[]>(
      `select o.id, o.kind, o.card_number as "cardNumber", k.case_number as "caseNumber", o.personal, o.outcome,
              o.opened_at as "openedAt", o.closed_at as "closedAt"
       from office_case o left join card k using (card_number)
       where ($1::text is null or ($1 = 'closed') = (o.closed_at is not null))
         and ($2::uuid is null or (o.opened_at, o.id) > (select opened_at, id from office_case where id = $2))
       order by o.opened_at, o.id limit $3`,
      [state ?? null, after ?? null, limit + 1],
    );
    const items = await Promise.all(rows.slice(0, limit).map((row) => this.shown(row)));
    return { items, next: rows.length > limit ? items.at(-1)!.id : null };
  }

  /** The first outcome stands; repeated with it: the same answer. @throws CaError notFound | conflict */
  async close(
    id: string,
    outcome: string,
    officer: string,
  ): Promise<{ id: string; outcome: string; closedAt: string }> {
    await this.source.query(
      'update office_case set closed_at = $2, closed_by = $3, outcome = $4 where id = $1 and closed_at is null',
      [id, this.clock.now(), officer, outcome],
    );
    const [row] = await this.source.query<{ outcome: string; closedAt: Date }[]>(
      'select outcome, closed_at as "closedAt" from office_case where id = $1',
      [id],
    );
    if (!row) throw new CaError('notFound', 'there is no such case');
    if (row.outcome !== outcome) throw new CaError('conflict', 'this case was closed with another outcome');
    return { id, outcome, closedAt: row.closedAt.toISOString() };
  }

  private async shown({ personal, openedAt, closedAt, ...row }: Row): Promise<OfficeCase> {
    const { whatIsWrong } = (await openRecord(this.config.dataKey, recordOf(row.id), personal)) as {
      whatIsWrong: string;
    };
    return { ...row, whatIsWrong, openedAt: openedAt.toISOString(), closedAt: closedAt?.toISOString() ?? null };
  }
}

const recordOf = (id: string) => ({ table: 'office_case', id });
