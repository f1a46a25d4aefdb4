import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { TOPICS } from '#libs/events';
import { Consumer, type Delivery, type Handlers } from '#libs/messaging';
import { DefectiveCards } from './defective-cards.js';
import { Receipts } from './receipts.js';
import { SuspensionService } from './suspension.service.js';
import { UserCodes } from './user-codes.js';

/** What this service reacts to. It emits `certificate.accepted|suspended|resumed|revoked` and `status.cut`. */
@Controller()
export class SuspensionHandlers {
  constructor(
    private readonly suspension: SuspensionService,
    private readonly userCodes: UserCodes,
    private readonly receipts: Receipts,
    private readonly defective: DefectiveCards,
    private readonly consumer: Consumer,
  ) {}

  readonly on = {
    'certificate.issued': (e, tx) => this.suspension.track(tx, e.data), // known, waiting for acceptance
    'card.defective': (e, tx) => this.defective.revoke(e.data, tx), // revoked: superseded
    'credential.set': (e, tx) => this.userCodes.replace(tx, e.data), // a newer generation of the verifier
    'crl.published': (e, tx) => this.receipts.complete(tx, e.data), // number and SHA-256 into the receipts
  } satisfies Handlers;

  @EventPattern([TOPICS.issuance, TOPICS.credential, TOPICS.crl])
  receive(@Payload() delivery: Delivery): Promise<void> {
    return this.consumer.receive(delivery, this.on);
  }
}
