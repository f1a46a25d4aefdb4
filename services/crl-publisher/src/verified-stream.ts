import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/**
 * The content of a file, whose last piece comes only once the whole has the hash it must have: a reader who was told
 * the length never gets a complete file that was altered.
 *
 * @throws Error before the last piece when the hash is another
 */
export async function* verifiedStream(path: string, sha256: string): AsyncGenerator<Buffer> {
  const digest = createHash('sha256');
  let held: Buffer | undefined;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    digest.update(chunk);
    if (held) yield held;
    held = chunk;
  }
  if (digest.digest('hex') !== sha256) throw new Error(`${path} is not the file that was published`);
  if (held) yield held;
}

/** Lower-case hex; undefined when there is no such file. */
export async function sha256Of(path: string): Promise<string | undefined> {
  const digest = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) digest.update(chunk);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return digest.digest('hex');
}
