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
    'certificate.accepted': (e) => this.feed.land(e),
    'certificate.suspended': (e) => this.feed.land(e),
    'certificate.resumed': (e) => this.feed.land(e),
    'certificate.revoked': (e) => this.feed.land(e),
    'status.cut': (e) => this.feed.land(e),
  } satisfies Handlers;

  @EventPattern(TOPICS.status)
  onStatus(@Payload() delivery: Delivery): Promise<void> {
    return this.consumer.receive(delivery, this.on);
  }
}
