import { CaError } from '#libs/errors';
import { type CardConnection, PivCard } from '#libs/piv';
import { kioskOnly, type Permission } from './allow-list.js';
import { type Deadline, inTime, leftUntil } from './in-time.js';
import { NotSent } from './not-sent.js';

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

  /**
   * Each command may be in time and all of them together not: the deadline is for the whole, waiting for its turn included.
   * After it nobody hears of the work any more and no further command is sent; the reader is free when its card was reset.
   *
   * @throws CaError noReader | noCard | readerBusy | unknownCardKind | cardRemoved | cardCommunication
   */
  async use<T>(
    connect: () => Promise<CardConnection>,
    { permission, deadline }: { permission: Permission; deadline: Deadline },
    work: (card: PivCard) => Promise<T>,
  ): Promise<T> {
    await this.take(deadline);
    let awaited = true;
    let closed: Promise<void> | undefined;
    const session = async () => {
      const connection = await connect();
      try {
        const allowed = kioskOnly(
          whileAwaited(connection, () => awaited),
          permission,
        );
        return await work(await PivCard.select(allowed, this.transmitTimeoutMs));
      } finally {
        closed = connection.close();
      }
    };
    const result = session();
    const free = result
      .catch(() => undefined)
      .then(() => closed)
      .catch(() => undefined)
      .then(() => this.release());
    try {
      return await inTime(result, leftUntil(deadline), 'all that was asked of the card');
    } finally {
      awaited = false;
      await inTime(free, leftUntil(deadline), 'resetting the card').catch(() => undefined);
    }
  }

  private async take(deadline: Deadline): Promise<void> {
    if (!this.#taken) {
      this.#taken = true;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const turn = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(
        () => {
          this.#waiting.splice(this.#waiting.indexOf(turn), 1);
          reject(new CaError('readerBusy', 'another card session is in progress'));
        },
        Math.min(TURN_MS, leftUntil(deadline)),
      );
      this.#waiting.push(turn);
    });
  }

  private release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#taken = false;
  }
}

const CHAINED = 0x10;
/** First octet of a status word: there is more to fetch; the same again, with another Le. */
const UNFINISHED = [0x61, 0x6c];

/**
 * A connection that sends nothing more once nobody waits for what comes of it. What has to be told apart by whoever notes
 * what may have reached the card: NotSent says that nothing of the command did; in the middle of one it is not thrown.
 */
function whileAwaited(connection: CardConnection, isAwaited: () => boolean): CardConnection {
  let inCommand = false;
  return {
    async transmit(apdu) {
      if (!isAwaited()) {
        const why = 'nobody waits for this card session any more';
        throw inCommand ? new CaError('cardCommunication', why) : new NotSent(why);
      }
      inCommand = true;
      const answer = await connection.transmit(apdu);
      inCommand = apdu[0] === CHAINED || UNFINISHED.includes(answer.at(-2) ?? 0);
      return answer;
    },
    close: () => connection.close(),
  };
}
