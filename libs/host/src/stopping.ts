import type { Logger } from 'pino';
import { sleep } from '#libs/clock';

/** A stop that takes longer is ended: what was under way is begun again by whoever takes it up. */
const STOP_MS = 20_000;

export interface StoppingOptions {
  log: Logger;
  /** Ends what runs, in order. */
  stop: () => Promise<void> | undefined;
  exit: (code: number) => void;
  limitMs?: number;
}

/**
 * How a process ends when it is told to (0) or can't go on (1): once, in order, within 20 s. A second call, or an end that
 * takes too long, ends it at once.
 */
export function stopping({ log, stop, exit, limitMs = STOP_MS }: StoppingOptions) {
  let begun = false;
  const ended = new AbortController();
  const end = (code: number) => {
    ended.abort();
    exit(code);
  };
  return (reason: string, exitCode: number): void => {
    if (begun) return end(1);
    begun = true;
    log.info(`stopping: ${reason}`);
    void sleep(limitMs, ended.signal).then(() => {
      if (ended.signal.aborted) return;
      log.error(`did not stop within ${limitMs / 1_000} s`);
      end(1);
    });
    void (async () => stop())().then(
      () => end(exitCode),
      (error: unknown) => {
        log.error({ err: error }, 'stopping');
        end(1);
      },
    );
  };
}
