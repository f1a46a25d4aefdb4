import { randomBytes, randomUUID } from 'node:crypto';
import {
  type CardRow,
  type CutRow,
  type EventData,
  type EventType,
  FIRST_PREV_HASH,
  type Holder,
  type KaikaEvent,
  newEvent,
  type ReasonCode,
  type SealedPayload,
  type SealedType,
  type SerialPair,
  type StatusRow,
  statusRowHash,
  topicOf,
} from '../src/index.js';

export type Producer = 'issuance' | 'acceptance' | 'suspension' | 'crl-publisher';

/** How the events' secret parts are made; tests of a service seal them for its real keys. */
export interface Sealer {
  credential(of: { cardNumber: string; kind: 'user-code' | 'representative'; generation: number }): Promise<EventData<'credential.set'>>; // prettier-ignore
  sealed<T extends SealedType>(
    type: T,
    cardNumber: string,
    payload: SealedPayload<T>,
  ): Promise<Record<string, unknown>>;
}

/** A status log as suspension writes it: gap-free, chained. */
export class WrittenLog {
  epoch: string = randomUUID();
  readonly rows: StatusRow[] = [];

  /** @returns the row as the log has it */
  write(content: object): StatusRow {
    const { epoch } = this;
    const place = { epoch, seq: this.rows.length + 1, prevHash: this.rows.at(-1)?.hash ?? FIRST_PREV_HASH, hash: '' };
    const row = { ...place, ...content } as StatusRow;
    row.hash = statusRowHash(row);
    this.rows.push(row);
    return row;
  }
}

/** Where a history happens. */
export interface World {
  readonly log: Pick<WrittenLog, 'rows' | 'write'> & { epoch: string };
  readonly seal: Sealer;
  readonly issuerSki: string;
  /** Of a new card. */
  newCardNumber(): string;
  /** What `certificate.issued` says beyond numbers and times; default: no real certificates. */
  certificates?: EventData<'certificate.issued'>['certificates'];
  /** When it begins; default: always the same moment. */
  start?: Date;
}

/** One thing that happened and was told, by whom, in the order of happening. */
export interface Told {
  readonly event: KaikaEvent;
  readonly producer: Producer;
}

const START = Date.parse('2026-11-21T02:00:00Z');
const octets = (text: string) => Buffer.from(text).toString('base64');
const newSerial = () => `1${randomBytes(16).toString('hex').toUpperCase().slice(1)}`;
const STATUS_TYPES = { accepted: 'certificate.accepted', suspended: 'certificate.suspended', resumed: 'certificate.resumed', revoked: 'certificate.revoked' } as const; // prettier-ignore

/** One card's life, told by its services as they would. Each act takes a second. */
export class CardHistory {
  readonly cardNumber: string;
  readonly serials: SerialPair = { signature: newSerial(), encryption: newSerial() };
  readonly told: Told[];
  readonly #activation = randomUUID();
  #acceptedAt: string | null = null;
  #holds: Holder[] = [];
  #listed: CardRow['listed'] = null;

  /** @param told of another card: both happen in one history */
  constructor(
    private readonly world: World,
    told: Told[] = [],
  ) {
    this.told = told;
    this.cardNumber = world.newCardNumber();
  }

