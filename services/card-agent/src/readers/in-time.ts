import { CaError } from '#libs/errors';

/** When whoever asked gets an answer, whatever reader and card do: by `performance.now()`. */
export type Deadline = number;

export const leftUntil = (deadline: Deadline): number => Math.max(0, Math.ceil(deadline - performance.now()));

/**
 * The work's result, or an error when it takes too long. The work itself goes on: a reader that hangs can't be called
 * back.
 *
 * @param what   for the error's text: "powering the card on"
 * @param onLate what to do with a result that nobody waits for any more
 * @throws CaError cardCommunication
 */
export async function inTime<T>(work: Promise<T>, ms: number, what: string, onLate?: (late: T) => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let late = false;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      late = true;
      reject(new CaError('cardCommunication', `no answer within ${ms} ms: ${what}`));
    }, ms);
  });
  work.then((result) => late && onLate?.(result)).catch(() => undefined);
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
