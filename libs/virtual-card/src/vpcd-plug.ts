import { connect, type Socket } from 'node:net';
import { sleep } from '#libs/clock';
import { CaError } from '#libs/errors';
import { type CardConnection } from '#libs/piv';

/** T=1, no historical bytes: what a reader is told of every one of our virtual cards. */
export const ATR = Buffer.from('3b80800101', 'hex');
/** What vsmartcard's reader driver listens on by itself; its second slot on the next port. */
export const VPCD_PORT = 35_963;

const [POWER_OFF, POWER_ON, RESET, GET_ATR] = [0x00, 0x01, 0x02, 0x04];
const RECONNECT_MS = 100;
/** SW of a card that cannot say more. */
const NO_PRECISE_DIAGNOSIS = Buffer.from('6f00', 'hex');

/** `waiting`: no reader answers; `connected`: the reader is there; `powered`: it has powered the card on. */
export type PlugState = 'out' | 'waiting' | 'connected' | 'powered';

export interface PlugOptions {
  host?: string;
  port?: number;
  onState?: (state: PlugState) => void;
}

/**
 * Puts a card into a reader of the real pcscd: a client of vsmartcard's reader driver (vpcd). Messages both ways are a
 * length in two octets, the high one first, and so many octets; one octet alone is a control (off, on, reset, ATR), the
 * others are command APDUs.
 *
 * A reader that goes away (pcscd restarted) is looked for again until the card is pulled; a card that is taken out by
 * a fault of its own stays out.
 */
export class VpcdPlug {
  #socket: Socket | undefined;
  #state: PlugState = 'out';
  #card: CardConnection | undefined;
  #work: Promise<unknown> = Promise.resolve();
  #loop: Promise<void> = Promise.resolve();
  #powered: (() => void) | undefined;

  /** @param powerOn opens the card; closing what it gives is the power-off */
  constructor(
    private readonly powerOn: () => Promise<CardConnection>,
    private readonly options: PlugOptions = {},
  ) {}

  get state(): PlugState {
    return this.#state;
  }

  get #out(): boolean {
    return this.#state === 'out';
  }

  /** Resolves when the reader has powered the card on and knows its ATR. Waits for a reader that is not there yet. */
  async insert(): Promise<void> {
    if (this.#state !== 'out') return;
    await this.#loop;
    this.become('waiting');
    const powered = new Promise<void>((resolve) => (this.#powered = resolve));
    this.#loop = this.stayConnected();
    await Promise.race([powered, this.#loop]);
  }

  /** Takes the card out: what is under way still happens on the card, and its answer is lost. */
  async pull(): Promise<void> {
    this.become('out');
    this.#socket?.destroy();
    await this.#loop;
  }

  private async stayConnected(): Promise<void> {
    while (!this.#out) {
      await this.oneConnection();
      await this.powerOff();
      if (this.#out) return;
      this.become('waiting');
      await sleep(RECONNECT_MS);
    }
  }

  /** Resolves when the connection is over, whatever the reason. */
  private oneConnection(): Promise<void> {
    const { host = '127.0.0.1', port = VPCD_PORT } = this.options;
    const socket = connect({ host, port, noDelay: true });
    this.#socket = socket;
    let received: Buffer = Buffer.alloc(0);
    socket.on('connect', () => this.become('connected'));
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const message = received.subarray(2, end);
        received = received.subarray(end);
        this.#work = this.#work.then(() => this.take(socket, message));
      }
    });
    return new Promise((resolve) => {
      socket.on('error', () => undefined); // 'close' follows
      socket.on('close', () => resolve(this.#work.then(() => undefined)));
    });
  }

  private async take(socket: Socket, message: Buffer): Promise<void> {
    try {
      const answer = message.length === 1 ? await this.control(message[0]) : await this.command(message);
      if (answer && !socket.destroyed) socket.write(framed(answer));
      if (message.length === 1 && message[0] === GET_ATR && this.#card) this.#powered?.();
    } catch (error) {
      // Whatever stops a card from answering looks to the reader like a card that was taken out.
      this.become('out');
      socket.destroy();
      if (!(error instanceof CaError)) throw error;
    }
  }

  private async control(octet: number | undefined): Promise<Buffer | undefined> {
    if (octet === GET_ATR) return ATR;
    if (octet === POWER_OFF || octet === RESET) await this.powerOff();
    if (octet === POWER_ON || octet === RESET) {
      this.#card ??= await this.powerOn();
      this.become('powered');
    }
    return undefined;
  }

  private command(apdu: Buffer): Promise<Buffer> {
    return this.#card ? this.#card.transmit(apdu) : Promise.resolve(NO_PRECISE_DIAGNOSIS);
  }

  private async powerOff(): Promise<void> {
    const card = this.#card;
    this.#card = undefined;
    await card?.close();
    if (this.#state === 'powered') this.become('connected');
  }

  private become(state: PlugState): void {
    // Out is for good until the next insert: a late 'connect' changes nothing.
    if (state === this.#state || (this.#state === 'out' && state !== 'waiting')) return;
    this.#state = state;
    this.options.onState?.(state);
  }
}

function framed(answer: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(answer.length);
  return Buffer.concat([length, answer]);
}
