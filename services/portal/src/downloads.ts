import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CaError } from '#libs/errors';

export interface Download {
  name: string;
  bytes: number;
  /** Lower-case hex, of the file as it is now */
  sha256: string;
}

/** No hidden files, nothing that a shell or an address would have to quote. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/;

/**
 * The files of one folder on this machine, the card agent's installers above all. The folder is looked at each time, as a new
 * version is put into it while the portal runs; a file is read for its digest once, until it changes.
 */
export class Downloads {
  readonly #digests = new Map<string, { of: string; sha256: Promise<string> }>();

  /** @param dir undefined: there are none */
  constructor(private readonly dir: string | undefined) {}

  /** By name. */
  async list(): Promise<Download[]> {
    if (this.dir === undefined) return [];
    const names = (await readdir(this.dir)).filter((name) => NAME.test(name)).sort();
    const found = await Promise.all(names.map((name) => this.look(name)));
    return found.filter((file) => file !== undefined);
  }

  /** Where it is. @throws CaError notFound for whatever is not on the list */
  async pathOf(name: string): Promise<string> {
    const isThere = this.dir !== undefined && NAME.test(name) && (await statsOf(join(this.dir, name))) !== undefined;
    if (!isThere) throw new CaError('notFound', 'no such file');
    return join(this.dir!, name);
  }

  private async look(name: string): Promise<Download | undefined> {
    const path = join(this.dir!, name);
    const stats = await statsOf(path);
    if (!stats) return undefined;
    const of = `${stats.size} ${stats.mtimeMs} ${stats.ino}`;
    let known = this.#digests.get(name);
    if (known?.of !== of) this.#digests.set(name, (known = { of, sha256: digestOf(path) }));
    const { sha256 } = known;
    sha256.catch(() => this.#digests.delete(name));
    return { name, bytes: stats.size, sha256: await sha256 };
  }
}

/** Of a file itself: a link may lead out of the folder. */
async function statsOf(path: string): Promise<Stats | undefined> {
  const stats = await lstat(path).catch(() => undefined);
  return stats?.isFile() ? stats : undefined;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
