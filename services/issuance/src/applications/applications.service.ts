import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Clock } from '#libs/clock';
import { CodeHasher } from '#libs/credentials';
import { CaError } from '#libs/errors';
import { newEvent } from '#libs/events';
import { Idempotency } from '#libs/idempotency';
import { Outbox } from '#libs/messaging';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';
import { NoticesService } from '../notices/notices.service.js';
import { assignCard } from '../production/card-assignment.js';
import { type ApplicationList, applicantOf, type ApplicationRequest } from './application.schema.js';
import { ApplicationRecords, lockApplication, type NewApplication, requirePrimary } from './application-records.js';
import { APPLICATION_COMMANDS, type ApplicationState, nextState } from './application-state.js';
import { checkIssuable, confirmedNationalId } from './intake-checks.js';
import { ProgressService } from './progress.service.js';

type Decision = { caseNumber: string; state: ApplicationState };

/** Self-applications: taken in, then approved, sent back or rejected by the application office. One transaction a command. */
@Injectable()
export class ApplicationsService {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly outbox: Outbox,
    private readonly records: ApplicationRecords,
    private readonly progress: ProgressService,
    private readonly idempotency: Idempotency,
    private readonly hasher: CodeHasher,
    private readonly notices: NoticesService,
    @Inject(ISSUANCE_CONFIG) private readonly config: IssuanceConfig,
  ) {}

  /**
   * @param key Idempotency-Key
   * @throws CaError nationalIdUnusual | subjectInvalid | certificateTooLarge | primaryCardMissing
   *   | idempotencyKeyReused | tooBusy
   */
  async receive(request: ApplicationRequest, key?: string): Promise<Decision> {
    const given = this.check(request);
    const verifier = await this.hasher.hash(request.userCode);
    return this.once(request, { key, endpoint: 'POST /applications' }, async (tx) => {
      await requirePrimary(tx, given.applicant);
      const caseNumber = await this.records.insert(tx, { ...given, origin: { way: 'A', verifier } });
      return { caseNumber, state: 'received' };
    });
  }

  /**
   * The applicant corrects an application that was sent back: with the user code chosen at first, which stays.
   *
   * @param source `sourceOf` the caller's address
   * @throws CaError codeRefused | tooManyAttempts | conflict (it was not sent back) | those of `receive`
   */
  async resubmit(caseNumber: string, request: ApplicationRequest, source: string, key?: string): Promise<Decision> {
    await this.progress.prove(caseNumber, request.userCode, source);
    const given = this.check(request);
    return this.once(request, { key, endpoint: `POST /applications/${caseNumber}/resubmission` }, async (tx) => {
      const { state } = await lockApplication(tx, caseNumber);
      const received = nextState(state, 'resubmit');
      await requirePrimary(tx, given.applicant);
      await this.records.correct(tx, caseNumber, given);
      return { caseNumber, state: received };
    });
  }

  /** Assigns a blank card. Repeated: the same answer. @throws CaError notFound | applicationNotPending | stockEmpty */
  approve(caseNumber: string, officer: string): Promise<Decision & { cardNumber: string }> {
    return this.source.transaction(async (tx) => {
      const { state, cardNumber } = await lockApplication(tx, caseNumber);
      if (state === 'approved' && cardNumber) return { caseNumber, state, cardNumber };
      const approved = nextState(state, 'approve');
      const now = this.clock.now();
      const assigned = await assignCard(tx, caseNumber, now);
      if (assigned === undefined) throw new CaError('stockEmpty', 'put blank cards into stock first');
      await this.records.decide(tx, caseNumber, { state: approved, by: officer, at: now });
      const data = { caseNumber, cardNumber: assigned };
      await this.outbox.add(tx, newEvent('application.approved', caseNumber, data, { source: 'issuance', now }));
      return { caseNumber, state: approved, cardNumber: assigned };
    });
  }

  /** The first reason stands; repeated with it: the same answer. @throws CaError notFound | applicationNotPending */
  reject(caseNumber: string, reason: string, officer: string): Promise<Decision & { reason: string }> {
    return this.refuse('reject', caseNumber, reason, officer);
  }

  /** Back to the applicant, who may correct it and send it again. @throws CaError notFound | applicationNotPending */
  return(caseNumber: string, reason: string, officer: string): Promise<Decision & { reason: string }> {
    return this.refuse('return', caseNumber, reason, officer);
  }

  /** Oldest first. */
  async list(state: ApplicationState | undefined, after: string | undefined, limit: number): Promise<ApplicationList> {
    const rows = await this.source.query<
      (Omit<ApplicationList['items'][number], 'receivedAt' | 'decidedAt'> & Times)[]
    >(
      `select a.case_number as "caseNumber", a.state, a.kind, a.name, a.branch, a.county, a.ubn, a.rank,
              a.certificate_email as "certificateEmail", a.national_id_confirmed as "nationalIdConfirmed",
              a.received_at as "receivedAt", a.decided_at as "decidedAt", a.reason, a.way, a.office,
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

  private refuse(
    command: 'reject' | 'return',
    caseNumber: string,
    reason: string,
    officer: string,
  ): Promise<Decision & { reason: string }> {
    return this.source.transaction(async (tx) => {
      const present = await lockApplication(tx, caseNumber);
      const refused = APPLICATION_COMMANDS[command].to;
      if (present.state === refused && present.reason === reason) return { caseNumber, state: refused, reason };
      const state = nextState(present.state, command);
      const now = this.clock.now();
      await this.records.decide(tx, caseNumber, { state, by: officer, at: now, reason });
      const type = command === 'reject' ? 'application.rejected' : 'application.returned';
      const event = newEvent(type, caseNumber, { caseNumber }, { source: 'issuance', now });
      await this.outbox.add(tx, event);
      const kind = command === 'reject' ? 'application-rejected' : 'application-returned';
      await this.notices.record(tx, { id: event.id, caseNumber, content: { kind, at: now.toISOString() } });
      return { caseNumber, state, reason };
    });
  }

  /** @throws CaError nationalIdUnusual | subjectInvalid | certificateTooLarge */
  private check(request: ApplicationRequest): Omit<NewApplication, 'origin'> {
    const now = this.clock.now();
    const nationalIdConfirmed = confirmedNationalId(request.representative, now);
    const applicant = applicantOf(request);
    checkIssuable(applicant, this.config.authority.issuing, this.config.maxCertBytes, now);
    const { name, nationalId } = request.representative;
    return {
      applicant,
      personal: { representative: { name, nationalId }, contact: request.contact },
      nationalIdConfirmed,
      now,
    };
  }

  private once(
    request: ApplicationRequest,
    { key, endpoint }: { key: string | undefined; endpoint: string },
    command: (tx: EntityManager) => Promise<Decision>,
  ): Promise<Decision> {
    return this.source.transaction((tx) => {
      if (key === undefined) return command(tx);
      const requestHash = this.config.pepper.secretHash(request);
      return this.idempotency.run(tx, { key, endpoint, requestHash }, () => command(tx));
    });
  }
}

interface Times {
  receivedAt: Date;
  decidedAt: Date | null;
}
