import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { openRecord, openSealed, sealRecord } from '#libs/credentials';
import { type EventOf, SEALED_PAYLOADS, sealedContext } from '#libs/events';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';

interface Row {
  name: string;
  caseNumber: string;
  application: string;
  contact: string | null;
}

/** Whom a card's notices go to. `email` is undefined until there is one: a combined application brings none. */
export interface Contact {
  readonly name: string;
  readonly email: string | undefined;
}

/** The contact's e-mail addresses, sealed: from the application, or from the activation since. */
@Injectable()
export class Contacts {
  constructor(
    private readonly source: DataSource,
    @Inject(ISSUANCE_CONFIG) private readonly config: Pick<IssuanceConfig, 'dataKey' | 'ownKey'>,
  ) {}

  /** The later word stands. @throws Error when it is not sealed to this service, or for another card */
  async changed({ data, time }: EventOf<'contact.changed'>, tx: EntityManager): Promise<void> {
    const { cardNumber, jwe } = data;
    const opened = await openSealed(this.config.ownKey, jwe, sealedContext('contact.changed', cardNumber));
    const { email } = SEALED_PAYLOADS['contact.changed'].parse(opened);
    await tx.query(
      `insert into contact as known (card_number, personal, changed_at) values ($1, $2, $3)
       on conflict (card_number) do update set personal = excluded.personal, changed_at = excluded.changed_at
       where excluded.changed_at >= known.changed_at`,
      [cardNumber, await sealRecord(this.config.dataKey, { table: 'contact', id: cardNumber }, { email }), time],
    );
  }

  /** Undefined for a card that nobody has. */
  async of(cardNumber: string): Promise<Contact | undefined> {
    const [row] = await this.source.query<Row[]>(
      `select a.name, a.case_number as "caseNumber", a.personal as application, c.personal as contact
       from card k join application a using (case_number) left join contact c on c.card_number = k.card_number
       where k.card_number = $1`,
      [cardNumber],
    );
    return row && { name: row.name, email: await this.email(cardNumber, row) };
  }

  /** Of an application, as it stands. */
  async ofApplication(caseNumber: string): Promise<Contact | undefined> {
    const [row] = await this.source.query<Pick<Row, 'name' | 'application'>[]>(
      'select name, personal as application from application where case_number = $1',
      [caseNumber],
    );
    return row && { name: row.name, email: await this.applicationEmail(caseNumber, row.application) };
  }

  private async email(cardNumber: string, { caseNumber, application, contact }: Row): Promise<string | undefined> {
    const { dataKey } = this.config;
    if (contact !== null) {
      return ((await openRecord(dataKey, { table: 'contact', id: cardNumber }, contact)) as { email: string }).email;
    }
    return this.applicationEmail(caseNumber, application);
  }

  private async applicationEmail(caseNumber: string, sealed: string): Promise<string | undefined> {
    const personal = await openRecord(this.config.dataKey, { table: 'application', id: caseNumber }, sealed);
    return (personal as { contact?: { email?: string } }).contact?.email;
  }
}
