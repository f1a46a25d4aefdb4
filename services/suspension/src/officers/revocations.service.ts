import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { toWholeSeconds } from '#libs/clock';
import { DualControl, requestSchemas, type DualControlRequest, type TwoPersonAct } from '#libs/dual-control';
import { CaError } from '#libs/errors';
import { utc } from '#libs/events';
import { lockKnownCard } from '../card.js';
import { CardChanges, refuseClosed } from '../card-changes.js';
import { revocationReason } from '../card-status.js';
import { Receipts, type Receipt } from '../receipts.js';
import { utcSeconds } from '../utc.js';
import { OfficerCommands, type Order } from './officer-commands.js';
import type { RevocationBody, RevocationRequest } from './officers.schema.js';

const REVOCATION = {
  kind: 'revocation',
  parameters: z.object({ reason: revocationReason, compromisedAt: utc.nullable(), ground: z.string() }),
  result: z.object({ receiptId: z.uuid() }),
} satisfies TwoPersonAct;

type Stored = DualControlRequest<z.output<typeof REVOCATION.parameters>, z.output<typeof REVOCATION.result>>;

/** Revocation takes two officers: one asks, another approves or rejects (DOMAIN.md §7). */
@Injectable()
export class RevocationsService {
  constructor(
    private readonly source: DataSource,
    private readonly commands: OfficerCommands,
    private readonly dualControl: DualControl,
    private readonly changes: CardChanges,
    private readonly receipts: Receipts,
  ) {}

  /**
   * Asks for a revocation; whether it happens is decided by the card's state when the request is approved.
   *
   * @returns the request; of a card that is revoked already, the receipt of its revocation
   * @throws CaError unknownCard | cardExpired | invalidRequest | idempotencyKeyReused
   */
  request(order: Order, { reason, compromisedAt, ground }: RevocationBody): Promise<RevocationRequest | Receipt> {
    const body = { reason, compromisedAt: compromisedAt && wholeSeconds(compromisedAt), ground };
    return this.commands.run('revocation', order, body, async (tx) => {
      const { cardNumber, by } = order;
      const card = await lockKnownCard(tx, cardNumber);
      if (card.state.revoked) return this.receipts.last(tx, cardNumber, null);
      refuseClosed(card);
      if (body.compromisedAt && new Date(body.compromisedAt) > card.readAt) {
        const errors = [{ at: '/compromisedAt', problem: 'is in the future' }];
        throw new CaError('invalidRequest', 'compromisedAt is in the future', { errors });
      }
      const parameters = { reason, compromisedAt: body.compromisedAt ?? null, ground };
      return view(await this.dualControl.request(tx, REVOCATION, { about: cardNumber, parameters, by }));
    });
  }

  /**
   * Revokes, in this transaction and once. A card that was revoked since has the receipt of that revocation.
   *
   * @param by another officer than the one who asked
   * @throws CaError notFound | ownRequest | requestDecided | requestExpired | cardExpired
   */
  approve(id: string, by: string): Promise<{ request: RevocationRequest; receipt: Receipt }> {
    return this.source.transaction(async (tx) => {
      const approved = await this.dualControl.approve(tx, REVOCATION, { id, by }, (asked) =>
        this.revoke(tx, asked, by),
      );
      const receipt = await this.receipts.read(approved.result!.receiptId, tx);
      return { request: view(approved), receipt };
    });
  }

  /** @throws CaError notFound | ownRequest | requestDecided | requestExpired */
  reject(id: string, by: string, ground: string): Promise<RevocationRequest> {
    return this.source.transaction(async (tx) =>
      view(await this.dualControl.reject(tx, REVOCATION, { id, by, ground })),
    );
  }

  async list(query: requestSchemas.RequestsQuery) {
    return requestSchemas.pageOf(await this.dualControl.list(this.source.manager, REVOCATION, query), query, view);
  }

  private async revoke(tx: EntityManager, { id, about, parameters }: Stored, by: string) {
    const { reason, compromisedAt, ground } = parameters;
    const card = await lockKnownCard(tx, about);
    const since = compromisedAt && { compromisedAt: new Date(compromisedAt) };
    const record = { act: 'revoke', by, ground, request: id } as const;
    const receipt = await this.changes.withReceipt(tx, card, { name: 'revoke', reason, ...since }, record);
    return { receiptId: receipt.id };
  }
}

/** An invalidityDate has no fraction (RFC 5280 §5.3.2 and §4.1.2.5.2). */
function wholeSeconds(text: string): string {
  return utcSeconds(toWholeSeconds(new Date(text)));
}

function view(stored: Stored): RevocationRequest {
  const { reason, compromisedAt } = stored.parameters;
  return {
    ...requestSchemas.viewOf(stored),
    ...{ cardNumber: stored.about, reason, compromisedAt, receiptId: stored.result?.receiptId ?? null },
  };
}
