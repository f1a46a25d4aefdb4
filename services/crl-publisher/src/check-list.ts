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
  /** What the owner of the status log stated with the cut. */
  readonly count: number;
  readonly digest: string;
}

/**
 * Reads the signed bytes back with the second reader and compares them with everything that is known of them from
 * elsewhere: the issuer's certificate, the run, the owner's count and digest.
 *
 * @throws CaError crlMalformed | crlSignature: the bytes are wrong; crlUnexplained: they say something else than the log
 */
export async function checkList(file: string, expected: ExpectedList): Promise<RevocationList> {
  const { list, sha256 } = await verifyCrl(file, expected.issuer);
  if (sha256 !== expected.sha256) throw new CaError('crlMalformed', 'the file is not what the writer wrote');
  for (const field of ['number', 'thisUpdate', 'nextUpdate'] as const) {
    if (list[field].valueOf() !== expected[field].valueOf()) throw new CaError('crlMalformed', `${field} is wrong`);
  }
  const { count, digest } = await measure(list);
  if (count !== expected.count || digest !== expected.digest) {
    throw new CaError('crlUnexplained', `the list has ${count} entries, the log says ${expected.count}`, {
      count,
      digest,
      expected: { count: expected.count, digest: expected.digest },
    });
  }
  return list;
}

async function measure(list: RevocationList): Promise<{ count: number; digest: string }> {
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
