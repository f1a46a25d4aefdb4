import { open, rm, type FileHandle } from 'node:fs/promises';
import { MAX_ENTRY_BYTES, type EntryEncoder } from './crl-entries.js';
import type { CrlColumns, CrlEntry } from './crl-reasons.js';

const CHUNK_BYTES = 1 << 20;

/** Single entries, arrays of them, or columns. */
export type CrlPiece = CrlEntry | readonly CrlEntry[] | CrlColumns;

/**
 * Encoded entries in a file without a name, since a DER length stands in front of what it measures. Two buffers take
 * turns: one is being written, or read, while the other is filled, or used.
 */
export class EntrySpool {
  #count = 0;
  #bytes = 0;
  #at = 0;
  #current = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #other = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #pending: Promise<void> = Promise.resolve();

  private constructor(
    private readonly file: FileHandle,
    private readonly encoder: EntryEncoder,
  ) {}

  /** @param path a new file; its name is gone at once, so nothing is left behind whatever happens */
  static async create(path: string, encoder: EntryEncoder): Promise<EntrySpool> {
    const file = await open(path, 'wx+', 0o600);
    await rm(path);
    return new EntrySpool(file, encoder);
  }

  get count(): number {
    return this.#count;
  }

  /** Of all entries, once `fill` has ended. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @throws CaError crlMalformed for an entry that may not be listed */
  async fill(source: Iterable<CrlPiece> | AsyncIterable<CrlPiece>): Promise<void> {
    if (Symbol.asyncIterator in source) for await (const piece of source) await this.#add([piece]);
    else await this.#add(source);
    await this.#flush();
    await this.#pending;
  }

  async #add(pieces: Iterable<CrlPiece>): Promise<void> {
    for (const piece of pieces) {
      if ('serial' in piece) {
        if (this.#full) await this.#flush();
        this.#at = this.encoder.entry(this.#current, this.#at, piece);
        this.#count += 1;
      } else if ('serials' in piece) await this.#addColumns(piece);
      else await this.#add(piece);
    }
  }

  async #addColumns(columns: CrlColumns): Promise<void> {
    for (let i = 0; i < columns.count; i += 1) {
      if (this.#full) await this.#flush();
      this.#at = this.encoder.row(this.#current, this.#at, columns, i);
    }
    this.#count += columns.count;
  }

  get #full(): boolean {
    return this.#at > CHUNK_BYTES - MAX_ENTRY_BYTES;
  }

  async #flush(): Promise<void> {
    await this.#pending;
    [this.#current, this.#other] = [this.#other, this.#current];
    this.#pending = writeAll(this.file, this.#other.subarray(0, this.#at), this.#bytes);
    this.#pending.catch(() => undefined); // thrown where it is awaited next
    this.#bytes += this.#at;
    this.#at = 0;
  }

  /** All encoded entries in order. A chunk is valid until the next one is asked for. */
  async *chunks(): AsyncGenerator<Buffer> {
    let next = this.#read(this.#current, 0);
    for (let done = 0; done < this.#bytes;) {
      const chunk = await next;
      done += chunk.length;
      [this.#current, this.#other] = [this.#other, this.#current];
      next = this.#read(this.#current, done);
      next.catch(() => undefined);
      yield chunk;
    }
    await next;
  }

  async #read(into: Buffer, position: number): Promise<Buffer> {
    const wanted = Math.min(into.length, this.#bytes - position);
    if (wanted === 0) return into.subarray(0, 0);
    const { bytesRead } = await this.file.read(into, 0, wanted, position);
    if (bytesRead === 0) throw new Error('the spool of a revocation list is shorter than what was written');
    return into.subarray(0, bytesRead);
  }

  async close(): Promise<void> {
    await this.#pending.catch(() => undefined);
    await this.file.close();
  }
}

/** Writes everything, also when the system takes it in pieces. */
export async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
