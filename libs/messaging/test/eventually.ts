import { sleep } from '#libs/clock';

/** Asks until the check passes; the last failure is thrown when it hasn't within `deadlineMs`. */
export async function eventually<T>(check: () => Promise<T> | T, deadlineMs = 20_000): Promise<T> {
  for (const started = performance.now(); ; await sleep(20)) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() - started > deadlineMs) throw error;
    }
  }
}
