import { randomUUID, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { spkiOf } from '#libs/pki';
import type { Slot } from '#libs/piv';
import { publicKeyOf } from '../certificates/certificate-plan.js';
import type { HolderWithVerifier } from '../certificates/card-issue.js';
import type { Applicant } from '../certificates/subject.js';
import type { CardFamily } from './batch.schema.js';
import type { CardState } from './card-state.js';

export const STEPS = ['management-key', 'tries', 'identity', 'keys', 'certificates', 'puk', 'transport-pin', 'read-back'] as const; // prettier-ignore
export type Step = (typeof STEPS)[number];

/** A card in production, and whom it is for. */
export interface CardInProduction extends HolderWithVerifier {
  readonly state: CardState;
  /** Of the delivery it came with; null: a single card, of which nothing was said. */
  readonly family: CardFamily | null;
  /** When personalisation began; the CHUID's expiry date follows from it. */
  readonly startedAt: Date;
  readonly transportKeyVersion: number;
  readonly transportGeneration: number;
  readonly pukKeyVersion: number;
  readonly pukGeneration: number;
  readonly managementKeyVersion: number;
}

interface Row extends Applicant {
  state: CardState;
  family: CardFamily | null;
  startedAt: Date | null;
  cardUuid: string;
  transportKeyVersion: number;
  transportGeneration: number;
  pukKeyVersion: number;
  pukGeneration: number;
  managementKeyVersion: number;
  verifier: string;
  way: 'A' | 'B';
}

const FIRST = 1;

/** What is on record of the making of a card. Each method is one statement, committed when it returns. */
@Injectable()
export class ProductionRecords {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
  ) {}

  /**
   * The card and its holder; at the first call it gets its UUID and the version of its transport secrets.
   *
   * @throws CaError unknownCard | conflict (nobody's card, or out of stock as defective)
   */
  async begin(cardNumber: string): Promise<CardInProduction> {
    await this.source.query(
      `update card set started_at = $2, card_uuid = $3, transport_key_version = $4, transport_generation = $5,
              puk_key_version = $4, puk_generation = $5, management_key_version = $4
       where card_number = $1 and state = 'assigned' and started_at is null`,
      [cardNumber, this.clock.now(), randomUUID(), FIRST, FIRST],
    );
    const [row] = await this.source.query<Row[]>(
      `select k.state, b.family, k.started_at as "startedAt", k.card_uuid as "cardUuid",
              a.way, coalesce(a.verifier, a.representative_verifier) as verifier,
              k.transport_key_version as "transportKeyVersion", k.transport_generation as "transportGeneration",
              k.puk_key_version as "pukKeyVersion", k.puk_generation as "pukGeneration",
              k.management_key_version as "managementKeyVersion",
              a.kind, a.name, a.branch, a.county, a.ubn, a.certificate_email as "certificateEmail", a.rank
       from card k left join application a using (case_number) left join card_batch b on b.batch = k.batch
       where k.card_number = $1`,
      [cardNumber],
    );
    if (!row) throw new CaError('unknownCard', 'there is no such card here');
    const { state, family, startedAt, cardUuid, way, verifier } = row;
    const { kind, name, branch, county, ubn, certificateEmail, rank } = row;
    const { transportKeyVersion, transportGeneration, pukKeyVersion, pukGeneration, managementKeyVersion } = row;
    if (state === 'defective') throw new CaError('conflict', 'this card is defective: it is never made', { state });
    if (!startedAt) throw new CaError('conflict', 'this card is blank: no application has it yet', { state });
    return {
      ...{ cardNumber, state, family, startedAt, cardUuid, way, verifier },
      ...{ transportKeyVersion, transportGeneration, pukKeyVersion, pukGeneration, managementKeyVersion },
      applicant: { kind, name, branch, county, ubn, certificateEmail, rank },
    };
  }

  /** Before the card is touched. */
  async stepBegun(cardNumber: string, step: Step): Promise<void> {
    await this.source.query(
      'insert into production_step (card_number, step, begun_at) values ($1, $2, $3) on conflict do nothing',
      [cardNumber, step, this.clock.now()],
    );
  }

  /** When the card was seen to hold it. */
  async stepDone(cardNumber: string, step: Step): Promise<void> {
    await this.source.query(
      'update production_step set done_at = $3 where card_number = $1 and step = $2 and done_at is null',
      [cardNumber, step, this.clock.now()],
    );
  }

  async stepState(cardNumber: string, step: Step): Promise<'not begun' | 'begun' | 'done'> {
    const [row] = await this.source.query<{ done_at: Date | null }[]>(
      'select done_at from production_step where card_number = $1 and step = $2',
      [cardNumber, step],
    );
    if (!row) return 'not begun';
    return row.done_at ? 'done' : 'begun';
  }

  /** How many tries a step's secret had before the last one was sent; undefined: none was. */
  async triesLeft(cardNumber: string, step: Step): Promise<number | undefined> {
    const [row] = await this.source.query<{ left: number | null }[]>(
      'select tries_left as left from production_step where card_number = $1 and step = $2',
      [cardNumber, step],
    );
    return row?.left ?? undefined;
  }

  async countTry(cardNumber: string, step: Step, left: number): Promise<void> {
    await this.source.query('update production_step set tries_left = $3 where card_number = $1 and step = $2', [
      ...[cardNumber, step, left],
    ]);
  }

  /** Whose UUID this is, of the cards known here. */
  async cardOf(cardUuid: string): Promise<{ cardNumber: string; state: CardState } | undefined> {
    const [row] = await this.source.query<{ cardNumber: string; state: CardState }[]>(
      'select card_number as "cardNumber", state from card where card_uuid = $1',
      [cardUuid],
    );
    return row;
  }

  /** The public key a slot's key pair was made with, as far as its answer arrived. */
  async keyOf(cardNumber: string, slot: Slot): Promise<KeyObject | undefined> {
    const [row] = await this.source.query<{ spki: Buffer }[]>(
      'select spki from card_key where card_number = $1 and slot = $2',
      [cardNumber, slot],
    );
    return row && publicKeyOf(row.spki);
  }

  async keyMade(cardNumber: string, slot: Slot, key: KeyObject): Promise<void> {
    await this.source.query(
      `insert into card_key (card_number, slot, spki, made_at) values ($1, $2, $3, $4)
       on conflict (card_number, slot) do update set spki = excluded.spki, made_at = excluded.made_at`,
      [cardNumber, slot, spkiOf(key), this.clock.now()],
    );
  }
}
