import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { systemClock, type Clock } from '#libs/clock';
import { schemaOf, setLogClock } from '#libs/database';
import { CaError } from '#libs/errors';

interface Schemas {
  keys(): Iterable<string>;
  get(service: string): { ownerUrl: string } | undefined;
}

/** Services whose SQL reads `log_now()`. */
const WITH_LOG_CLOCK = ['suspension'];

/**
 * The clock of a throw-away instance: moved forward by whoever plays with it, never past the real now and never back,
 * since the status log's time never goes back. Kept in a file, so that it survives a kill.
 */
export class ThrowawayClock {
  private constructor(
    private readonly clock: Clock,
    private readonly schemas: Schemas,
    private readonly file: string,
  ) {}

  static async restore(clock: Clock, schemas: Schemas, file: string, start: Date | undefined): Promise<ThrowawayClock> {
    const throwaway = new ThrowawayClock(clock, schemas, file);
    const kept = existsSync(file)
      ? (JSON.parse(readFileSync(file, 'utf8')) as { offsetMs: number }).offsetMs
      : undefined;
    const fresh = start ? Math.min(0, start.getTime() - systemClock().nowMs()) : 0;
    await throwaway.set(kept ?? fresh);
    return throwaway;
  }

  /** @throws CaError invalidRequest for a time that has not come yet, or before the present one */
  async move(at: Date): Promise<void> {
    const offsetMs = at.getTime() - systemClock().nowMs();
    if (offsetMs > 0) throw new CaError('invalidRequest', 'the clock cannot pass the real time');
    // Repeating a move a moment later is not going back.
    if (offsetMs < this.clock.offsetMs - 60_000) throw new CaError('invalidRequest', 'the clock cannot go back');
    await this.set(Math.max(offsetMs, this.clock.offsetMs));
  }

  private async set(offsetMs: number): Promise<void> {
    writeFileSync(`${this.file}.new`, JSON.stringify({ offsetMs }));
    renameSync(`${this.file}.new`, this.file);
    // SQL first: a process that already lives later asks for a cut the log still refuses, which would only be retried.
    for (const service of WITH_LOG_CLOCK) {
      await setLogClock(this.schemas.get(service)!.ownerUrl, schemaOf(service), offsetMs);
    }
    this.clock.set(offsetMs);
  }
}
