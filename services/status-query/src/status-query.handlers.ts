import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { TOPICS } from '#libs/events';
import { Consumer, type Delivery, type Handlers } from '#libs/messaging';
import { StatusFeed } from '#libs/status-feed';
import { applyIssued } from './read-model.js';

/** What this service reacts to: cards as they were issued, and each row of the status log. It emits nothing. */
@Controller()
export class StatusQueryHandlers {
  constructor(
    private readonly feed: StatusFeed,
    private readonly consumer: Consumer,
  ) {}

  readonly on = {
    'certificate.issued': (e, tx) => applyIssued(e.data, tx),
    'certificate.accepted': (e, tx) => this.feed.land(e, tx),
    'certificate.suspended': (e, tx) => this.feed.land(e, tx),
    'certificate.resumed': (e, tx) => this.feed.land(e, tx),
    'certificate.revoked': (e, tx) => this.feed.land(e, tx),
    'status.cut': (e, tx) => this.feed.land(e, tx),
  } satisfies Handlers;

  @EventPattern(TOPICS.issuance)
  onIssuance(@Payload() delivery: Delivery): Promise<void> {
    return this.consumer.receive(delivery, this.on);
  }

  @EventPattern(TOPICS.status)
  onStatus(@Payload() delivery: Delivery): Promise<void> {
    return this.consumer.receive(delivery, this.on);
  }
}
