import type { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { type PivCard } from '#libs/piv';
import type { Permission } from './allow-list.js';
import { CardGate } from './card-gate.js';
import type { Deadline } from './in-time.js';
import type { Reader, Readers } from './reader.js';
import { readerWithCard } from './reader-with-card.js';

/** What a look at one reader finds. */
export const READER_STATES = ['no-card', 'unknown-card', 'card-error', 'busy', 'removed', 'locked', 'ready'] as const;
export type ReaderState = (typeof READER_STATES)[number];

const STATES: Partial<Record<string, ReaderState>> = {
  noReader: 'removed',
  noCard: 'no-card',
  readerBusy: 'busy',
  cardRemoved: 'removed',
  unknownCardKind: 'unknown-card',
  cardCommunication: 'card-error',
};

/** A page asks again and again; the card is not powered on each time. */
const LOOK_SECONDS = 3;

/** For all that one request asks of readers and cards together. */
const REQUEST_MS = 10_000;

export interface CardLimits {
  requestMs?: number;
  /** For one command: a wrong length can hang a reader for good. */
  transmitMs?: number;
}

export interface Use {
  /** Which reader; undefined: the one that holds a card */
  reader?: string;
  permission: Permission;
  /** Of the request that asks; undefined: it begins now */
  deadline?: Deadline;
}

interface Look {
  insertion: number;
  atMs: number;
  state: ReaderState;
}

/** The gates of all readers, and the choice between them. */
export class CardGates {
  readonly #gates = new Map<string, CardGate>();
  readonly #looks = new Map<string, Look>();

  constructor(
    private readonly readers: Readers,
    private readonly clock: Clock,
    private readonly limits: CardLimits = {},
  ) {}

  /** Of a request that begins now. */
  deadline(): Deadline {
    return performance.now() + (this.limits.requestMs ?? REQUEST_MS);
  }

  /**
   * One session with the card of one reader. A session that comes back for its card names the reader it began with.
   *
   * @throws CaError severalCards when no reader is named and more than one holds a card; noReader | noCard | readerBusy |
   *                 unknownCardKind | cardRemoved | cardCommunication
   */
  async use<T>(
    { reader: name, permission, deadline = this.deadline() }: Use,
    work: (card: PivCard, reader: string) => Promise<T>,
  ): Promise<T> {
    const reader = await this.choose(name);
    this.#looks.delete(reader.name);
    return this.gateOf(reader).use(
      () => reader.connect(),
      { permission, deadline },
      (card) => work(card, reader.name),
    );
  }

  /** What each reader holds, without using a try. @throws CaError noReader with state pcsc-missing */
  async look(): Promise<{ name: string; state: ReaderState }[]> {
    const deadline = this.deadline();
    const readers = await this.readers.list();
    return Promise.all(
      readers.map(async (reader) => ({ name: reader.name, state: await this.lookAt(reader, deadline) })),
    );
  }

  close(): void {
    this.readers.close();
  }

  private async choose(name: string | undefined): Promise<Reader> {
    const readers = await this.readers.list();
    if (name !== undefined) {
      const named = readers.find((reader) => reader.name === name);
      if (!named) throw new CaError('noReader', 'the reader of this session is gone');
      return named;
    }
    return readerWithCard(readers);
  }

  private async lookAt(reader: Reader, deadline: Deadline): Promise<ReaderState> {
    const gate = this.gateOf(reader);
    if (gate.busy) return 'busy';
    if (!(await reader.holdsCard())) return 'no-card';
    const { insertion } = reader;
    const known = this.#looks.get(reader.name);
    const now = this.clock.nowMs();
    if (known && known.insertion === insertion && now - known.atMs < LOOK_SECONDS * 1000) return known.state;
    const state = await this.ask(gate, reader, deadline);
    if (insertion !== undefined) this.#looks.set(reader.name, { insertion, atMs: now, state });
    return state;
  }

  private async ask(gate: CardGate, reader: Reader, deadline: Deadline): Promise<ReaderState> {
    try {
      const tries = await gate.use(
        () => reader.connect(),
        { permission: 'look', deadline },
        (card) => card.pinTries(),
      );
      return tries === 0 ? 'locked' : 'ready';
    } catch (error) {
      const state = error instanceof CaError ? STATES[error.code] : undefined;
      if (state === undefined) throw error;
      return state;
    }
  }

  private gateOf({ name }: Reader): CardGate {
    let gate = this.#gates.get(name);
    if (!gate) this.#gates.set(name, (gate = new CardGate(this.limits.transmitMs)));
    return gate;
  }
}
