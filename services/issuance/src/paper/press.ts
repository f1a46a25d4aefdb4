import { sleep } from '#libs/clock';
import { BoundedPool } from '#libs/credentials';

/** What a sheet takes of the event loop when the machine is busy, in seconds; for Retry-After. */
const SECONDS_PER_SHEET = 0.2;
const WAITING = 8;
const places = new BoundedPool(1, WAITING, 2 * SECONDS_PER_SHEET);

/**
 * Draws one sheet at a time. Drawing holds the event loop of the process, where suspensions and status answers may be
 * waiting: after each sheet as much time is theirs as it took, whoever asks for how many.
 *
 * @throws CaError tooBusy {retryAfterSeconds}
 */
export function printed(draw: () => Promise<Buffer>): Promise<Buffer> {
  return places.run(async () => {
    const began = performance.now();
    try {
      return await draw();
    } finally {
      await sleep(performance.now() - began);
    }
  });
}
