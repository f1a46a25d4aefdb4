import { CaError } from '#libs/errors';
import { type CardConnection, SW } from '#libs/piv';
import { type CardState, readState, writeAtomically } from './card-state.js';
import { type Reply } from './apdu.js';
import { PivApplication } from './piv-application.js';

const CHAINED = 0x10;
const GET_RESPONSE = 0xc0;
/** As small PIV cards do: an answer comes in parts of 255 octets. */
const ANSWER_PART_BYTES = 255;
const CHAIN_MAX_BYTES = 4_096;
const NOTHING_PENDING = 0x6985;

export interface PowerOptions {
  /**
   * The card speaks T=0: no data in the answer to a command that had some (`61xx` first), and `6Cxx` for a wrong Le
   * (ISO/IEC 7816-3 §12.2.1).
   */
  t0?: boolean;
}

/**
 * A PIV card that is a file, plugged in without a reader. Frames are as on the wire (short APDUs, chaining, 61xx), so
 * the host's real code path runs against it. What it answers is on the disk first: the process may be killed at any
 * point. Opening it is power-on, closing it the reset.
 */
export class VirtualCard implements CardConnection {
  readonly #application: PivApplication;
  #chain: { header: string; data: Buffer } | undefined;
  #pending: Buffer = Buffer.alloc(0);
  #queue: Promise<unknown> = Promise.resolve();
  #out = false;
  #pullAfterIns: number | undefined;

  private constructor(
    private readonly file: string,
    private readonly state: CardState,
    private readonly onOut: (pulled: boolean) => Promise<void>,
    private readonly options: PowerOptions,
  ) {
    this.#application = new PivApplication(state, () => this.save());
  }

  /** Use `VirtualCardStore.open`, which keeps a card from being in two places. */
  static async powerOn(file: string, onOut: VirtualCard['onOut'], options: PowerOptions = {}): Promise<VirtualCard> {
    return new VirtualCard(file, await readState(file), onOut, options);
  }

  get cardNumber(): string {
    return this.state.cardNumber;
  }

  /** One after the other, as on a wire. */
  transmit(apdu: Uint8Array): Promise<Buffer> {
    const answer = this.#queue.then(() => this.answer(Buffer.from(apdu)));
    this.#queue = answer.catch(() => undefined);
    return answer;
  }

  /** The reset at the end of a session. Also allowed after the card was taken out. */
  close(): Promise<void> {
    return this.leave(false, this.#queue);
  }

  /** Takes the card out: what is under way still happens on the card, and its answer is lost. */
  pull(): Promise<void> {
    return this.leave(true, this.#queue);
  }

  /** Fault: the card does the next command of this INS, and is taken out before its answer. */
  pullAfter(ins: number): void {
    this.#pullAfterIns = ins;
  }

  /** @param settled the last command's end: nobody may power the card on again while one still writes */
  private async leave(pulled: boolean, settled?: Promise<unknown>): Promise<void> {
    if (this.#out) return;
    this.#out = true;
    await settled;
    await this.onOut(pulled);
  }

  private async answer(apdu: Buffer): Promise<Buffer> {
    this.mustBeIn();
    const reply = await this.react(apdu);
    if (this.#pullAfterIns !== undefined && apdu[1] === this.#pullAfterIns) await this.leave(true);
    this.mustBeIn();
    return this.framed(reply, apdu);
  }

  private mustBeIn(): void {
    if (this.#out) throw new CaError('cardRemoved', 'the card was taken out');
  }

  private async react(apdu: Buffer): Promise<Reply> {
    if (apdu.length < 4) return { sw: SW.WRONG_LENGTH };
    const [cla = 0, ins = 0, p1 = 0, p2 = 0] = apdu;
    const data = commandData(apdu);
    if (!data) return this.reset({ sw: SW.WRONG_LENGTH });
    if (cla !== 0x00 && cla !== CHAINED) return this.reset({ sw: SW.WRONG_CLA });
    if (ins === GET_RESPONSE) return this.#pending.length > 0 ? { sw: SW.OK } : { sw: NOTHING_PENDING };
    this.#pending = Buffer.alloc(0);

    const header = apdu.toString('hex', 1, 4);
    // Another command in the middle of a chain drops the chain (SP 800-73-5 part 2 §3.2.4).
    const before = this.#chain?.header === header ? this.#chain.data : Buffer.alloc(0);
    const whole = Buffer.concat([before, data]);
    if (whole.length > CHAIN_MAX_BYTES) return this.reset({ sw: SW.WRONG_LENGTH });
    this.#chain = cla === CHAINED ? { header, data: whole } : undefined;
    if (cla === CHAINED) return { sw: SW.OK };
    return this.#application.handle({ ins, p1, p2, data: whole });
  }

  private framed({ sw, data }: Reply, apdu: Buffer): Buffer {
    if (data) this.#pending = data;
    if (sw !== SW.OK || this.#pending.length === 0) return word(sw);
    const isCase4 = apdu.length > 5;
    const le = isCase4 && apdu.length === 5 + (apdu[4] ?? 0) ? undefined : apdu[isCase4 ? apdu.length - 1 : 4];
    const asked = le === undefined || le === 0 ? 256 : le;
    if (this.options.t0 && isCase4) return word(this.promise);
    if (this.options.t0 && asked > this.#pending.length) return word(0x6c00 | this.#pending.length);
    const part = this.#pending.subarray(0, Math.min(asked, ANSWER_PART_BYTES));
    this.#pending = this.#pending.subarray(part.length);
    return Buffer.concat([part, word(this.promise)]);
  }

  /** 9000, or 61 and how much more there is. */
  private get promise(): number {
    const left = this.#pending.length;
    return left === 0 ? SW.OK : 0x6100 | Math.min(left, ANSWER_PART_BYTES);
  }

  private reset(reply: Reply): Reply {
    this.#chain = undefined;
    this.#pending = Buffer.alloc(0);
    return reply;
  }

  private save(): Promise<void> {
    return writeAtomically(this.file, JSON.stringify(this.state));
  }
}

/** The data of a short APDU (ISO/IEC 7816-3 §12.1.3, cases 1 to 4); undefined when Lc does not fit. */
function commandData(apdu: Buffer): Buffer | undefined {
  if (apdu.length <= 5) return Buffer.alloc(0);
  const lc = apdu[4] ?? 0;
  const end = 5 + lc;
  return lc > 0 && (apdu.length === end || apdu.length === end + 1) ? apdu.subarray(5, end) : undefined;
}

function word(sw: number): Buffer {
  const octets = Buffer.alloc(2);
  octets.writeUInt16BE(sw);
  return octets;
}
