import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Clock } from '#libs/clock';
import { CodeHasher, sealRecord } from '#libs/credentials';
import { CaError } from '#libs/errors';
import { newEvent } from '#libs/events';
import { Idempotency } from '#libs/idempotency';
import { Outbox } from '#libs/messaging';
import type { Applicant } from '../certificates/subject.js';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';
import type { ApplicationList, ApplicationRequest } from './application.schema.js';
import { type ApplicationState, nextState } from './application-state.js';
import { newCaseNumber } from './case-number.js';
import { checkIssuable, confirmedNationalId } from './intake-checks.js';

const DRAWS = 8;

type Decision = { caseNumber: string; state: ApplicationState };

/** Self-applications: taken in, then approved or rejected by the application office. One transaction a command. */
@Injectable()
export class ApplicationsService {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly outbox: Outbox,
    private readonly idempotency: Idempotency,
    private readonly hasher: CodeHasher,
    @Inject(ISSUANCE_CONFIG) private readonly config: IssuanceConfig,
  ) {}

  /**
   * @param key Idempotency-Key
   * @throws CaError nationalIdUnusual | subjectInvalid | certificateTooLarge | idempotencyKeyReused | tooBusy
   */
  async receive(request: ApplicationRequest, key?: string): Promise<Decision> {
    const now = this.clock.now();
    const confirmed = confirmedNationalId(request.representative, now);
    checkIssuable(applicantOf(request), this.config.authority.issuing, this.config.maxCertBytes, now);
    const verifier = await this.hasher.hash(request.userCode);
    return this.source.transaction((tx) => {
      const insert = () => this.insert(tx, request, { confirmed, verifier, now });
      if (key === undefined) return insert();
      const requestHash = this.config.pepper.secretHash(request);
      return this.idempotency.run(tx, { key, endpoint: 'POST /applications', requestHash }, insert);
    });
  }

  /** Assigns a blank card. Repeated: the same answer. @throws CaError notFound | applicationNotPending | stockEmpty */
  approve(caseNumber: string, officer: string): Promise<Decision & { cardNumber: string }> {
    return this.source.transaction(async (tx) => {
      const { state, cardNumber } = await lock(tx, caseNumber);
      if (state === 'approved' && cardNumber) return { caseNumber, state, cardNumber };
      const approved = nextState(state, 'approve');
      const assigned = await assignCard(tx, caseNumber);
      await this.decide(tx, caseNumber, approved, officer, null);
      const facts = { source: 'issuance', now: this.clock.now() };
      const data = { caseNumber, cardNumber: assigned };
      await this.outbox.add(tx, newEvent('application.approved', caseNumber, data, facts));
      return { caseNumber, state: approved, cardNumber: assigned };
    });
  }

  /** The first reason stands; repeated with it: the same answer. @throws CaError notFound | applicationNotPending */
  reject(caseNumber: string, reason: string, officer: string): Promise<Decision & { reason: string }> {
    return this.source.transaction(async (tx) => {
      const present = await lock(tx, caseNumber);
      if (present.state === 'rejected' && present.reason === reason) return { caseNumber, state: 'rejected', reason };
      const rejected = nextState(present.state, 'reject');
      await this.decide(tx, caseNumber, rejected, officer, reason);
      const facts = { source: 'issuance', now: this.clock.now() };
      await this.outbox.add(tx, newEvent('application.rejected', caseNumber, { caseNumber }, facts));
      return { caseNumber, state: rejected, reason };
    });
  }

  /** Oldest first. */
  async list(state: ApplicationState | undefined, after: string | undefined, limit: number): Promise<ApplicationList> {
    const rows = await this.source.query<
      (Omit<ApplicationList['items'][number], 'receivedAt' | 'decidedAt'> & Times)[]
    >(
      `select a.case_number as "caseNumber", a.state, a.kind, a.name, a.branch, a.county, a.ubn, a.rank,
              a.certificate_email as "certificateEmail", a.national_id_confirmed as "nationalIdConfirmed",
              a.received_at as "receivedAt", a.decided_at as "decidedAt", a.rejection_reason as reason,
              c.card_number as "cardNumber"
       from application a left join card c using (case_number)
       where ($1::text is null or a.state = $1)
         and ($2::text is null or (a.received_at, a.case_number) >
              (select received_at, case_number from application where case_number = $2))
       order by a.received_at, a.case_number
       limit $3`,
      [state ?? null, after ?? null, limit + 1],
    );
    const items = rows.slice(0, limit).map((row) => ({
      ...row,
      receivedAt: row.receivedAt.toISOString(),
      decidedAt: row.decidedAt?.toISOString() ?? null,
    }));
    return { items, next: rows.length > limit ? items.at(-1)!.caseNumber : null };
  }

  private async insert(
    tx: EntityManager,
    request: ApplicationRequest,
    { confirmed, verifier, now }: { confirmed: boolean; verifier: string; now: Date },
  ): Promise<Decision> {
    const { kind, name, branch, county, ubn, certificateEmail, rank } = applicantOf(request);
    const { name: representative, nationalId } = request.representative;
    const personal = { representative: { name: representative, nationalId }, contact: request.contact };
    for (let draw = 0; draw < DRAWS; draw += 1) {
      const caseNumber = newCaseNumber(now);
      const sealed = await sealRecord(this.config.dataKey, { table: 'application', id: caseNumber }, personal);
      const inserted = await tx.query<unknown[]>(
        `insert into application (case_number, state, kind, name, branch, county, ubn, certificate_email, rank,
                                  personal, national_id_confirmed, verifier, received_at)
         values ($1, 'received', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (case_number) do nothing returning true`,
        [caseNumber, kind, name, branch, county, ubn, certificateEmail, rank, sealed, confirmed, verifier, now],
      );
      if (inserted.length === 0) continue;
      const facts = { source: 'issuance', now };
      await this.outbox.add(tx, newEvent('application.received', caseNumber, { caseNumber }, facts));
      return { caseNumber, state: 'received' };
    }
    throw new Error('no free case number was drawn');
  }

  private async decide(
    tx: EntityManager,
    caseNumber: string,
    state: ApplicationState,
    officer: string,
    reason: string | null,
  ): Promise<void> {
    await tx.query(
      `update application set state = $2, decided_at = $3, decided_by = $4, rejection_reason = $5
       where case_number = $1`,
      [caseNumber, state, this.clock.now(), officer, reason],
    );
  }
}

