import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { sealRecord } from '#libs/credentials';
import { CaError } from '#libs/errors';
import { newEvent } from '#libs/events';
import { Outbox } from '#libs/messaging';
import type { Applicant } from '../certificates/subject.js';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';
import type { ApplicationState } from './application-state.js';
import { newCaseNumber } from './case-number.js';

const DRAWS = 8;

export interface NewApplication {
  readonly applicant: Applicant;
  /** What only the office may read; sealed here. */
  readonly personal: unknown;
  readonly nationalIdConfirmed: boolean;
  readonly origin: SelfApplication | Push;
  readonly now: Date;
}

/** Way A. */
export interface SelfApplication {
  readonly way: 'A';
  /** Of the user code. */
  readonly verifier: string;
}

/** Way B: a registration office pushed it. */
export interface Push {
  readonly way: 'B';
  /** Of national ID and birth date (`representativeText`). */
  readonly representativeVerifier: string;
  readonly office: string;
  readonly officeCase: string;
  /** Keyed hash of the request. */
  readonly requestHash: string;
  /** As it came: body and signature; sealed here. */
  readonly signed: { body: string; signature: string };
}

/** Rows of applications, their personal data sealed to their row. */
@Injectable()
export class ApplicationRecords {
  constructor(
    private readonly outbox: Outbox,
    @Inject(ISSUANCE_CONFIG) private readonly config: Pick<IssuanceConfig, 'dataKey'>,
  ) {}

  /** A new row in state `received`, and `application.received`. @returns its case number */
  async insert(tx: EntityManager, { applicant, personal, nationalIdConfirmed, origin, now }: NewApplication) {
    const { kind, name, branch, county, ubn, certificateEmail, rank } = applicant;
    for (let draw = 0; draw < DRAWS; draw += 1) {
      const caseNumber = newCaseNumber(now);
      const inserted = await tx.query<unknown[]>(
        `insert into application (case_number, state, kind, name, branch, county, ubn, certificate_email, rank,
                                  personal, national_id_confirmed, received_at, way, verifier, representative_verifier,
                                  office, office_case, office_request, push)
         values ($1, 'received', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         on conflict (case_number) do nothing returning true`,
        [
          ...[caseNumber, kind, name, branch, county, ubn, certificateEmail, rank],
          ...[await this.seal(caseNumber, personal), nationalIdConfirmed, now],
          ...(await this.originColumns(caseNumber, origin)),
        ],
      );
      if (inserted.length === 0) continue;
      await this.outbox.add(tx, newEvent('application.received', caseNumber, { caseNumber }, facts(now)));
      return caseNumber;
    }
    throw new Error('no free case number was drawn');
  }

  /** Puts corrected data in the place of those that were sent back, which stay on record. */
  async correct(tx: EntityManager, caseNumber: string, corrected: Omit<NewApplication, 'origin'>): Promise<void> {
    const { applicant, personal, nationalIdConfirmed, now } = corrected;
    const { kind, name, branch, county, ubn, certificateEmail, rank } = applicant;
    await tx.query(
      `insert into application_revision (case_number, replaced_at, reason, content)
       select case_number, $2, reason, to_jsonb(a) - 'verifier' from application a where case_number = $1`,
      [caseNumber, now],
    );
    await tx.query(
      `update application set state = 'received', decided_at = null, decided_by = null, reason = null,
              kind = $2, name = $3, branch = $4, county = $5, ubn = $6, certificate_email = $7, rank = $8,
              personal = $9, national_id_confirmed = $10
       where case_number = $1`,
      [
        ...[caseNumber, kind, name, branch, county, ubn, certificateEmail, rank],
        ...[await this.seal(caseNumber, personal), nationalIdConfirmed],
      ],
    );
    await this.outbox.add(tx, newEvent('application.received', caseNumber, { caseNumber }, facts(now)));
  }

  async decide(
    tx: EntityManager,
    caseNumber: string,
    decision: { state: ApplicationState; by: string; at: Date; reason?: string },
  ): Promise<void> {
    await tx.query(
      'update application set state = $2, decided_at = $3, decided_by = $4, reason = $5 where case_number = $1',
      [caseNumber, decision.state, decision.at, decision.by, decision.reason ?? null],
    );
  }

  private async originColumns(caseNumber: string, origin: SelfApplication | Push): Promise<(string | null)[]> {
    if (origin.way === 'A') return ['A', origin.verifier, null, null, null, null, null];
    const { representativeVerifier, office, officeCase, requestHash, signed } = origin;
    return ['B', null, representativeVerifier, office, officeCase, requestHash, await this.seal(caseNumber, signed)];
  }

  private seal(caseNumber: string, value: unknown): Promise<string> {
    return sealRecord(this.config.dataKey, { table: 'application', id: caseNumber }, value);
  }
}

const facts = (now: Date) => ({ source: 'issuance', now });

export interface LockedApplication {
  state: ApplicationState;
  reason: string | null;
  cardNumber: string | null;
}

/** @throws CaError notFound */
export async function lockApplication(tx: EntityManager, caseNumber: string): Promise<LockedApplication> {
  const [row] = await tx.query<Omit<LockedApplication, 'cardNumber'>[]>(
    'select state, reason from application where case_number = $1 for update',
    [caseNumber],
  );
  if (!row) throw new CaError('notFound', 'there is no such application');
  const [card] = await tx.query<{ card_number: string }[]>('select card_number from card where case_number = $1', [
    caseNumber,
  ]);
  return { ...row, cardNumber: card?.card_number ?? null };
}

/**
 * A company's first card is its primary one (正卡); secondary ones (附卡) come beside it.
 *
 * @throws CaError primaryCardMissing
 */
export async function requirePrimary(tx: EntityManager, { rank, ubn }: Applicant): Promise<void> {
  if (rank === 'primary') return;
  const [primary] = await tx.query<unknown[]>(
    `select 1 from application join card using (case_number)
     where ubn = $1 and rank = 'primary' and issued_at is not null
       and not exists (select 1 from known_status s where s.card_number = card.card_number and s.kind = 'revoked')
     limit 1`,
    [ubn],
  );
  if (primary) return;
  const errors = [{ at: '/rank', problem: 'this 統一編號 has no primary card that was issued and not revoked' }];
  throw new CaError('primaryCardMissing', '/rank: there is no primary card', { errors });
}
