import { linkSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from './json-file.js';
import { identify, lives, type ProcessIdentity } from './process-identity.js';

/**
 * Makes this process the folder's only supervisor (or what `what` says), until the answer is called or the process ends (a note left by a dead
 * one counts for nothing).
 *
 * @throws Error when another process has it
 */
export function holdFolder(dir: string, what = 'supervisor'): () => void {
  const note = join(dir, `${what}.json`);
  const mine = `${note}.${process.pid}`;
  writeJson(mine, identify(process.pid));
  try {
    for (;;) {
      try {
        linkSync(mine, note); // atomic: fails when somebody has linked theirs
        return () => rmSync(note, { force: true });
      } catch (e) {
        if ((e as NodeJS.ErrnoException).code !== 'EEXIST') throw e;
      }
      const holder = readJson<ProcessIdentity>(note);
      if (lives(holder))
        throw new Error(
          `the stack in ${dir} has a${what === 'instance' ? 'n' : ''} ${what} already (pid ${holder?.pid})`,
        );
      putAside(note);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Of two that find the same dead note, the slower one may catch the quicker one's new note: it puts that back. */
function putAside(note: string): void {
  const aside = `${note}.${process.pid}.old`;
  try {
    renameSync(note, aside);
    if (lives(readJson<ProcessIdentity>(aside))) linkSync(aside, note);
  } catch (e) {
    if (!['ENOENT', 'EEXIST'].includes((e as NodeJS.ErrnoException).code ?? '')) throw e;
  } finally {
    rmSync(aside, { force: true });
  }
}