interface Times {
  receivedAt: Date;
  decidedAt: Date | null;
}

interface Locked {
  state: ApplicationState;
  reason: string | null;
  cardNumber: string | null;
}

/** @throws CaError notFound */
async function lock(tx: EntityManager, caseNumber: string): Promise<Locked> {
  const [row] = await tx.query<Omit<Locked, 'cardNumber'>[]>(
    'select state, rejection_reason as reason from application where case_number = $1 for update',
    [caseNumber],
  );
  if (!row) throw new CaError('notFound', 'there is no such application');
  const [card] = await tx.query<{ card_number: string }[]>('select card_number from card where case_number = $1', [
    caseNumber,
  ]);
  return { ...row, cardNumber: card?.card_number ?? null };
}

/** The first blank card that no other approval holds. @throws CaError stockEmpty */
async function assignCard(tx: EntityManager, caseNumber: string): Promise<string> {
  const [rows] = await tx.query<[{ card_number: string }[], number]>(
    `update card set state = 'assigned', case_number = $1
     where card_number = (select card_number from card where state = 'blank'
                          order by card_number limit 1 for update skip locked)
     returning card_number`,
    [caseNumber],
  );
  if (!rows[0]) throw new CaError('stockEmpty', 'put blank cards into stock first');
  return rows[0].card_number;
}

function applicantOf(request: ApplicationRequest): Applicant {
  const { kind, name, branch = null, county = null, ubn, certificateEmail = null, rank } = request;
  return { kind, name, branch, county, ubn, certificateEmail, rank };
}
