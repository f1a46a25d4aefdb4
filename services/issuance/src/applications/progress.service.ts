import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { AttemptStore, CodeHasher } from '#libs/credentials';
import { CaError } from '#libs/errors';
import type { Progress } from './application.schema.js';
import { ApplicationContents } from './application-content.js';

interface Row extends Omit<Progress, 'receivedAt' | 'decidedAt' | 'card' | 'correction'> {
  verifier: string | null;
  receivedAt: Date;
  decidedAt: Date | null;
  cardNumber: string | null;
  cardState: 'assigned' | 'issued' | 'dispatched';
  registeredMail: string | null;
}

/** What an applicant may know and do, for the user code chosen in the application. */
@Injectable()
export class ProgressService {
  constructor(
    private readonly source: DataSource,
    private readonly hasher: CodeHasher,
    private readonly attempts: AttemptStore,
    private readonly contents: ApplicationContents,
  ) {}

  /** @throws those of `prove` */
  async progress(caseNumber: string, userCode: string, source: string): Promise<Progress> {
    const { state, reason, receivedAt, decidedAt, cardNumber, cardState, registeredMail } = await this.prove(
      caseNumber,
      userCode,
      source,
    );
    return {
      ...{ caseNumber, state, reason },
      receivedAt: receivedAt.toISOString(),
      decidedAt: decidedAt?.toISOString() ?? null,
      card: cardNumber === null ? null : { cardNumber, state: cardState, registeredMail },
      correction: state === 'returned' ? await this.correction(caseNumber) : null,
    };
  }

  /**
   * The same answer, at the same cost, for a wrong code, for a case that doesn't exist and for one that has no code (a
   * combined application).
   *
   * @param source `sourceOf` the caller's address
   * @throws CaError codeRefused | tooManyAttempts | tooBusy
   */
  async prove(caseNumber: string, userCode: string, source: string): Promise<Row> {
    const row = await this.read(caseNumber);
    const attempt = { cardNumber: caseNumber, purpose: 'progress', source } as const;
    const right = await this.attempts.check(attempt, () => this.hasher.verify(row?.verifier ?? undefined, userCode));
    if (!row || !right) throw new CaError('codeRefused', 'the case number or the user code is not right');
    return row;
  }

  private async correction(caseNumber: string): Promise<Progress['correction']> {
    const { applicant, representative, contact } = await this.contents.read(caseNumber);
    return { ...applicant, representative, contact };
  }

  private async read(caseNumber: string): Promise<Row | undefined> {
    const [row] = await this.source.query<Row[]>(
      `select a.state, a.verifier, a.reason, a.received_at as "receivedAt",
              a.decided_at as "decidedAt", c.card_number as "cardNumber", c.state as "cardState",
              c.registered_mail as "registeredMail"
       from application a left join card c using (case_number) where a.case_number = $1`,
      [caseNumber],
    );
    return row;
  }
}
