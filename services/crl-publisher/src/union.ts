import type { CrlColumns, CrlEntry } from '#libs/pki';
import { entriesOf } from './copy-columns.js';
import { saidByLog, type Changes } from './gate.js';
import { sameEntry, walkLists, type Batches } from './list-walk.js';

/**
 * Both lists together: nothing that is served goes, everything new comes. Of an entry that both have, the new one counts
 * if the log explains it, else the one served.
 */
export function unionOf(
  served: Batches,
  fresh: AsyncIterable<CrlColumns>,
  changes: Changes,
): AsyncGenerator<CrlEntry[]> {
  return walkLists(served, entries(fresh), (was, is) => {
    if (!was || !is || sameEntry(was, is)) return was ?? is;
    const explained = saidByLog({ kind: 'changed', serial: is.serial, before: was, after: is }, changes);
    return explained ? is : was;
  });
}

async function* entries(columns: AsyncIterable<CrlColumns>): AsyncGenerator<CrlEntry[]> {
  for await (const one of columns) yield entriesOf(one);
}
