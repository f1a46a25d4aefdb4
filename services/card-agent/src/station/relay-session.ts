import { CaError } from '#libs/errors';
import { type CardConnection } from '#libs/piv';
import type { Readers } from '../readers/reader.js';
import { readerWithCard } from '../readers/reader-with-card.js';

/** How long one card may be in the making. */
const SESSION_MS = 10 * 60_000;

/** One card, powered on for whoever holds this session; whatever happens, the card is reset at its end. */
export class RelaySession {
  #busy: Promise<unknown> | undefined;
  #over = false;
  readonly #until = performance.now() + SESSION_MS;

  constructor(
    private readonly connection: CardConnection,
    private readonly onEnd: () => void,
  ) {}

  /** @throws CaError readerBusy (another command is under way) | sessionExpired | those of the card */
  async transmit(apdu: Uint8Array): Promise<Buffer> {
    if (this.#over || performance.now() > this.#until) {
      await this.end();
      throw new CaError('sessionExpired', 'this session with the card is over');
    }
    if (this.#busy) throw new CaError('readerBusy', 'the command before this one has no answer yet');
    const answer = this.connection.transmit(apdu);
    this.#busy = answer.catch(() => undefined).finally(() => (this.#busy = undefined));
    return answer;
  }

  /** After the command that is under way: the card is free for another session only when it was reset. */
  async end(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    await this.#busy;
    try {
      await this.connection.close();
    } finally {
      this.onEnd();
    }
  }
}

/** One session at a time, of the one card that lies in the machine's readers. */
export class Relay {
  #taken = false;

  constructor(private readonly readers: Pick<Readers, 'list'>) {}

  /** @throws CaError readerBusy | noReader | noCard | severalCards | those of `Reader.connect` */
  async begin(): Promise<RelaySession> {
    if (this.#taken) throw new CaError('readerBusy', 'another session has the card');
    this.#taken = true;
    const free = () => void (this.#taken = false);
    try {
      return new RelaySession(await this.connect(), free);
    } catch (error) {
      free();
      throw error;
    }
  }

  private async connect(): Promise<CardConnection> {
    const reader = await readerWithCard(await this.readers.list());
    return reader.connect();
  }
}
