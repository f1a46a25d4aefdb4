import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import type { EntityManager } from 'typeorm';
import { type EventOf, type StatusRow, TOPICS } from '#libs/events';
import { Consumer, type Delivery, type Handlers } from '#libs/messaging';
import { CasesService } from './cases/cases.service.js';
import { CardLocks } from './returns/card-locks.js';
import { KnownCards } from './known-cards.js';
import { Contacts } from './notices/contacts.js';
import { NoticesService } from './notices/notices.service.js';

/** What this service reacts to: cards it has issued live on, and their subscribers are told. */
@Controller()
export class IssuanceHandlers {
  constructor(
    private readonly known: KnownCards,
    private readonly contacts: Contacts,
    private readonly cases: CasesService,
    private readonly notices: NoticesService,
    private readonly locks: CardLocks,
    private readonly consumer: Consumer,
  ) {}

  readonly on = {
    'contact.changed': (e, tx) => this.contacts.changed(e, tx), // where notices go from now on
    'certificate.refused': (e, tx) => this.cases.open(e, tx), // wrong data: a case for the office
    'one-time-code.requested': (e, tx) => this.notices.oneTimeCode(e, tx), // mailed before it expires
    'card.activated': (e, tx) => this.notices.activated(e, tx),
    'card.locked': (e, tx) => this.locks.locked(e.data, tx),
    'card.unlocked': (e, tx) => this.locks.unlocked(e.data, tx), // identifies a card that was sent in
    'certificate.accepted': (e, tx) => this.statusChanged(e.id, e.data, tx),
    'certificate.suspended': (e, tx) => this.statusChanged(e.id, e.data, tx),
    'certificate.resumed': (e, tx) => this.statusChanged(e.id, e.data, tx),
    'certificate.revoked': (e, tx) => this.statusChanged(e.id, e.data, tx),
    'card.acceptance-due': (e, tx) => this.notices.acceptanceDue(e, tx),
    'credential.set': (e, tx) => this.credentialSet(e, tx),
  } satisfies Handlers;

  @EventPattern([TOPICS.acceptance, TOPICS.status, TOPICS.credential])
  receive(@Payload() delivery: Delivery): Promise<void> {
    return this.consumer.receive(delivery, this.on);
  }

  private async statusChanged(id: string, row: StatusRow, tx: EntityManager): Promise<void> {
    if (row.kind === 'cut') return;
    await this.known.statusChanged(row, tx);
    await this.notices.statusChanged(id, row, tx);
  }

  /** A card's first user code is no change. */
  private async credentialSet(event: EventOf<'credential.set'>, tx: EntityManager): Promise<void> {
    if (await this.known.userCodeSet(event.data, tx)) await this.notices.userCodeChanged(event, tx);
  }
}