  issued(way: 'A' | 'B' = 'A', changes: Partial<EventData<'certificate.issued'>> = {}): this {
    const { cardNumber, serials } = this;
    const { issuerSki, certificates } = this.world;
    return this.#tell('issuance', 'certificate.issued', cardNumber, {
      ...{ cardNumber, cardUuid: randomUUID(), way, serials, issuerSki },
      ...{ subject: 'O=光年測試股份有限公司,C=TW', name: '光年測試股份有限公司', ubn: '12345675', rank: 'primary' },
      ...{ notBefore: '2026-11-21T01:00:00Z', notAfter: '2031-11-21T15:59:59Z' },
      certificates: certificates ?? { signature: octets('9C'), encryption: octets('9D'), cardAuthentication: octets('9E') }, // prettier-ignore
      ...changes,
    });
  }

  /** Of a combined application: the responsible person. */
  person(): Promise<this> {
    return this.#credential('issuance', 'representative', 1);
  }

  /** Issuance sends generation 1 with a card of way A, acceptance every later one. */
  userCode(generation: number): Promise<this> {
    return this.#credential(generation === 1 ? 'issuance' : 'acceptance', 'user-code', generation);
  }

  activated(): this {
    const { cardNumber } = this;
    const data = { cardNumber, activation: this.#activation, at: this.#now() };
    return this.#tell('acceptance', 'card.activated', cardNumber, data);
  }

  /** Its agent found it blocked. */
  locked(): this {
    const { cardNumber } = this;
    return this.#tell('acceptance', 'card.locked', cardNumber, { cardNumber, at: this.#now() });
  }

  /** At the centre, once more. */
  unlocked(generation: number): this {
    const { cardNumber } = this;
    const generations = { transportGeneration: generation, pukGeneration: generation };
    return this.#tell('acceptance', 'card.unlocked', cardNumber, { cardNumber, ...generations, at: this.#now() });
  }

  async contact(email: string): Promise<this> {
    return this.#tell('acceptance', 'contact.changed', this.cardNumber, await this.#sealed('contact.changed', { email })); // prettier-ignore
  }

  async refused(whatIsWrong: string): Promise<this> {
    const data = await this.#sealed('certificate.refused', { whatIsWrong });
    return this.#tell('acceptance', 'certificate.refused', this.cardNumber, { ...data, activation: this.#activation });
  }

  /** @param expiresAt far away: whether it is sent in time is not this history's subject */
  async oneTimeCode(code: string, expiresAt = '2040-01-01T00:00:00Z'): Promise<this> {
    const about = { request: randomUUID(), purpose: 'user-code-reset' as const, expiresAt };
    const data = { ...(await this.#sealed('one-time-code.requested', { code })), ...about };
    return this.#tell('acceptance', 'one-time-code.requested', this.cardNumber, data);
  }

  accepted(): this {
    this.#acceptedAt = this.#now();
    return this.#row('accepted', null);
  }

  suspended(holder: Holder = 'subscriber'): this {
    this.#holds = [...this.#holds, holder];
    this.#listed ??= { reason: 'certificateHold', since: this.#nowSeconds() };
    return this.#row('suspended', holder);
  }

  resumed(holder: Holder = 'subscriber'): this {
    this.#holds = this.#holds.filter((one) => one !== holder);
    if (this.#holds.length === 0) this.#listed = null;
    return this.#row('resumed', holder);
  }

  revoked(reason: ReasonCode = 'superseded'): this {
    this.#listed = { reason, since: this.#listed?.since ?? this.#nowSeconds() };
    return this.#row('revoked', null);
  }

  acceptanceDue(daysLeft: number): this {
    const data = { cardNumber: this.cardNumber, dueAt: '2027-02-19T15:59:59Z', daysLeft };
    return this.#tell('suspension', 'card.acceptance-due', this.cardNumber, data);
  }

  /** The marker of a cut; what it states of the lists is not this history's subject. */
  cut(lists: CutRow['lists'] = []): this {
    const row = this.world.log.write({ at: this.#now(), kind: 'cut', cut: this.#nowSeconds(), lists });
    return this.#tell('suspension', 'status.cut', 'cut', row);
  }

  watermark(): this {
    const { epoch, rows } = this.world.log;
    // Of the log and not of this card: one with a higher seq has a later time, whoever's history it is in.
    const time = new Date(START + rows.length).toISOString();
    return this.#tell('suspension', 'status.watermark', 'log', { epoch, seq: rows.length, time });
  }

  /** The log's owner was restored from a backup: from here on it writes under another epoch. */
  restored(): this {
    this.world.log.epoch = randomUUID();
    return this;
  }

  /** @param markerSeq the list holds what the rows below it say */
  list(number: number, markerSeq: number): this {
    const { issuerSki } = this.world;
    const [thisUpdate, sha256] = [this.#nowSeconds(), String(number).padStart(64, '0')];
    return this.#tell('crl-publisher', 'crl.published', issuerSki, {
      ...{ issuerSki, number: String(number), kind: 'scheduled', cut: thisUpdate, markerSeq, thisUpdate, sha256 },
      ...{ nextUpdate: '2026-12-31T16:00:00Z', entryCount: 0 },
    });
  }

  async #credential(producer: Producer, kind: 'user-code' | 'representative', generation: number): Promise<this> {
    const { cardNumber } = this;
    const data = await this.world.seal.credential({ cardNumber, kind, generation });
    return this.#tell(producer, 'credential.set', cardNumber, data);
  }

  async #sealed<T extends SealedType>(type: T, payload: SealedPayload<T>) {
    const { cardNumber } = this;
    return { cardNumber, jwe: await this.world.seal.sealed(type, cardNumber, payload) };
  }

  #row(kind: CardRow['kind'], holder: Holder | null): this {
    const { cardNumber, serials } = this;
    const row = this.world.log.write({
      ...{ at: this.#now(), kind, cardNumber, serials, issuerSki: this.world.issuerSki, partition: null, holder },
      ...{ notAfter: '2031-11-21T15:59:59Z', acceptedAt: this.#acceptedAt, holds: this.#holds, listed: this.#listed },
    });
    return this.#tell('suspension', STATUS_TYPES[kind], cardNumber, row);
  }

  #tell<T extends EventType>(producer: Producer, type: T, key: string, data: EventData<T>): this {
    const event = newEvent(type, key, data, { source: producer, now: new Date(this.#now()) });
    this.told.push({ event: event as KaikaEvent, producer });
    return this;
  }

  #now(): string {
    const start = this.world.start?.getTime() ?? START;
    return new Date(start + this.told.length * 1_000).toISOString();
  }

  #nowSeconds(): string {
    return `${this.#now().slice(0, 19)}Z`;
  }
}

/**
 * Order holds for each key of a topic, and for each of its producers: two of them write to `kaika.credential.v1`, whose
 * relays know nothing of each other.
 */
export function streamsOf(told: readonly Told[]): Told[][] {
  const streams = new Map<string, Told[]>();
  for (const one of told) {
    const stream = [topicOf(one.event.type), one.event.subject, one.producer].join(' ');
    streams.set(stream, [...(streams.get(stream) ?? []), one]);
  }
  return [...streams.values()];
}
