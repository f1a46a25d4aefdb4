import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { TOPICS } from '#libs/events';
import { Consumer, type Delivery, type Handlers } from '#libs/messaging';
import { StatusFeed } from '#libs/status-feed';

/** What this service reacts to: each row of the status log lands by its seq. It emits `crl.published`. */
@Controller()
export class CrlPublisherHandlers {
  constructor(
    private readonly feed: StatusFeed,
    private readonly consumer: Consumer,
  ) {}

  readonly on = {
    'certificate.accepted': (e, tx) => this.feed.land(e, tx),
    'certificate.suspended': (e, tx) => this.feed.land(e, tx),
    'certificate.resumed': (e, tx) => this.feed.land(e, tx),
    'certificate.revoked': (e, tx) => this.feed.land(e, tx),
    'status.cut': (e, tx) => this.feed.land(e, tx),
  } satisfies Handlers;

  @EventPattern(TOPICS.status)
  onStatus(@Payload() delivery: Delivery): Promise<void> {
    return this.consumer.receive(delivery, this.on);
  }
}
