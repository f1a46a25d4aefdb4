import { Controller, Logger } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { TOPICS } from '#libs/events';
import { Consumer, type Delivery, type Handlers } from '#libs/messaging';
import { StatusFeed } from '#libs/status-feed';
import { type Watermark, Watermarks } from './ocsp/watermarks.js';
import { applyIssued } from './read-model.js';

/**
 * What this service reacts to: cards as they were issued, each row of the status log, and the watermarks that say how far
 * that log goes. It emits nothing.
 */
@Controller()
export class StatusQueryHandlers {
  readonly #log = new Logger('status-query');

  constructor(
    private readonly feed: StatusFeed,
    private readonly consumer: Consumer,
    private readonly watermarks: Watermarks,
  ) {}

  readonly on = {
    'certificate.issued': (e, tx) => applyIssued(e.data, tx),
    'certificate.accepted': (e) => this.feed.land(e),
    'certificate.suspended': (e) => this.feed.land(e),
    'certificate.resumed': (e) => this.feed.land(e),
    'certificate.revoked': (e) => this.feed.land(e),
    'status.cut': (e) => this.feed.land(e),
  } satisfies Handlers;

  @EventPattern(TOPICS.issuance)
  onIssuance(@Payload() delivery: Delivery): Promise<void> {
    return this.consumer.receive(delivery, this.on);
  }

  @EventPattern(TOPICS.status)
  onStatus(@Payload() delivery: Delivery): Promise<void> {
    const watermark = Watermarks.in(delivery);
    return watermark ? this.note(watermark) : this.consumer.receive(delivery, this.on);
  }

  /** One that is lost is followed by a better one, so it keeps nothing behind it waiting. */
  private async note(watermark: Watermark): Promise<void> {
    await this.watermarks.note(watermark).catch((error: Error) => this.#log.warn(`watermark lost: ${error.message}`));
  }
}
