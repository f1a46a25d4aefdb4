import type { Logger } from 'pino';
import { inTime } from './in-time.js';
import { loadPcsc, type PcscBinding, type PcscClient, type PcscHandle } from './pcsc-binding.js';
import { codeOf, pcscMissing } from './pcsc-errors.js';
import { PcscReader, type ReaderEvents } from './pcsc-reader.js';
import type { Reader, Readers } from './reader.js';

export interface PcscOptions {
  load?: () => Promise<PcscBinding>;
  /** For powering a card on, and for its reset */
  connectMs?: number;
  /** How long a reader may be otherwise than its last word says, before nobody is thought to bring that word any more */
  deafMs?: number;
}

const CONNECT_MS = 10_000;
const DEAF_MS = 1_500;
/** After its start the service tells its readers within milliseconds; with none it tells nothing. */
const FIRST_WORD_MS = 500;

/**
 * The machine's readers by PC/SC. The service may be missing, start later, die and come back: it is looked for whenever
 * somebody asks for a reader, and let go at its first word of failure. The thread that brings its word has been seen to
 * end without one (pcsc-mini 0.1.3); readers that are otherwise than they were told to be give it away.
 */
export class PcscReaders implements Readers {
  readonly #readers = new Map<string, PcscReader>();
  #client: PcscClient | undefined;
  /** Held, as what the collector does to a client whose thread may still run is not known. */
  readonly #left: PcscClient[] = [];
  #starting: Promise<void> | undefined;
  /** By `performance.now()`: when the first contradiction was seen since the service was heard last */
  #contradictedAt: number | undefined;

  constructor(
    private readonly log: Logger,
    private readonly options: PcscOptions = {},
  ) {}

  async list(): Promise<readonly Reader[]> {
    if (!this.#client) await (this.#starting ??= this.start().finally(() => (this.#starting = undefined)));
    return [...this.#readers.values()];
  }

  close(): void {
    this.letGo();
  }

  private async start(): Promise<void> {
    const binding = await (this.options.load ?? loadPcsc)().catch((cause: unknown) => {
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
    this.#client = client;
    try {
      client.start();
    } catch (cause) {
      this.letGo();
      throw pcscMissing(cause);
    }
    this.log.info('the smart card service answers');
    await inTime(told, FIRST_WORD_MS, 'the first reader').catch(() => undefined);
    await new Promise(setImmediate); // the readers after the first
  }

  private add(client: PcscClient, handle: PcscHandle): void {
    if (this.#client !== client) return;
    const ours = (then: () => void) => () => this.#client === client && then();
    const events: ReaderEvents = {
      heard: ours(() => (this.#contradictedAt = undefined)),
      contradicted: ours(() => this.doubt()),
      serviceGone: ours(() => this.letGo()),
    };
    const reader = new PcscReader(handle, events, this.options.connectMs ?? CONNECT_MS);
    this.#readers.set(reader.name, reader);
    handle.on('disconnect', () => {
      if (this.#readers.get(reader.name) === reader) this.#readers.delete(reader.name);
    });
  }

  private doubt(): void {
    const now = performance.now();
    this.#contradictedAt ??= now;
    if (now - this.#contradictedAt < (this.options.deafMs ?? DEAF_MS)) return;
    this.log.warn('the smart card service tells nothing any more: asked anew');
    this.letGo();
  }

  private letGo(): void {
    if (this.#client) this.#left.push(this.#client);
    this.#client = undefined;
    this.#contradictedAt = undefined;
    this.#readers.clear();
  }
}
