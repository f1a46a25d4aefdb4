import { systemClock, type Clock } from '#libs/clock';
import { schemaOf, setLogClock } from '#libs/database';
import { keepOffset, keptOffset, offsetFor } from '#libs/host';

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
    const fresh = start ? Math.min(0, start.getTime() - systemClock().nowMs()) : 0;
    await throwaway.set(keptOffset(file) ?? fresh);
    return throwaway;
  }

  /** @throws CaError invalidRequest for a time that has not come yet, or before the present one */
  async move(at: Date): Promise<void> {
    await this.set(offsetFor(this.clock, at));
  }

  private async set(offsetMs: number): Promise<void> {
    keepOffset(this.file, offsetMs);
    // SQL first: a process that already lives later asks for a cut the log still refuses, which would only be retried.
    for (const service of WITH_LOG_CLOCK) {
      await setLogClock(this.schemas.get(service)!.ownerUrl, schemaOf(service), offsetMs);
    }
    this.clock.set(offsetMs);
  }
}
