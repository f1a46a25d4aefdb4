import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CaError } from '#libs/errors';
import { verifyCrl, type CaCertificate } from '#libs/pki';
import { type Alarms } from './alarms.js';

import type { PublishedList, PublishedLists } from './published-lists.js';
import { sha256Of } from './verified-stream.js';

/** What HTTP needs of a list. */
export type ServedList = Pick<
  PublishedList,
  'issuerSki' | 'number' | 'sha256' | 'bytes' | 'cut' | 'thisUpdate' | 'nextUpdate' | 'publishedAt'
>;

const CURRENT = 'complete.crl';

/**
 * The files of one replica: `<dir>/<ski>/<number>.crl`, never changed, and the symbolic link `complete.crl` to the
 * newest. The database is the truth; whatever is missing or altered here is written anew from it.
 */
export class ServedFiles {
  readonly #served = new Map<string, ServedList>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly dir: string,
    private readonly lists: PublishedLists,
    private readonly alarms: Alarms,
  ) {}

  /** The list served now; undefined until `reconcile` has found one. */
  served(issuerSki: string): ServedList | undefined {
    return this.#served.get(issuerSki);
  }

  path({ issuerSki, number }: Pick<ServedList, 'issuerSki' | 'number'>): string {
    return join(this.dir, issuerSki, `${number}.crl`);
  }

  /** A place for an attempt's list, which is in no reader's way. */
  async draft(issuerSki: string, number: bigint): Promise<string> {
    await mkdir(join(this.dir, issuerSki, 'draft'), { recursive: true });
    return join(this.dir, issuerSki, 'draft', `${number}.crl`);
  }

  /**
   * Serves the highest published list; one call after the other, so that a slow one never undoes a later one. Never goes
   * back to a lower number than the one that is in place.
   */
  async reconcile(issuer: CaCertificate): Promise<void> {
    const done = this.#turn.then(() => this.reconcileNow(issuer));
    this.#turn = done.catch(() => undefined);
    return done;
  }

  private async reconcileNow(issuer: CaCertificate): Promise<void> {
    const newest = await this.lists.highest(issuer.skiHex);
    const repairs = this.alarms.counts.get('fileRepaired');
    const inPlace = await this.inPlace(issuer);
    if (inPlace && (!newest || inPlace.number > newest.number)) {
      this.alarms.raise('databaseBehind', { served: `${inPlace.number}`, known: `${newest?.number ?? 'none'}` });
      this.#served.set(issuer.skiHex, inPlace);
    } else if (newest) {
      await this.ensure(newest);
      await this.point(newest);
      this.#served.set(issuer.skiHex, newest);
      this.alarms.clear('databaseBehind');
      if (this.alarms.counts.get('fileRepaired') === repairs) this.alarms.clear('fileRepaired');
    }
  }

  /** The immutable file of a list, whose content was just checked. */
  async ensure(list: ServedList): Promise<string> {
    const path = this.path(list);
    const found = await sha256Of(path);
    if (found === list.sha256) return path;
    if (found !== undefined || this.#served.get(list.issuerSki)?.number === list.number) {
      this.alarms.raise('fileRepaired', { number: `${list.number}` });
    }
    await this.write(path, list);
    return path;
  }

  /** The number of the list in place if the issuer signed it, else 0: a restored database must not use it again. */
  async floor(issuer: CaCertificate): Promise<bigint> {
    return (await this.inPlace(issuer))?.number ?? 0n;
  }

  /** Drafts of attempts that were killed. */
  async sweep(issuerSki: string): Promise<void> {
    await rm(join(this.dir, issuerSki, 'draft'), { recursive: true, force: true });
    const names = await readdir(join(this.dir, issuerSki)).catch(() => []);
    for (const name of names) if (name.endsWith('.tmp')) await rm(join(this.dir, issuerSki, name), { force: true });
  }

  private async write(path: string, list: ServedList): Promise<void> {
    await mkdir(join(this.dir, list.issuerSki), { recursive: true });
    const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      const file = await open(temporary, 'wx', 0o444);
      try {
        for await (const part of this.lists.parts(list)) await file.writeFile(part);
        await file.sync();
      } finally {
        await file.close();
      }
      if ((await sha256Of(temporary)) !== list.sha256) {
        throw new CaError('crlMalformed', `the stored bytes of list ${list.number} are not those published`);
      }
      await rename(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
    await this.sync(list.issuerSki);
  }

  /** Swaps the link in one step and reads through it. */
  private async point(list: PublishedList): Promise<void> {
    const link = join(this.dir, list.issuerSki, CURRENT);
    const target = `${list.number}.crl`;
    if ((await readlink(link).catch(() => undefined)) === target) return;
    const temporary = `${link}.${randomBytes(6).toString('hex')}.tmp`;
    await symlink(target, temporary);
    await rename(temporary, link);
    await this.sync(list.issuerSki);
    if ((await sha256Of(link)) !== list.sha256) {
      throw new CaError('crlMalformed', `${CURRENT} does not lead to list ${list.number}`);
    }
  }

  /** The list the link leads to, if it is one of ours. */
  private async inPlace(issuer: CaCertificate): Promise<ServedList | undefined> {
    try {
      const link = join(this.dir, issuer.skiHex, CURRENT);
      const served = this.#served.get(issuer.skiHex);
      if (served && (await readlink(link)) === `${served.number}.crl`) return served;
      const { list, sha256 } = await verifyCrl(link, issuer.der);
      const { number, bytes, thisUpdate, nextUpdate } = list;
      if ((await readlink(link)) !== `${number}.crl`) return undefined;
      const publishedAt = (await stat(link)).mtime;
      return { issuerSki: issuer.skiHex, number, sha256, bytes, cut: thisUpdate, thisUpdate, nextUpdate, publishedAt };
    } catch {
      return undefined; // no list yet, or no list of ours: there is nothing to go back from
    }
  }

  private async sync(issuerSki: string): Promise<void> {
    const folder = await open(join(this.dir, issuerSki), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}
