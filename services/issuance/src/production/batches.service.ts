import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { Outbox } from '#libs/messaging';
import { VirtualCardStore } from '#libs/virtual-card';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';
import type { Batch, BatchRequest } from './batch.schema.js';
import { assignWaiting, lockStock } from './card-assignment.js';
import { CARD_STATES, type CardState } from './card-state.js';

const SHOWN = 10;

/** Deliveries of blank cards, each with the supplier's number. */
@Injectable()
export class BatchesService {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly outbox: Outbox,
    private readonly cards: VirtualCardStore,
    @Inject(ISSUANCE_CONFIG) private readonly config: Pick<IssuanceConfig, 'stations'>,
  ) {}

  /**
   * Takes a whole delivery into stock, or nothing of it. Applications that wait for a card get theirs.
   *
   * @throws CaError conflict (the batch, or one of its cards, is known) | managementKeyFixed (plain PIV cards keep the
   *   management key they come with)
   */
  async receive({ batch, family, cardNumbers }: BatchRequest, by: string): Promise<Batch> {
    if (family === 'piv') {
      throw new CaError('managementKeyFixed', 'plain PIV cards take a management key by their maker’s means only');
    }
    await this.source.transaction(async (tx) => {
      await lockStock(tx);
      await this.mustBeNew(tx, batch, cardNumbers);
      const now = this.clock.now();
      await tx.query(
        'insert into card_batch (batch, family, card_count, received_at, received_by) values ($1, $2, $3, $4, $5)',
        [batch, family, cardNumbers.length, now, by],
      );
      if (this.config.stations.length === 0) {
        for (const cardNumber of cardNumbers) await this.cards.create(cardNumber, { family });
      }
      await tx.query(
        `insert into card (card_number, state, added_at, batch) select unnest($1::text[]), 'blank', $2, $3`,
        [cardNumbers, now, batch],
      );
      await assignWaiting(tx, this.outbox, now);
    });
    return (await this.list(batch))[0]!;
  }

  /** Newest first. */
  async list(batch?: string): Promise<Batch[]> {
    const rows = await this.source.query<Row[]>(
      `select b.batch, b.family, b.card_count as cards, b.received_at as "receivedAt", b.received_by as "receivedBy",
              (select jsonb_object_agg(state, n) from (
                 select state, count(*)::int as n from card k where k.batch = b.batch group by state) as counts) as states
       from card_batch b where $1::text is null or b.batch = $1
       order by b.received_at desc, b.batch limit 200`,
      [batch ?? null],
    );
    return rows.map(({ receivedAt, states, ...row }) => ({
      ...row,
      receivedAt: receivedAt.toISOString(),
      states: Object.fromEntries(CARD_STATES.map((state) => [state, states[state] ?? 0])) as Record<CardState, number>,
    }));
  }

  private async mustBeNew(tx: EntityManager, batch: string, cardNumbers: string[]): Promise<void> {
    const [known] = await tx.query<unknown[]>('select 1 from card_batch where batch = $1', [batch]);
    if (known) throw new CaError('conflict', 'a batch of this number is in stock already');
    const cards = await tx.query<{ card_number: string }[]>(
      'select card_number from card where card_number = any($1) order by card_number',
      [cardNumbers],
    );
    if (cards.length === 0) return;
    const shown = cards.slice(0, SHOWN).map(({ card_number }) => card_number);
    throw new CaError('conflict', `${cards.length} of these cards are known already`, { known: shown });
  }
}

interface Row extends Omit<Batch, 'receivedAt' | 'states'> {
  receivedAt: Date;
  states: Partial<Record<CardState, number>>;
}
