import { createHash, randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CaError } from '#libs/errors';
import { EntryEncoder } from './crl-entries.js';
import { EntrySpool, writeAll, type CrlPiece } from './crl-spool.js';
import { bitString, explicit, header, implicit, integer, octetString, oid, sequence, time } from './der.js';
import { syncFolder } from './files.js';
import { keyIdentifier, SIGNATURE_ALGORITHMS, spkiOf } from './keys.js';
import { OID } from './oids.js';
import type { Signer } from './signer.js';

export interface CrlOptions {
  readonly signer: Signer;
  readonly issuer: { readonly nameDer: Buffer; readonly ski: Buffer };
  /** Strictly greater than the last published one; at most 20 octets (RFC 5280 §5.2.3). */
  readonly number: bigint;
  /** Whole seconds. */
  readonly thisUpdate: Date;
  /** Whole seconds, after thisUpdate. */
  readonly nextUpdate: Date;
  /** In any order. Columns are the fastest, then arrays of some thousands of entries. */
  readonly entries: Iterable<CrlPiece> | AsyncIterable<CrlPiece>;
  /** Where the list goes. Temporary files beside it are named `<file>.<random>.tmp`. */
  readonly file: string;
}

export interface WrittenCrl {
  readonly bytes: number;
  readonly count: number;
  /** Of the whole file, lower-case hex. */
  readonly sha256: string;
}

const MAX_NUMBER = (1n << 159n) - 1n;

/**
 * Signs one complete CRL (RFC 5280 §5): v2 with AKI and CRLNumber, and no revokedCertificates at all when nothing is
 * revoked. Memory stays flat at any size. The file appears whole under its name, when it is on the disk.
 *
 * @throws CaError crlMalformed (an entry or a parameter) | signerUnavailable
 *
 * Not done here: refusing the same serial twice, partitions, delta and indirect lists.
 */
export async function writeCrl(options: CrlOptions): Promise<WrittenCrl> {
  checkOptions(options);
  const temporary = `${options.file}.${randomBytes(6).toString('hex')}.tmp`;
  const spool = await EntrySpool.create(`${temporary}.spool`, new EntryEncoder(options.thisUpdate.getTime() / 1_000));
  try {
    await spool.fill(options.entries);
    const parts = await signList(options, spool);
    const written = await writeFile(temporary, parts, spool);
    await rename(temporary, options.file);
    await syncFolder(dirname(options.file));
    return written;
  } finally {
    await spool.close();
    await rm(temporary, { force: true });
  }
}

function checkOptions({ signer, issuer, number, thisUpdate, nextUpdate }: CrlOptions): void {
  const refuse = (problem: string) => new CaError('crlMalformed', problem);
  if (number < 0n || number > MAX_NUMBER) throw refuse('the CRL number is not 0 to 2^159 − 1');
  if (!(thisUpdate < nextUpdate)) throw refuse('nextUpdate is not after thisUpdate');
  if (thisUpdate.getTime() % 1_000 || nextUpdate.getTime() % 1_000) throw refuse('a signed time has whole seconds');
  if (!keyIdentifier(spkiOf(signer.publicKey)).equals(issuer.ski)) throw refuse('the signer is not the issuer’s key');
}

/** What stands in front of the entries, and what behind. */
interface Frame {
  readonly front: Buffer;
  readonly back: Buffer;
}

/** The list is hashed before it is written: its first octets hold a length that depends on the signature's. */
async function signList(options: CrlOptions, spool: EntrySpool): Promise<Frame> {
  const { signer, issuer, thisUpdate, nextUpdate } = options;
  const algorithm = SIGNATURE_ALGORITHMS[signer.algorithm].identifier;
  const fields = Buffer.concat([integer(1), algorithm, issuer.nameDer, time(thisUpdate), time(nextUpdate)]);
  const listHeader = spool.count === 0 ? Buffer.alloc(0) : header(0x30, spool.bytes);
  const extensions = crlExtensions(issuer.ski, options.number);
  const tbsHeader = header(0x30, fields.length + listHeader.length + spool.bytes + extensions.length);
  const front = Buffer.concat([tbsHeader, fields, listHeader]);

  const signing = signer.begin();
  signing.update(front);
  for await (const chunk of spool.chunks()) signing.update(chunk);
  signing.update(extensions);
  const back = Buffer.concat([extensions, algorithm, bitString(await signing.end())]);
  return { front: Buffer.concat([header(0x30, front.length + spool.bytes + back.length), front]), back };
}

/** Room for a critical issuingDistributionPoint, which partitions need. */
function crlExtensions(ski: Buffer, number: bigint): Buffer {
  const authorityKey = sequence(oid(OID.authorityKeyIdentifier), octetString(sequence(implicit(0, ski))));
  const crlNumber = sequence(oid(OID.crlNumber), octetString(integer(number)));
  return explicit(0, sequence(authorityKey, crlNumber));
}

async function writeFile(path: string, { front, back }: Frame, spool: EntrySpool): Promise<WrittenCrl> {
  const file = await open(path, 'wx', 0o644);
  const hash = createHash('sha256');
  let bytes = 0;
  const append = async (part: Buffer) => {
    const writing = writeAll(file, part, bytes); // in the thread pool, while this thread hashes
    hash.update(part);
    bytes += part.length;
    await writing;
  };
  try {
    await append(front);
    for await (const chunk of spool.chunks()) await append(chunk);
    await append(back);
    await file.sync();
  } finally {
    await file.close();
  }
  return { bytes, count: spool.count, sha256: hash.digest('hex') };
}
