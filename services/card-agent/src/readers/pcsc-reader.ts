import { CaError } from '#libs/errors';
import { type CardConnection } from '#libs/piv';
import { inTime } from './in-time.js';
import {
  EXCLUSIVE,
  LEAVE_CARD,
  type PcscCard,
  type PcscHandle,
  PROTOCOL_ANY,
  RESET_CARD,
  SHARED,
  STATE_PRESENT,
} from './pcsc-binding.js';
import { PcscConnection } from './pcsc-connection.js';
import { connectError, readerIsGone, serviceIsGone } from './pcsc-errors.js';
import type { Reader } from './reader.js';

/** For finding out whether there is a card at all: an empty reader says so at once, and one that hangs holds up the others. */
const LOOK_MS = 3_000;

/** What a reader tells those who keep the list of readers. */
export interface ReaderEvents {
  /** It was heard of by the service's own word. */
  heard(): void;
  /** It is otherwise than the service's word says: the word may be late, or nobody brings it any more. */
  contradicted(): void;
  serviceGone(): void;
}

/** One of the machine's readers. */
export class PcscReader implements Reader {
  readonly name: string;
  insertion = 0;
  #present = false;

  constructor(
    private readonly handle: PcscHandle,
    private readonly events: ReaderEvents,
    private readonly connectMs: number,
  ) {
    this.name = handle.name();
    handle.on('change', (status) => {
      const present = status.hasAny(STATE_PRESENT);
      if (present !== this.#present) this.insertion += 1;
      this.#present = present;
      events.heard();
    });
  }

  /** By the service's word, and where it says that there is none, by trying: it costs nothing when that is true. */
  async holdsCard(): Promise<boolean> {
    if (this.#present) return true;
    try {
      const ms = Math.min(LOOK_MS, this.connectMs);
      const card = await inTime(this.handle.connect(SHARED, PROTOCOL_ANY), ms, 'looking for a card', leave);
      leave(card);
      this.events.contradicted();
      return true;
    } catch (error) {
      this.note(error, false);
      return connectError(error).code === 'readerBusy';
    }
  }

  async connect(): Promise<CardConnection> {
    try {
      const card = await inTime(
        this.handle.connect(EXCLUSIVE, PROTOCOL_ANY),
        this.connectMs,
        'powering the card on',
        (late) => void late.disconnect(RESET_CARD).catch(() => undefined),
      );
      const session = new PcscConnection(card, this.connectMs);
      try {
        // What another program left verified on the card is not for us.
        await inTime(card.reconnect(EXCLUSIVE, RESET_CARD), this.connectMs, 'resetting the card');
      } catch (error) {
        await session.close();
        throw error;
      }
      return session;
    } catch (error) {
      this.note(error, this.#present);
      throw error instanceof CaError ? error : connectError(error);
    }
  }

  private note(error: unknown, thoughtPresent: boolean): void {
    if (serviceIsGone(error)) this.events.serviceGone();
    else if (readerIsGone(error) || (thoughtPresent && connectError(error).code === 'noCard')) {
      this.events.contradicted();
    }
  }
}

const leave = (card: PcscCard) => void card.disconnect(LEAVE_CARD).catch(() => undefined);
