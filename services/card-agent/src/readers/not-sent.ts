import { CaError } from '#libs/errors';

/** The command was not given to the card: whatever it would have done, it has not. */
export class NotSent extends CaError {
  constructor(detail: string) {
    super('cardCommunication', detail);
  }
}

/**
 * For a command of which something is noted before it is sent, as its answer may be lost.
 *
 * @param takeBack unsays the note when the command never left
 */
export async function unlessSent<T>(command: () => Promise<T>, takeBack: () => void): Promise<T> {
  try {
    return await command();
  } catch (error) {
    if (error instanceof NotSent) takeBack();
    throw error;
  }
}
