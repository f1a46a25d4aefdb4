import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { Clock } from '#libs/clock';
import { DualControl, type DualControlRequest, requestSchemas, type TwoPersonAct } from '#libs/dual-control';
import { CaError } from '#libs/errors';
import { utc } from '#libs/events';
import { cardNumberOrTest } from '#libs/taiwan';
import { Card } from '../card.entity.js';
import { KnownCards } from '../known-cards.js';
import { usedUpAmong } from './used-up.js';

/** An approval serves for a day's work on the card. */
const APPROVAL_HOURS = 24;

const UNLOCK = {
  kind: 'unlock',
  parameters: z.object({ ground: z.string() }),
  result: z.object({ usableUntil: utc }),
} satisfies TwoPersonAct;
type Stored = DualControlRequest<z.output<typeof UNLOCK.parameters>, z.output<typeof UNLOCK.result>>;

export const unlockRequest = requestSchemas.request.extend({
  cardNumber: z.string(),
  usableUntil: utc.nullable().describe('of an approved request: when it stops to serve'),
  isUsable: z.boolean().describe('approved, not too long ago, and a job is left: the card was not unlocked under it'),
});
export type UnlockRequest = z.output<typeof unlockRequest>;
export const unlockRequestsQuery = requestSchemas.requestsQuery.extend({ cardNumber: cardNumberOrTest.optional() });
export type UnlockRequestsQuery = z.output<typeof unlockRequestsQuery>;

/** Unlocking takes two officers (DOMAIN.md §7): one asks, another approves; then either works on the card. */
@Injectable()
export class UnlockRequestsService {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly dualControl: DualControl,
    private readonly known: KnownCards,
  ) {}

  /** @throws CaError unknownCard | cardRevoked */
  request(cardNumber: string, { by, ground }: { by: string; ground: string }): Promise<UnlockRequest> {
    return this.source.transaction(async (tx) => {
      if (!(await tx.existsBy(Card, { cardNumber }))) throw new CaError('unknownCard', `card ${cardNumber}`);
      await this.known.refuseRevoked(cardNumber, tx);
      const asked = await this.dualControl.request(tx, UNLOCK, { about: cardNumber, parameters: { ground }, by });
      return this.view(asked, tx);
    });
  }

  /** @throws CaError notFound | ownRequest | requestDecided | requestExpired */
  approve(id: string, by: string): Promise<UnlockRequest> {
    const usableUntil = new Date(this.clock.nowMs() + APPROVAL_HOURS * 3_600_000).toISOString();
    return this.source.transaction(async (tx) =>
      this.view(await this.dualControl.approve(tx, UNLOCK, { id, by }, () => Promise.resolve({ usableUntil })), tx),
    );
  }

  /** @throws CaError notFound | ownRequest | requestDecided | requestExpired */
  reject(id: string, by: string, ground: string): Promise<UnlockRequest> {
    return this.source.transaction(async (tx) =>
      this.view(await this.dualControl.reject(tx, UNLOCK, { id, by, ground }), tx),
    );
  }

  async list({ cardNumber: about, ...query }: UnlockRequestsQuery) {
    const page = { ...query, ...(about && { about }) };
    const found = await this.dualControl.list(this.source.manager, UNLOCK, page);
    const usedUp = await usedUpAmong(this.source.manager, idsOf(found));
    return requestSchemas.pageOf(found, query, (one) => this.viewOf(one, usedUp.has(one.id)));
  }

  /**
   * @returns number of the card it is about
   * @throws CaError notFound | conflict while nobody approved it, or when it was rejected | requestExpired
   */
  async approved(id: string): Promise<string> {
    const request = await this.dualControl.read(this.source.manager, UNLOCK, id);
    if (request.state === 'expired') throw new CaError('requestExpired', 'nobody approved it in time');
    if (!request.result) throw new CaError('conflict', `the request is ${request.state}; another officer approves it`);
    if (new Date(request.result.usableUntil) <= this.clock.now()) {
      throw new CaError('requestExpired', `its approval served until ${request.result.usableUntil}`);
    }
    return request.about;
  }

  private async view(stored: Stored, manager: EntityManager): Promise<UnlockRequest> {
    return this.viewOf(stored, (await usedUpAmong(manager, idsOf([stored]))).has(stored.id));
  }

  private viewOf(stored: Stored, isUsedUp: boolean): UnlockRequest {
    const usableUntil = stored.result?.usableUntil ?? null;
    const isUsable = usableUntil !== null && !isUsedUp && new Date(usableUntil) > this.clock.now();
    return { ...requestSchemas.viewOf(stored), cardNumber: stored.about, usableUntil, isUsable };
  }
}

/** Of those that have an approval to use up. */
const idsOf = (requests: Stored[]) => requests.filter(({ result }) => result).map(({ id }) => id);
