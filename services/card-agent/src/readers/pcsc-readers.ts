import type { Logger } from 'pino';
import { type CardConnection } from '#libs/piv';
import { inTime } from './in-time.js';
import {
  EXCLUSIVE,
  loadPcsc,
  type PcscBinding,
  type PcscClient,
  type PcscHandle,
  PROTOCOL_ANY,
  RESET_CARD,
  STATE_PRESENT,
} from './pcsc-binding.js';
import { PcscConnection } from './pcsc-connection.js';
import { codeOf, connectError, pcscMissing, serviceIsGone } from './pcsc-errors.js';
import type { Reader, Readers } from './reader.js';

const CONNECT_MS = 10_000;
/** After its start the service tells its readers within milliseconds; with none it tells nothing. */
const FIRST_WORD_MS = 500;

/**
 * The machine's readers by PC/SC. The service may be missing, start later, die and come back: it is looked for whenever
 * somebody asks for a reader, and let go at its first word of failure.
 */
export class PcscReaders implements Readers {
  readonly #readers = new Map<string, PcscReader>();
  #client: PcscClient | undefined;
  #starting: Promise<void> | undefined;

  constructor(
    private readonly log: Logger,
    private readonly load: () => Promise<PcscBinding> = loadPcsc,
    private readonly connectMs = CONNECT_MS,
  ) {}

  async list(): Promise<readonly Reader[]> {
    if (!this.#client) await (this.#starting ??= this.start().finally(() => (this.#starting = undefined)));
    return [...this.#readers.values()];
  }

  close(): void {
    this.letGo();
  }

  private async start(): Promise<void> {
    const binding = await this.load().catch((cause: unknown) => {
      throw pcscMissing(cause); // no package for this system, or its library (libpcsclite1) is not installed
    });
    const client = new binding.Client();
    const told = new Promise<void>((resolve) => {
      client.on('reader', (handle) => {
        this.add(client, handle);
        resolve();
      });
    });
    client.on('error', (error) => {
      if (this.#client !== client) return;
      this.log.warn({ code: codeOf(error) }, 'the smart card service went away');
      this.letGo();
    });
    try {
      client.start();
    } catch (cause) {
      throw pcscMissing(cause);
    }
    this.#client = client;
    this.log.info('the smart card service answers');
    await inTime(told, FIRST_WORD_MS, 'the first reader').catch(() => undefined);
    await new Promise(setImmediate); // the readers after the first
  }

  private add(client: PcscClient, handle: PcscHandle): void {
    const gone = (error: unknown) => {
      if (serviceIsGone(error) && this.#client === client) this.letGo();
    };
    const reader = new PcscReader(handle, gone, this.connectMs);
    this.#readers.set(reader.name, reader);
    handle.on('disconnect', () => {
      if (this.#readers.get(reader.name) === reader) this.#readers.delete(reader.name);
    });
  }

  private letGo(): void {
    const client = this.#client;
    this.#client = undefined;
    this.#readers.clear();
    try {
      client?.stop();
    } catch {
      // a service that died can't be told goodbye
    }
  }
}

class PcscReader implements Reader {
  readonly name: string;
  insertion = 0;
  #present = false;

  constructor(
    private readonly handle: PcscHandle,
    private readonly onFailure: (error: unknown) => void,
    private readonly connectMs: number,
  ) {
    this.name = handle.name();
    handle.on('change', (status) => {
      const present = status.hasAny(STATE_PRESENT);
      if (present !== this.#present) this.insertion += 1;
      this.#present = present;
    });
  }

  holdsCard(): boolean {
    return this.#present;
  }

  async connect(): Promise<CardConnection> {
    try {
      const connecting = this.handle.connect(EXCLUSIVE, PROTOCOL_ANY);
      const release = (late: Awaited<typeof connecting>) => void late.disconnect(RESET_CARD).catch(() => undefined);
      const card = await inTime(connecting, this.connectMs, 'powering the card on', release);
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
      this.onFailure(error);
      throw error instanceof Error && error.name === 'CaError' ? error : connectError(error);
    }
  }
}
