import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { nextMidnight } from '#libs/clock';
import { CaError } from '#libs/errors';
import { holder, utc, type CardRow, type EventData, type Holder } from '#libs/events';
import { STATUSES, type CardStatus } from './card-status.js';
import { sentenceOf } from './sentence.js';
import { utcSeconds } from './utc.js';

export const SUBSCRIBER_COMMANDS = ['suspend', 'resume'] as const;
export type SubscriberCommand = (typeof SUBSCRIBER_COMMANDS)[number];

/** What a subscriber gets for a command: the status now, and the list that will carry it. */
export const receipt = z.object({
  id: z.uuid(),
  cardNumber: z.string(),
  command: z.enum(SUBSCRIBER_COMMANDS),
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
  command: SubscriberCommand;
  status: CardStatus;
  holds: Holder[];
  at: Date;
  cut: Date;
}

/** Receipts never change; the list that carries one is looked up among those published. */
@Injectable()
export class Receipts {
  constructor(private readonly source: DataSource) {}

  async write(
    tx: EntityManager,
    id: string,
    command: SubscriberCommand,
    status: CardStatus,
    row: CardRow,
  ): Promise<Receipt> {
    const { cardNumber, holds } = row;
    const at = new Date(row.at);
    const record = { id, cardNumber, command, status, holds, at, cut: nextMidnight(at) };
    await tx.query(
      `insert into receipt (id, card_number, command, status, holds, at, cut, seq, issuer_ski)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [...Object.values(record), row.seq, row.issuerSki],
    );
    return receiptOf(record, null);
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
  async read(id: string, tx: EntityManager = this.source.manager): Promise<Receipt> {
    const [found] = (await tx.query(
      `select id, card_number as "cardNumber", command, status, holds, at, cut, list.number::text, list.sha256
       from receipt left join lateral (
         select number, sha256 from published_list
         where issuer_ski = receipt.issuer_ski and marker_seq > receipt.seq
         order by marker_seq, number limit 1
       ) as list on true
       where id = $1`,
      [id],
    )) as (ReceiptRecord & (NonNullable<Receipt['list']> | { number: null; sha256: null }))[];
    if (!found) throw new CaError('notFound', 'no such receipt');
    const { number, sha256, ...record } = found;
    return receiptOf(record, number === null ? null : { number, sha256 });
  }
}

function receiptOf({ id, cardNumber, command, status, holds, at, cut }: ReceiptRecord, list: Receipt['list']): Receipt {
  return {
    id,
    cardNumber,
    command,
    status,
    standingHolds: holds,
    at: at.toISOString(),
    cut: utcSeconds(cut),
    sentence: sentenceOf(command, status, holds, cut),
    list,
  };
}
