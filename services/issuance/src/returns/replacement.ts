import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { openRecord, sealRecord } from '#libs/credentials';
import { newEvent } from '#libs/events';
import { Outbox } from '#libs/messaging';
import { newCaseNumber } from '../applications/case-number.js';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';
import { assignOrWait } from '../production/card-assignment.js';

const DRAWS = 8;

/**
 * The application for a new card in place of a defective one: free of charge, approved at once, the same holder, rank and
 * first verifier. Keys and certificates are new, so the card is accepted again: with the user code chosen in the
 * application (way A), or with the responsible person's data (way B).
 */
@Injectable()
export class Replacements {
  constructor(
    private readonly outbox: Outbox,
    @Inject(ISSUANCE_CONFIG) private readonly config: Pick<IssuanceConfig, 'dataKey'>,
  ) {}

  /**
   * @param by who approved it
   * @returns the new application's case number; its card comes from stock, or is waited for
   */
  async apply(tx: EntityManager, cardNumber: string, by: string, now: Date): Promise<string> {
    const caseNumber = await this.copy(tx, cardNumber, by, now);
    const facts = { source: 'issuance', now };
    await this.outbox.add(tx, newEvent('application.received', caseNumber, { caseNumber }, facts));
    const assigned = await assignOrWait(tx, caseNumber, now);
    if (assigned === undefined) {
      await tx.query(`update application set state = 'waiting-for-stock' where case_number = $1`, [caseNumber]);
    } else {
      const data = { caseNumber, cardNumber: assigned };
      await this.outbox.add(tx, newEvent('application.approved', caseNumber, data, facts));
    }
    return caseNumber;
  }

  private async copy(tx: EntityManager, cardNumber: string, by: string, now: Date): Promise<string> {
    const [old] = await tx.query<{ caseNumber: string; personal: string }[]>(
      `select case_number as "caseNumber", personal from application join card using (case_number)
       where card_number = $1`,
      [cardNumber],
    );
    if (!old) throw new Error(`card ${cardNumber} has no application`);
    const { dataKey } = this.config;
    const personal = await openRecord(dataKey, { table: 'application', id: old.caseNumber }, old.personal);
    for (let draw = 0; draw < DRAWS; draw += 1) {
      const caseNumber = newCaseNumber(now);
      const sealed = await sealRecord(dataKey, { table: 'application', id: caseNumber }, personal);
      const inserted = await tx.query<unknown[]>(
        `insert into application (case_number, state, kind, name, branch, county, ubn, certificate_email, rank, personal,
                                  national_id_confirmed, received_at, decided_at, decided_by, way, verifier,
                                  representative_verifier, replaces)
         select $1, 'approved', kind, name, branch, county, ubn, certificate_email, rank, $2, national_id_confirmed, $3,
                $3, $4, way, verifier, representative_verifier, case_number
         from application where case_number = $5
         on conflict (case_number) do nothing returning true`,
        [caseNumber, sealed, now, by, old.caseNumber],
      );
      if (inserted.length > 0) return caseNumber;
    }
    throw new Error('no free case number was drawn');
  }
}
