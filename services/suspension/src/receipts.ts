import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { nextMidnight } from '#libs/clock';
import type { Write } from '#libs/database';
import { CaError } from '#libs/errors';
import { holder, utc, type CardRow, type EventData, type Holder } from '#libs/events';
import { revocationReason, STATUSES, type CardStatus, type RevocationReason } from './card-status.js';
import { sentenceOf } from './sentence.js';
import { utcSeconds } from './utc.js';

export const RECEIPTED = ['suspend', 'resume', 'hold', 'release', 'revoke'] as const;
type Receipted = (typeof RECEIPTED)[number];

/** What a subscriber or officer gets for a command: the status now, and the list that will carry it. */
export const receipt = z.object({
  id: z.uuid(),
  cardNumber: z.string(),
  command: z.enum(RECEIPTED),
  holder: holder.nullable().describe('whose hold was put up or lifted; null: a revocation'),
  reason: revocationReason.nullable().describe('of a revocation'),
  status: z.enum(STATUSES).describe('status of the card after the command'),
  standingHolds: z.array(holder).describe('whose holds stand after the command'),
  at: utc.describe('time of the change in the status log'),
  cut: utc.describe('the midnight whose list carries the change, if no emergency list does earlier'),
  sentence: z.object({ 'zh-TW': z.string(), en: z.string() }),
  list: z
    .object({ number: z.string().describe('CRL number, decimal'), sha256: z.string() })
    .nullable()
    .describe('the first published list that speaks of the time after the change; null until then'),
});
export type Receipt = z.output<typeof receipt>;

interface ReceiptRecord {
  id: string;
  cardNumber: string;
  command: Receipted;
  holder: Holder | null;
  reason: RevocationReason | null;
  status: CardStatus;
  holds: Holder[];
  at: Date;
  cut: Date;
}

/** Receipts never change; the list that carries one is looked up among those published. */
@Injectable()
export class Receipts {
  constructor(private readonly source: DataSource) {}

  /** The receipt of a change, and what has to be written for it. */
  make(
    row: CardRow,
    change: Pick<ReceiptRecord, 'id' | 'command' | 'holder' | 'reason' | 'status'>,
  ): { receipt: Receipt; write: Write } {
    const { cardNumber, holds, issuerSki, seq } = row;
    const at = new Date(row.at);
    const record = { ...change, cardNumber, holds, at, cut: nextMidnight(at) };
    const { id, command, holder, reason, status, cut } = record;
    const write = {
      sql: `insert into receipt (id, seq, card_number, issuer_ski, command, holder, reason, status, holds, at, cut)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      values: [id, seq, cardNumber, issuerSki, command, holder, reason, status, holds, at, cut],
    };
    return { receipt: receiptOf(record, null), write };
  }

  /** A list is published: the receipts of what is below its marker can name it. */
  async complete(tx: EntityManager, list: EventData<'crl.published'>): Promise<void> {
    await tx.query(
      `insert into published_list (issuer_ski, number, marker_seq, sha256) values ($1, $2, $3, $4)
       on conflict do nothing`,
      [list.issuerSki, list.number, list.markerSeq, list.sha256],
    );
  }

  /** @throws CaError notFound */
  read(id: string, tx: EntityManager = this.source.manager): Promise<Receipt> {
    return this.find(tx, 'id = $1', [id]);
  }

  /** Of a card's last command by this holder; null: of its revocation. */
  last(tx: EntityManager, cardNumber: string, holder: Holder | null): Promise<Receipt> {
    const newest = `(select max(seq) from receipt where card_number = $1 and holder is not distinct from $2)`;
    return this.find(tx, `seq = ${newest}`, [cardNumber, holder]);
  }

  private async find(tx: EntityManager, which: string, parameters: unknown[]): Promise<Receipt> {
    const [found] = (await tx.query(
      `select id, card_number as "cardNumber", command, holder, reason, status, holds, at, cut,
              list.number::text, list.sha256
       from receipt left join lateral (
         select number, sha256 from published_list
         where issuer_ski = receipt.issuer_ski and marker_seq > receipt.seq
         order by marker_seq, number limit 1
       ) as list on true
       where ${which}`,
      parameters,
    )) as (ReceiptRecord & (NonNullable<Receipt['list']> | { number: null; sha256: null }))[];
    if (!found) throw new CaError('notFound', 'no such receipt');
    const { number, sha256, ...record } = found;
    return receiptOf(record, number === null ? null : { number, sha256 });
  }
}

function receiptOf(record: ReceiptRecord, list: Receipt['list']): Receipt {
  const { id, cardNumber, command, holder, reason, status, holds, at, cut } = record;
  return {
    id,
    cardNumber,
    command,
    holder,
    reason,
    status,
    standingHolds: holds,
    at: at.toISOString(),
    cut: utcSeconds(cut),
    sentence: sentenceOf(record),
    list,
  };
}
