import { CaError } from '#libs/errors';
import { verifyCrl, type RevocationList } from '#libs/pki';
import { ListDigest } from './list-digest.js';

/** What a list must be before it is published. */
export interface ExpectedList {
  /** The issuer's certificate, DER. */
  readonly issuer: Uint8Array;
  readonly number: bigint;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** SHA-256 the writer states. */
  readonly sha256: string;
}

/** Entries of a list and the order-independent digest of (serial, reason) that the log's owner states with a cut. */
export interface Measure {
  readonly count: number;
  readonly digest: string;
}

export interface CheckedList extends Measure {
  readonly list: RevocationList;
}

/**
 * Reads the signed bytes back with the second reader and compares them with what is known of them from elsewhere: the
 * issuer's certificate, the run, the writer's hash. Whether the log says the same is the gate's question.
 *
 * @throws CaError crlMalformed | crlSignature
 */
export async function checkList(file: string, expected: ExpectedList): Promise<CheckedList> {
  const { list, sha256 } = await verifyCrl(file, expected.issuer);
  if (sha256 !== expected.sha256) throw new CaError('crlMalformed', 'the file is not what the writer wrote');
  for (const field of ['number', 'thisUpdate', 'nextUpdate'] as const) {
    if (list[field].valueOf() !== expected[field].valueOf()) throw new CaError('crlMalformed', `${field} is wrong`);
  }
  return { list, ...(await measure(list)) };
}

async function measure(list: RevocationList): Promise<Measure> {
  const digest = new ListDigest();
  let count = 0;
  let last = '';
  for await (const batch of list.batches()) {
    for (const { serial, reason } of batch) {
      // ascending order also means: no serial twice
      if (serial <= last) throw new CaError('crlMalformed', 'the serials are not in ascending order');
      digest.add(serial, reason ?? 'unspecified');
      last = serial;
    }
    count += batch.length;
  }
  return { count, digest: digest.value() };
}
