import { createHash, createVerify, type X509Certificate } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { CaError } from '#libs/errors';
import { readCertificate } from './certificate-reader.js';
import type { CrlEntry } from './crl-reasons.js';
import { readListExtensions, readEntry } from './crl-reader-parts.js';
import { DerError, DerReader, readHeader } from './der-reader.js';

/** Everything in front of and behind the entries must fit: names and extensions are far smaller. */
const FRAME_BYTES = 64 * 1024;
const CHUNK_BYTES = 1 << 20;
/** Of entries at a time: few enough that they are gone before they grow old in memory, which takes twice as long. */
const BATCH_BYTES = 1 << 16;
const MAX_HEADER_BYTES = 8;

/** AlgorithmIdentifiers as they must stand in a list, with the key each belongs to. */
const ALGORITHMS: Record<string, { hash: string; key: 'rsa' | 'ec' }> = {
  '300d06092a864886f70d01010b0500': { hash: 'sha256', key: 'rsa' },
  '300a06082a8648ce3d040302': { hash: 'sha256', key: 'ec' },
  '300a06082a8648ce3d040303': { hash: 'sha384', key: 'ec' },
};

export type ReadCrlEntry = CrlEntry;

interface Frame {
  readonly issuer: Buffer;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly number: bigint;
  readonly authorityKeyId: Buffer;
  readonly algorithm: string;
  readonly signature: Buffer;
  /** Positions in the file. */
  readonly tbs: { start: number; end: number };
  readonly entries: { start: number; end: number };
  readonly bytes: number;
}

/**
 * A complete CRL in a file, read strictly: v2, DER, AKI, CRLNumber, nextUpdate, no unknown critical extension, no empty
 * revokedCertificates, no removeFromCRL. Shares nothing with the writer. Memory stays flat: entries are read in pieces.
 */
export class RevocationList {
  private constructor(
    private readonly file: string,
    private readonly frame: Frame,
  ) {}

  /** @throws CaError crlMalformed */
  static async read(file: string): Promise<RevocationList> {
    return withFile(file, async (handle) => new RevocationList(file, await readFrame(handle)));
  }

  /** The issuer's name, DER. */
  get issuer(): Buffer {
    return this.frame.issuer;
  }
  get number(): bigint {
    return this.frame.number;
  }
  get thisUpdate(): Date {
    return this.frame.thisUpdate;
  }
  get nextUpdate(): Date {
    return this.frame.nextUpdate;
  }
  get authorityKeyId(): Buffer {
    return this.frame.authorityKeyId;
  }
  get bytes(): number {
    return this.frame.bytes;
  }

  /**
   * About a thousand entries at a time, in the list's order.
   *
   * @throws CaError crlMalformed
   */
  async *batches(): AsyncGenerator<ReadCrlEntry[]> {
    const { start, end } = this.frame.entries;
    const handle = await open(this.file, 'r');
    try {
      let chunk: Buffer = Buffer.alloc(0);
      for (let position = start; position < end;) {
        const read = await readAt(
          handle,
          position + chunk.length,
          Math.min(BATCH_BYTES, end - position - chunk.length),
        );
        chunk = chunk.length === 0 ? read : Buffer.concat([chunk, read]);
        const { entries, used } = this.#complete(chunk, position + chunk.length === end);
        position += used;
        chunk = chunk.subarray(used);
        if (entries.length > 0) yield entries;
      }
    } finally {
      await handle.close();
    }
  }

  async *entries(): AsyncGenerator<ReadCrlEntry> {
    for await (const batch of this.batches()) yield* batch;
  }

  #complete(chunk: Buffer, isLast: boolean): { entries: ReadCrlEntry[]; used: number } {
    return named(() => {
      const entries: ReadCrlEntry[] = [];
      const reader = new DerReader(chunk);
      while (!reader.atEnd && (isLast || isWhole(chunk, reader.position))) entries.push(readEntry(reader));
      const used = reader.position;
      return { entries, used };
    });
  }

  /**
   * That `certificate` signed this list: name, key identifier, keyUsage cRLSign and signature (RFC 5280 §6.3.3 (f)).
   *
   * @returns SHA-256 of the file, lower-case hex, of the very bytes that were verified
   * @throws CaError crlSignature | crlMalformed when the file is no longer the one that was read
   */
  async verify(certificate: X509Certificate | Uint8Array): Promise<string> {
    const { issuer, authorityKeyId, algorithm, signature, tbs } = this.frame;
    const refuse = (problem: string) => new CaError('crlSignature', problem);
    const signer = readCertificate(certificate);
    const { hash, key } = ALGORITHMS[algorithm]!;
    if (!signer.nameDer.equals(issuer)) throw refuse('the list is of another issuer');
    if (!signer.ski.equals(authorityKeyId)) throw refuse('the list is of another key');
    if (!signer.keyUsage.includes('cRLSign')) throw refuse('the certificate signs no lists');
    if (signer.publicKey.asymmetricKeyType !== key) throw refuse('the signature is of another kind of key');
    const verifying = createVerify(hash);
    const digest = createHash('sha256');
    await withFile(this.file, async (handle) => {
      for await (const { chunk, position } of chunksOf(handle, this.frame.bytes)) {
        digest.update(chunk);
        verifying.update(chunk.subarray(Math.max(0, tbs.start - position), Math.max(0, tbs.end - position)));
      }
    });
    if (!verifying.verify(signer.publicKey, signature)) throw refuse('the signature does not verify');
    return digest.digest('hex');
  }
}

