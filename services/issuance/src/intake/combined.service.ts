import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Clock, rfc3339 } from '#libs/clock';
import { CodeHasher, representativeText } from '#libs/credentials';
import { CaError } from '#libs/errors';
import { newEvent } from '#libs/events';
import { Idempotency } from '#libs/idempotency';
import { Outbox } from '#libs/messaging';
import { applicantOf } from '../applications/application.schema.js';
import { ApplicationRecords, requirePrimary } from '../applications/application-records.js';
import type { ApplicationState } from '../applications/application-state.js';
import { checkIssuable, confirmedNationalId } from '../applications/intake-checks.js';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';
import { assignOrWait } from '../production/card-assignment.js';
import type { CombinedProgress, CombinedRequest } from './combined.schema.js';
import { RegistrationOffices } from './registration-offices.js';

/** A push as it came. */
export interface SignedPush {
  /** Subject of the token it came with. */
  readonly office: string;
  readonly request: CombinedRequest;
  /** The octets of the body, and the signature over them. */
  readonly body: Buffer | undefined;
  readonly signature: string | undefined;
  /** Idempotency-Key */
  readonly key: string | undefined;
}

type Taken = { caseNumber: string; state: ApplicationState };

/**
 * Combined applications (way B): the registration was approved by the office that pushes it, so nobody applies and nobody
 * decides again. The card is assigned at once, or when there is stock.
 */
@Injectable()
export class CombinedService {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly outbox: Outbox,
    private readonly offices: RegistrationOffices,
    private readonly records: ApplicationRecords,
    private readonly idempotency: Idempotency,
    private readonly hasher: CodeHasher,
    @Inject(ISSUANCE_CONFIG) private readonly config: IssuanceConfig,
  ) {}

  /**
   * One effect for each registration of an office, whatever its keys: pushed again it is answered, with other data refused.
   *
   * @throws CaError those of `RegistrationOffices.verify` and of `ApplicationsService.receive`
   *   | conflict (this registration was pushed with other data)
   */
  async receive(push: SignedPush): Promise<Taken> {
    const { office, request, body, signature, key } = push;
    await this.offices.verify(office, signature, body);
    const idempotencyKey = required(key);
    const now = this.clock.now();
    const { representative } = request;
    refuseUnborn(representative.birthDate, now);
    const nationalIdConfirmed = confirmedNationalId(representative, now);
    const applicant = applicantOf(request);
    checkIssuable(applicant, this.config.authority.issuing, this.config.maxCertBytes, now);
    const { name, nationalId, birthDate } = representative;
    const representativeVerifier = await this.hasher.hash(representativeText(nationalId, birthDate));
    const requestHash = this.config.pepper.secretHash(request);
    const command = { key: idempotencyKey, endpoint: `POST /combined-applications ${office}`, requestHash };
    return this.source.transaction((tx) =>
      this.idempotency.run(tx, command, async () => {
        const officeCase = request.registration.caseNumber;
        const before = await this.pushedBefore(tx, { office, officeCase, requestHash });
        if (before) return before;
        await requirePrimary(tx, applicant);
        const caseNumber = await this.records.insert(tx, {
          ...{ applicant, nationalIdConfirmed, now },
          personal: {
            registration: request.registration,
            representative: { name, nationalId, birthDate },
            contact: request.contact,
          },
          origin: {
            ...{ way: 'B', representativeVerifier, office, officeCase, requestHash },
            signed: { body: body!.toString('base64'), signature: signature! },
          },
        });
        return this.approve(tx, caseNumber, office, now);
      }),
    );
  }

  /** For the office that pushed it. @throws CaError notFound */
  async progress(office: string, caseNumber: string): Promise<CombinedProgress> {
    const [row] = await this.source.query<(Omit<CombinedProgress, 'receivedAt' | 'dispatchedAt'> & Times)[]>(
      `select a.case_number as "caseNumber", a.state, a.office_case as "officeCase", a.received_at as "receivedAt",
              c.card_number as "cardNumber", c.dispatched_at as "dispatchedAt"
       from application a left join card c using (case_number) where a.case_number = $1 and a.office = $2`,
      [caseNumber, office],
    );
    if (!row) throw new CaError('notFound', 'your office pushed no such case');
    const { receivedAt, dispatchedAt } = row;
    return { ...row, receivedAt: receivedAt.toISOString(), dispatchedAt: dispatchedAt?.toISOString() ?? null };
  }

  /** Pushes of one registration come one after the other. @throws CaError conflict */
  private async pushedBefore(
    tx: EntityManager,
    { office, officeCase, requestHash }: { office: string; officeCase: string; requestHash: string },
  ): Promise<Taken | undefined> {
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('kaika.issuance.push ' || $1 || ' ' || $2, 0))`, [
      office,
      officeCase,
    ]);
    const [row] = await tx.query<(Taken & { requestHash: string })[]>(
      `select case_number as "caseNumber", state, office_request as "requestHash" from application
       where office = $1 and office_case = $2`,
      [office, officeCase],
    );
    if (!row) return undefined;
    const { caseNumber, state } = row;
    if (row.requestHash === requestHash) return { caseNumber, state };
    throw new CaError('conflict', 'this registration was pushed with other data before', { caseNumber });
  }

  private async approve(tx: EntityManager, caseNumber: string, office: string, now: Date): Promise<Taken> {
    const cardNumber = await assignOrWait(tx, caseNumber, now);
    const state = cardNumber === undefined ? 'waiting-for-stock' : 'approved';
    await this.records.decide(tx, caseNumber, { state, by: office, at: now });
    if (cardNumber !== undefined) {
      const data = { caseNumber, cardNumber };
      await this.outbox.add(tx, newEvent('application.approved', caseNumber, data, { source: 'issuance', now }));
    }
    return { caseNumber, state };
  }
}

interface Times {
  receivedAt: Date;
  dispatchedAt: Date | null;
}

/** A machine that pushes again after a broken connection must be able to say that it does. */
function required(key: string | undefined): string {
  if (key !== undefined) return key;
  const errors = [{ at: 'header:Idempotency-Key', problem: 'must be there' }];
  throw new CaError('invalidRequest', 'header:Idempotency-Key: must be there', { errors });
}

function refuseUnborn(birthDate: string, now: Date): void {
  if (birthDate <= rfc3339(now).slice(0, 10)) return;
  const errors = [{ at: '/representative/birthDate', problem: 'is in the future' }];
  throw new CaError('invalidRequest', '/representative/birthDate: is in the future', { errors });
}
