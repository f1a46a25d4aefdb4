import { createSecretKey, randomBytes, randomUUID, type KeyObject } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

const SECRET_BYTES = 32;

/**
 * A secret of 32 raw octets, made from the system's random source when the file does not exist. Two processes that
 * start at once agree on one of their secrets, and a kill leaves either no file or a whole one.
 *
 * @throws Error  naming the file, when it cannot be read or written or is not 32 octets long
 */
export function ensureSecretFile(path: string): Buffer {
  createOnce(path, () => randomBytes(SECRET_BYTES));
  return readSecretFile(path);
}

/** @throws Error  naming the file, when it cannot be read or is not 32 octets long */
export function readSecretFile(path: string): Buffer {
  const secret = readFileSync(path);
  if (secret.length !== SECRET_BYTES) throw new Error(`${path} must hold ${SECRET_BYTES} octets`);
  return secret;
}

/** The same file as a key, whose octets `util.inspect` and `JSON.stringify` don't show. */
export function ensureSecretKey(path: string): KeyObject {
  return createSecretKey(ensureSecretFile(path));
}

/**
 * The same, of a file that must be there: a service that made a master of its own under a misspelt name would go on with
 * one that nobody else has.
 */
export function readSecretKey(path: string): KeyObject {
  return createSecretKey(readSecretFile(path));
}

/** Writes a whole file of mode 0600, unless there is one: `link` fails where `rename` would replace. */
export function createOnce(path: string, content: () => string | Buffer): void {
  // Where secrets are mounted, the folder may be read-only.
  if (existsSync(path)) return;
  withTemporary(path, 0o600, content, (temporary) => {
    try {
      linkSync(temporary, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  });
}

/** Writes a whole public file (0644), replacing one with other content. */
export function replaceFile(path: string, content: string): void {
  if (existsSync(path) && readFileSync(path, 'utf8') === content) return;
  withTemporary(
    path,
    0o644,
    () => content,
    (temporary) => renameSync(temporary, path),
  );
}

function withTemporary(
  path: string,
  mode: number,
  content: () => string | Buffer,
  place: (temporary: string) => void,
): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomUUID()}.tmp`;
  const file = openSync(temporary, 'wx', mode);
  try {
    writeSync(file, content() as string);
    fsyncSync(file);
    place(temporary);
  } finally {
    closeSync(file);
    rmSync(temporary, { force: true });
  }
  syncDirectory(dirname(path));
}

/** A file survives a power cut only with its directory entry. */
function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
