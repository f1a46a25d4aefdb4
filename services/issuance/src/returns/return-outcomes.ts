import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { Clock, toWholeSeconds } from '#libs/clock';
import { DualControl, type DualControlRequest, requestSchemas, type TwoPersonAct } from '#libs/dual-control';
import { CaError } from '#libs/errors';
import { newEvent } from '#libs/events';
import { Outbox } from '#libs/messaging';
import { Replacements } from './replacement.js';
import type { OutcomeAsked, ReturnCase } from './return.schema.js';
import { readReturn, type ReturnRow, viewOf, worthOf } from './return-rows.js';
import { nextReturnState, type Outcome, OUTCOMES } from './return-state.js';

const ACT = {
  kind: 'return-outcome',
  parameters: z.object({ outcome: z.enum(OUTCOMES), ground: z.string() }),
  result: z.object({ newCaseNumber: z.string().nullable() }),
} satisfies TwoPersonAct;

type Stored = DualControlRequest<z.output<typeof ACT.parameters>, z.output<typeof ACT.result>>;

/** What becomes of a card that was sent in takes two officers: one asks, another approves or rejects (DOMAIN.md §7). */
@Injectable()
export class ReturnOutcomes {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly outbox: Outbox,
    private readonly dualControl: DualControl,
    private readonly replacements: Replacements,
  ) {}

  /** @throws CaError notFound | conflict | cardRevoked | cardExpired (defective: no free card for those) */
  ask(
    caseNumber: string,
    { outcome, ground }: { outcome: Outcome; ground: string },
    by: string,
  ): Promise<OutcomeAsked> {
    return this.source.transaction(async (tx) => {
      await this.mustBePossible(tx, await readReturn(tx, caseNumber), outcome);
      const asked = { about: caseNumber, parameters: { outcome, ground }, by };
      return view(await this.dualControl.request(tx, ACT, asked));
    });
  }

  /**
   * Decides, in this transaction and once. Found defective: the card's certificates are to be revoked (`card.defective`),
   * and a new card is applied for.
   *
   * @param by another officer than the one who asked
   * @throws CaError notFound | ownRequest | requestDecided | requestExpired | conflict | cardRevoked | cardExpired
   */
  approve(id: string, by: string): Promise<{ request: OutcomeAsked; case: ReturnCase }> {
    return this.source.transaction(async (tx) => {
      const approved = await this.dualControl.approve(tx, ACT, { id, by }, (asked) => this.decide(tx, asked, by));
      return { request: view(approved), case: viewOf(await readReturn(tx, approved.about)) };
    });
  }

  /** @throws CaError notFound | ownRequest | requestDecided | requestExpired */
  reject(id: string, by: string, ground: string): Promise<OutcomeAsked> {
    return this.source.transaction(async (tx) => view(await this.dualControl.reject(tx, ACT, { id, by, ground })));
  }

  async list(query: requestSchemas.RequestsQuery) {
    return requestSchemas.pageOf(await this.dualControl.list(this.source.manager, ACT, query), query, view);
  }

  private async decide(tx: EntityManager, { about, parameters, requestedBy }: Stored, by: string) {
    const { outcome } = parameters;
    const row = await readReturn(tx, about, true);
    const state = await this.mustBePossible(tx, row, outcome);
    const now = this.clock.now();
    const newCaseNumber = outcome === 'defective' ? await this.replacements.apply(tx, row.cardNumber, by, now) : null;
    await tx.query(
      `update card_return set state = $2, outcome = $3, asked_by = $4, decided_by = $5, decided_at = $6, replacement = $7
       where case_number = $1`,
      [about, state, outcome, requestedBy, by, now, newCaseNumber],
    );
    if (outcome === 'defective') {
      // Events of one card leave in the order in which its row was locked: as when it was issued or dispatched.
      await tx.query('select 1 from card where card_number = $1 for update', [row.cardNumber]);
      const data = { cardNumber: row.cardNumber, caseNumber: about, at: now.toISOString() };
      await this.outbox.add(tx, newEvent('card.defective', row.cardNumber, data, { source: 'issuance', now }));
    }
    return { newCaseNumber };
  }

  private async mustBePossible(tx: EntityManager, row: ReturnRow, outcome: Outcome) {
    const state = nextReturnState(row, 'decide', outcome);
    if (outcome !== 'defective') return state;
    const { cardNumber } = row;
    const { revoked, notAfter } = await worthOf(tx, cardNumber);
    if (revoked) throw new CaError('cardRevoked', `card ${cardNumber} is revoked`, { cardNumber });
    if (toWholeSeconds(this.clock.now()) > notAfter) {
      throw new CaError('cardExpired', `card ${cardNumber} is expired`, { cardNumber });
    }
    return state;
  }
}

function view(stored: Stored): OutcomeAsked {
  return { ...requestSchemas.viewOf(stored), caseNumber: stored.about, outcome: stored.parameters.outcome };
}
