import type { CrlEntry } from '#libs/pki';

/** Entries in ascending serial order, many at a time. */
export type Batches = AsyncIterable<readonly CrlEntry[]>;

export interface Difference {
  readonly kind: 'added' | 'gone' | 'changed';
  readonly serial: string;
  readonly before?: CrlEntry;
  readonly after?: CrlEntry;
}

/**
 * Walks two lists side by side and asks `note` at each serial of either, with the entry of each list that has it. Waits
 * only where a batch ends, which is when what was noted so far is given.
 */
export async function* walkLists<T>(
  before: Batches,
  after: Batches,
  note: (was: CrlEntry | undefined, is: CrlEntry | undefined) => T | undefined,
): AsyncGenerator<T[]> {
  const [old, fresh] = [new Cursor(before), new Cursor(after)];
  let noted: T[] = [];
  try {
    for (;;) {
      if (old.spent || fresh.spent) {
        if (noted.length > 0) yield noted;
        noted = [];
        if (old.spent) await old.fill();
        if (fresh.spent) await fresh.fill();
      }
      const [was, is] = [old.entry, fresh.entry];
      if (!was && !is) return;
      const useOld = was && (!is || was.serial <= is.serial);
      const useFresh = is && (!was || is.serial <= was.serial);
      const found = note(useOld ? was : undefined, useFresh ? is : undefined);
      if (found !== undefined) noted.push(found);
      if (useOld) old.next();
      if (useFresh) fresh.next();
    }
  } finally {
    // who stops early, or fails, leaves no file open
    await Promise.all([old.close(), fresh.close()]);
  }
}

/** Every difference of two lists, by serial. */
export function differences(before: Batches, after: Batches): AsyncGenerator<Difference[]> {
  return walkLists(before, after, (was, is): Difference | undefined => {
    if (!was) return { kind: 'added', serial: is!.serial, after: is! };
    if (!is) return { kind: 'gone', serial: was.serial, before: was };
    return sameEntry(was, is) ? undefined : { kind: 'changed', serial: is.serial, before: was, after: is };
  });
}

export function sameEntry(a: CrlEntry, b: CrlEntry): boolean {
  return (
    a.reason === b.reason &&
    a.revocationDate.getTime() === b.revocationDate.getTime() &&
    a.invalidityDate?.getTime() === b.invalidityDate?.getTime()
  );
}

/** One list, batch by batch. */
class Cursor {
  readonly #batches: AsyncIterator<readonly CrlEntry[]>;
  #batch: readonly CrlEntry[] = [];
  #at = 0;
  #ended = false;

  constructor(batches: Batches) {
    this.#batches = batches[Symbol.asyncIterator]();
  }

  get entry(): CrlEntry | undefined {
    return this.#batch[this.#at];
  }

  /** Whether there may be more than the batch at hand. */
  get spent(): boolean {
    return this.#at >= this.#batch.length && !this.#ended;
  }

  next(): void {
    this.#at += 1;
  }

  async close(): Promise<void> {
    await this.#batches.return?.();
  }

  async fill(): Promise<void> {
    while (this.spent) {
      const { value, done } = await this.#batches.next();
      this.#ended = done === true;
      this.#batch = done ? [] : value;
      this.#at = 0;
    }
  }
}
