import { type CardConnection } from '#libs/piv';
import { inTime } from './in-time.js';
import { PROTOCOL_T0, type PcscCard, RESET_CARD } from './pcsc-binding.js';
import { transmitError } from './pcsc-errors.js';

/**
 * An exclusive session with one card. A command that hangs can be called back by nobody: closing then waits for nothing
 * and resets the card whenever the command ends. Until then the reader is busy, and says so.
 */
export class PcscConnection implements CardConnection {
  #pending: Promise<unknown> | undefined;

  constructor(
    private readonly card: PcscCard,
    private readonly timeoutMs: number,
  ) {}

  async transmit(apdu: Uint8Array): Promise<Buffer> {
    const answer = this.card.transmit(this.asCommand(apdu));
    this.#pending = answer;
    try {
      const bytes = Buffer.from(await answer);
      // Some drivers answer nothing, and no error, for a card that was pulled in the middle of a command.
      if (bytes.length === 0) throw Object.assign(new Error('no answer'), { code: 'RemovedCard' });
      return bytes;
    } catch (error) {
      throw transmitError(error);
    } finally {
      this.#pending = undefined;
    }
  }

  async close(): Promise<void> {
    // A card that is gone has forgotten everything already.
    const reset = async () => this.card.disconnect(RESET_CARD);
    if (this.#pending) {
      void this.#pending.then(reset, reset).catch(() => undefined);
      return;
    }
    await inTime(reset(), this.timeoutMs, 'resetting the card').catch(() => undefined);
  }

  /** T=0 sends no Le behind data; the card answers 61xx instead (ISO/IEC 7816-3 §12.2.5). */
  private asCommand(apdu: Uint8Array): Uint8Array {
    const withBoth = apdu.length > 5 && apdu.length === 5 + (apdu[4] ?? 0) + 1;
    return withBoth && this.card.protocol() === PROTOCOL_T0 ? apdu.subarray(0, -1) : apdu;
  }
}
