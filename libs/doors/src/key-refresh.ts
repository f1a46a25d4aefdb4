import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { keySet } from './key-file.js';

const PATIENCE_MS = 5_000;
/** Anybody can send a token with a key nobody knows: the provider is not asked more often for that. */
const COOLDOWN_MS = 30_000;

export interface KeyRefreshOptions {
  /** Where the identity provider publishes its keys (`jwks_uri`). */
  url: string;
  /** Where they are kept, so that tokens are checked while the provider is away. */
  file: string;
  /** Milliseconds of any steady clock. */
  steadyMs?: () => number;
}

/** Brings the identity provider's keys into the file that tokens are checked by. */
export class KeyRefresh {
  readonly #steadyMs: () => number;
  #askedMs = -Infinity;
  #underWay: Promise<void> | undefined;

  constructor(private readonly options: KeyRefreshOptions) {
    this.#steadyMs = options.steadyMs ?? (() => performance.now());
  }

  /** Asks now; who comes while somebody asks waits for that answer. @throws Error when there is none that can be used */
  refresh(): Promise<void> {
    this.#askedMs = this.#steadyMs();
    return (this.#underWay ??= this.#fetch().finally(() => (this.#underWay = undefined)));
  }

  /** A key nobody knows: it may be new. @returns whether it is worth looking again */
  async unknownKey(): Promise<boolean> {
    if (!this.#underWay && this.#steadyMs() - this.#askedMs < COOLDOWN_MS) return false;
    return (this.#underWay ?? this.refresh()).then(
      () => true,
      () => false, // told by whoever asks regularly
    );
  }

  async #fetch(): Promise<void> {
    const { url, file } = this.options;
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    const set = keySet.safeParse(await response.json());
    if (!set.success) throw new Error(`${url} answered no set of keys`);
    await replace(file, `${JSON.stringify(set.data, null, 2)}\n`);
  }
}

/** Whole or not at all; untouched when nothing has changed. */
async function replace(file: string, text: string): Promise<void> {
  if ((await readFile(file, 'utf8').catch(() => undefined)) === text) return;
  const fresh = `${file}.${randomUUID()}.new`;
  try {
    await writeFile(fresh, text, { mode: 0o644, flush: true });
    await rename(fresh, file);
  } finally {
    await rm(fresh, { force: true });
  }
}