/**
 * Reads what stands around the entries; `entries()` and `batches()` give those.
 *
 * @throws CaError crlMalformed
 */
export const readCrl = (file: string): Promise<RevocationList> => RevocationList.read(file);

/**
 * Reads a list and checks that `certificate` signed it.
 *
 * @throws CaError crlMalformed | crlSignature
 */
export async function verifyCrl(
  file: string,
  certificate: X509Certificate | Uint8Array,
): Promise<{ list: RevocationList; sha256: string }> {
  const list = await readCrl(file);
  return { list, sha256: await list.verify(certificate) };
}

async function readFrame(handle: FileHandle): Promise<Frame> {
  const { size } = await handle.stat();
  const head = await readAt(handle, 0, Math.min(size, FRAME_BYTES));
  const front = named(() => readFront(head, size));
  const tail = await readAt(handle, front.entries.end, tailLength(front, size));
  return { ...front, ...named(() => readBack(tail, front)), bytes: size };
}

function tailLength(front: { entries: { end: number } }, size: number): number {
  const length = size - front.entries.end;
  if (length > FRAME_BYTES) throw new CaError('crlMalformed', 'too much behind the entries');
  return length;
}

function readFront(head: Buffer, size: number) {
  const outer = readHeader(head, 0);
  const tbs = readHeader(head, outer.contentStart);
  if (outer.tag !== 0x30 || outer.end !== size) throw new DerError('not one SEQUENCE that fills the file');
  if (tbs.tag !== 0x30 || tbs.end >= outer.end) throw new DerError('no TBSCertList');
  const reader = new DerReader(head, tbs.contentStart, Math.min(tbs.end, head.length));
  if (reader.integer() !== 1n) throw new DerError('not a v2 list');
  const algorithm = reader.whole(0x30).toString('hex');
  if (!(algorithm in ALGORITHMS)) throw new DerError('an unknown signature algorithm');
  const issuer = reader.whole(0x30);
  const thisUpdate = reader.time();
  const nextUpdate = reader.time();
  if (thisUpdate >= nextUpdate) throw new DerError('nextUpdate is not after thisUpdate');
  return { algorithm, issuer, thisUpdate, nextUpdate, tbs, entries: entriesRange(reader, tbs.end) };
}

function entriesRange(reader: DerReader, tbsEnd: number): { start: number; end: number } {
  if (reader.peek() !== 0x30) return { start: reader.position, end: reader.position };
  const { contentStart, end } = readHeader(reader.bytes, reader.position);
  if (end > tbsEnd) throw new DerError('revokedCertificates is longer than the list');
  if (end === contentStart) throw new DerError('an empty revokedCertificates (RFC 5280 §5.1.2.6)');
  return { start: contentStart, end };
}

function readBack(tail: Buffer, front: ReturnType<typeof readFront>) {
  const tbsEnd = front.tbs.end - front.entries.end;
  const inside = new DerReader(tail, 0, tbsEnd);
  const end = inside.enter(0xa0);
  const extensions = readListExtensions(inside);
  inside.leave(end);
  inside.finish();
  const outside = new DerReader(tail, tbsEnd);
  if (outside.whole(0x30).toString('hex') !== front.algorithm) throw new DerError('two signature algorithms');
  const bits = outside.content(0x03);
  if (bits[0] !== 0 || bits.length < 2) throw new DerError('a signature that is not whole octets');
  outside.finish();
  return { ...extensions, signature: bits.subarray(1) };
}

async function* chunksOf(handle: FileHandle, bytes: number) {
  for (let position = 0; position < bytes;) {
    const chunk = await readAt(handle, position, Math.min(CHUNK_BYTES, bytes - position));
    yield { chunk, position };
    position += chunk.length;
  }
}

/** Whether the entry at `at` ends in the chunk. One too long ever to end in one is refused where it is read. */
function isWhole(chunk: Buffer, at: number): boolean {
  if (chunk.length - at < MAX_HEADER_BYTES) return false;
  const { end } = readHeader(chunk, at);
  return end <= chunk.length || end - at >= FRAME_BYTES;
}

/** Exactly that many octets. */
async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await handle.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) throw new CaError('crlMalformed', 'the file ends too early');
    done += bytesRead;
  }
  return bytes;
}

async function withFile<T>(file: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(file, 'r');
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

/** Gives what the DER reader refuses its name. */
function named<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof DerError) throw new CaError('crlMalformed', cause.message, {}, { cause });
    throw cause;
  }
}
