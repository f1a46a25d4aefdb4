import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { openRecord } from '#libs/credentials';
import type { Applicant } from '../certificates/subject.js';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';

/** What an applicant has told, without the national ID, which never leaves again. */
export interface ApplicationContent {
  readonly caseNumber: string;
  readonly applicant: Applicant;
  readonly representative: { readonly name: string; readonly nationalIdGiven: boolean };
  readonly contact: { readonly name: string; readonly email: string; readonly phone: string; readonly address: string };
  readonly receivedAt: Date;
  /** How often it was corrected, and when at last. */
  readonly corrections: number;
  readonly correctedAt: Date | null;
}

interface Personal {
  representative: { name: string; nationalId?: string };
  contact: ApplicationContent['contact'];
}

type Row = Applicant & { personal: string; receivedAt: Date; corrections: number; correctedAt: Date | null };

/** Self-applications, opened for whoever has proved to be their applicant. */
@Injectable()
export class ApplicationContents {
  constructor(
    private readonly source: DataSource,
    @Inject(ISSUANCE_CONFIG) private readonly config: Pick<IssuanceConfig, 'dataKey'>,
  ) {}

  /** Of a case that there is, and that was applied for by its holder (way A). */
  async read(caseNumber: string): Promise<ApplicationContent> {
    const [row] = await this.source.query<Row[]>(
      `select kind, name, branch, county, ubn, certificate_email as "certificateEmail", rank, personal,
              received_at as "receivedAt", r.corrections, r.at as "correctedAt"
       from application a, lateral (select count(*)::int as corrections, max(replaced_at) as at
                                    from application_revision where case_number = a.case_number) r
       where case_number = $1 and way = 'A'`,
      [caseNumber],
    );
    const { personal, receivedAt, corrections, correctedAt, ...applicant } = row!;
    const opened = await openRecord(this.config.dataKey, { table: 'application', id: caseNumber }, personal);
    const { representative, contact } = opened as Personal;
    return {
      ...{ caseNumber, applicant, contact, receivedAt, corrections, correctedAt },
      representative: { name: representative.name, nationalIdGiven: representative.nationalId !== undefined },
    };
  }
}
