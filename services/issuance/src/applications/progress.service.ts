import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { AttemptStore, CodeHasher } from '#libs/credentials';
import { CaError } from '#libs/errors';
import type { Progress } from './application.schema.js';

interface Row extends Omit<Progress, 'receivedAt' | 'decidedAt' | 'card'> {
  verifier: string;
  receivedAt: Date;
  decidedAt: Date | null;
  cardNumber: string | null;
  cardState: 'assigned' | 'issued' | 'dispatched';
  registeredMail: string | null;
}

/** What an applicant may know of his case, for the user code he chose. */
@Injectable()
export class ProgressService {
  constructor(
    private readonly source: DataSource,
    private readonly hasher: CodeHasher,
    private readonly attempts: AttemptStore,
  ) {}

  /**
   * The same answer, at the same cost, for a wrong code and for a case that doesn't exist.
   *
   * @param source `sourceOf` the caller's address
   * @throws CaError codeRefused | tooManyAttempts | tooBusy
   */
  async progress(caseNumber: string, userCode: string, source: string): Promise<Progress> {
    const row = await this.read(caseNumber);
    const attempt = { cardNumber: caseNumber, purpose: 'user-code', source } as const;
    const right = await this.attempts.check(attempt, () => this.hasher.verify(row?.verifier, userCode));
    if (!row || !right) throw new CaError('codeRefused', 'the case number or the user code is not right');
    const { state, reason, receivedAt, decidedAt, cardNumber, cardState, registeredMail } = row;
    return {
      ...{ caseNumber, state, reason },
      receivedAt: receivedAt.toISOString(),
      decidedAt: decidedAt?.toISOString() ?? null,
      card: cardNumber === null ? null : { cardNumber, state: cardState, registeredMail },
    };
  }

  private async read(caseNumber: string): Promise<Row | undefined> {
    const [row] = await this.source.query<Row[]>(
      `select a.state, a.verifier, a.rejection_reason as reason, a.received_at as "receivedAt",
              a.decided_at as "decidedAt", c.card_number as "cardNumber", c.state as "cardState",
              c.registered_mail as "registeredMail"
       from application a left join card c using (case_number) where a.case_number = $1`,
      [caseNumber],
    );
    return row;
  }
}
