import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { TOPICS } from '#libs/events';
import { Consumer, type Delivery, type Handlers } from '#libs/messaging';
import { KnownCards } from './known-cards.js';

/** What this service reacts to. It emits `card.activated`, `card.locked`, `card.unlocked`, `certificate.refused`, `contact.changed`, `credential.set`, `one-time-code.requested`. */
@Controller()
export class AcceptanceHandlers {
  constructor(
    private readonly known: KnownCards,
    private readonly consumer: Consumer,
  ) {}

  readonly on = {
    'certificate.issued': (e, tx) => this.known.issued(e.data, tx), // certificates that proofs are checked with
    'credential.set': (e, tx) => this.known.credentialSet(e.data, tx), // a newer generation of the verifier
    'certificate.accepted': (e, tx) => this.known.statusChanged(e.data, tx),
    'certificate.suspended': (e, tx) => this.known.statusChanged(e.data, tx),
    'certificate.resumed': (e, tx) => this.known.statusChanged(e.data, tx),
    'certificate.revoked': (e, tx) => this.known.statusChanged(e.data, tx),
  } satisfies Handlers;

  @EventPattern([TOPICS.issuance, TOPICS.credential, TOPICS.status])
  receive(@Payload() delivery: Delivery): Promise<void> {
    return this.consumer.receive(delivery, this.on);
  }
}
