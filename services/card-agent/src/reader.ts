import { CaError } from '#libs/errors';
import { type CardConnection, PivCard } from '#libs/piv';
import { VirtualCardStore } from '#libs/virtual-card';

/** A place a card is put into. PC/SC is the second one to come. */
export interface Reader {
  /** Powers the card on. @throws CaError noReader | noCard | readerBusy */
  connect(): Promise<CardConnection>;
}

const CHANGE_REFERENCE_DATA = 0x24;

export class VirtualReader implements Reader {
  readonly #cards: VirtualCardStore;
  #pullAtPinChange = false;

  constructor(dir: string) {
    this.#cards = new VirtualCardStore(dir);
  }

  async connect(): Promise<CardConnection> {
    const card = await this.#cards.connect();
    if (this.#pullAtPinChange) card.pullAfter(CHANGE_REFERENCE_DATA);
    return card;
  }

  /** @param pullAtPinChange fault: the card leaves when it has done a CHANGE, before its answer @throws CaError unknownCard */
  async insert(cardNumber: string | null, pullAtPinChange = false): Promise<void> {
    this.#pullAtPinChange = pullAtPinChange;
    await (cardNumber === null ? this.#cards.eject() : this.#cards.insert(cardNumber));
  }
}

export class NoReader implements Reader {
  connect(): Promise<CardConnection> {
    const detail = 'this version of the agent drives virtual cards only';
    return Promise.reject(new CaError('noReader', detail, { state: 'pcsc-missing' }));
  }
}

/** How long a request waits for the card session before it. */
const TURN_MS = 5_000;
/** SELECT, GET DATA, GET RESPONSE, VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER, GENERAL AUTHENTICATE. */
const KIOSK_INS = [0xa4, 0xcb, 0xc0, 0x20, 0x24, 0x2c, 0x87];
const KIOSK_KEYS = [0x9c, 0x9e];

/**
 * The one way to the card: one session at a time, each beginning with power-on and ending with a reset, and no other
 * command than a kiosk may send, whatever the code above asks for.
 */
export class CardGate {
  #taken = false;
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly reader: Reader,
    private readonly transmitTimeoutMs?: number,
  ) {}

  get busy(): boolean {
    return this.#taken;
  }

  /** @throws CaError noReader | noCard | readerBusy | unknownCardKind | cardRemoved | cardCommunication */
  async use<T>(work: (card: PivCard) => Promise<T>): Promise<T> {
    await this.take();
    try {
      const connection = await this.reader.connect();
      try {
        return await work(await PivCard.select(kioskOnly(connection), this.transmitTimeoutMs));
      } finally {
        await connection.close();
      }
    } finally {
      this.release();
    }
  }

  private async take(): Promise<void> {
    if (!this.#taken) {
      this.#taken = true;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const turn = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        reject(new CaError('readerBusy', 'another card session is in progress'));
      }, TURN_MS);
      this.#waiting.push(turn);
    });
  }

  private release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#taken = false;
  }
}

/** Passes the commands of a kiosk on; writing a card needs the centre. */
export function kioskOnly(connection: CardConnection): CardConnection {
  return {
    transmit: (apdu) => {
      const [, ins = 0, , p2 = 0] = apdu;
      const allowed = KIOSK_INS.includes(ins) && (ins !== 0x87 || KIOSK_KEYS.includes(p2));
      if (!allowed)
        return Promise.reject(new Error(`a kiosk does not send INS ${ins.toString(16)} to ${p2.toString(16)}`));
      return connection.transmit(apdu);
    },
    close: () => connection.close(),
  };
}
