import { CaError } from '#libs/errors';
import { type CardConnection, PivCard } from '#libs/piv';
import { kioskOnly, type Permission } from './allow-list.js';

/** How long a request waits for the card session before it. */
const TURN_MS = 5_000;

/**
 * The one way to the card in one reader: one session at a time, each beginning with power-on and ending with a reset,
 * and no other command than its permission allows.
 */
export class CardGate {
  #taken = false;
  readonly #waiting: (() => void)[] = [];

  /** @param transmitTimeoutMs for each command */
  constructor(private readonly transmitTimeoutMs?: number) {}

  get busy(): boolean {
    return this.#taken;
  }

  /** @throws CaError noReader | noCard | readerBusy | unknownCardKind | cardRemoved | cardCommunication */
  async use<T>(
    connect: () => Promise<CardConnection>,
    permission: Permission,
    work: (card: PivCard) => Promise<T>,
  ): Promise<T> {
    await this.take();
    try {
      const connection = await connect();
      try {
        return await work(await PivCard.select(kioskOnly(connection, permission), this.transmitTimeoutMs));
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
