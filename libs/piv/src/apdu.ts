import { CaError } from '#libs/errors';
import { type CardConnection } from './connection.js';
import { SW } from './status-word.js';

export interface Command {
  ins: number;
  p1: number;
  p2: number;
  data?: Uint8Array;
  /** True when an answer is expected: Le 00 is sent, "as much as there is". */
  answer?: boolean;
  /** For the whole command, in place of the channel's: for what a card takes long to do. */
  timeoutMs?: number;
}

export interface Answer {
  data: Buffer;
  sw: number;
}

/** ISO/IEC 7816-4: a short APDU carries 255 octets; more is chained. */
const MAX_LINK_BYTES = 255;
const CHAINED = 0x10;
const GET_RESPONSE = 0xc0;
/** A short APDU's answer: 256 octets and the status word. */
const MAX_PART_BYTES = 258;
/** The longest object a PIV card of today holds is about 3 kB. */
const MAX_ANSWER_BYTES = 16_384;
/** 3 kB in parts of 16 octets are 192. */
const MAX_PARTS = 256;

/**
 * The frame rules of SP 800-73-5 part 2 over a connection: command chaining, `61xx` → GET RESPONSE, `6Cxx` → the same
 * again with the right Le. Extended length is not used: readers differ in it.
 *
 * A command has its own time-out, for all of its links and parts together, as a wrong Lc can hang a reader for good and
 * a card can promise more for ever. After one the channel stays dead: a late answer would be taken for the answer to the
 * next command.
 */
export class ApduChannel {
  #dead: CaError | undefined;

  constructor(
    private readonly connection: CardConnection,
    private readonly timeoutMs = 10_000,
  ) {}

  /** @throws CaError cardRemoved | cardCommunication (no answer in time, or an answer that breaks the frame rules) */
  async send(command: Command): Promise<Answer> {
    const { timeoutMs = this.timeoutMs } = command;
    const deadline: Deadline = { timeoutMs, at: performance.now() + timeoutMs };
    const data = Buffer.from(command.data ?? []);
    let at = 0;
    for (; data.length - at > MAX_LINK_BYTES; at += MAX_LINK_BYTES) {
      const link = await this.exchange(frame(command, CHAINED, data.subarray(at, at + MAX_LINK_BYTES)), deadline);
      if (link.sw !== SW.OK) return link;
    }
    const last = (le?: number) => frame(command, 0x00, data.subarray(at), le);
    return this.collect(await this.withRightLe(last, command.answer ? 0x00 : undefined, deadline), deadline);
  }

  private async collect(first: Answer, deadline: Deadline): Promise<Answer> {
    const parts = [first.data];
    let total = first.data.length;
    let sw = first.sw;
    while (sw >> 8 === 0x61) {
      const next = await this.withRightLe((le) => Buffer.of(0x00, GET_RESPONSE, 0x00, 0x00, le!), sw & 0xff, deadline);
      if (next.data.length === 0 && next.sw >> 8 === 0x61) throw broken('a promised part of the answer is empty');
      parts.push(next.data);
      total += next.data.length;
      if (parts.length > MAX_PARTS) throw broken(`an answer in more than ${MAX_PARTS} parts`);
      if (total > MAX_ANSWER_BYTES) throw broken(`an answer of more than ${MAX_ANSWER_BYTES} octets`);
      sw = next.sw;
    }
    return { data: Buffer.concat(parts), sw };
  }

  /** Once more when the card names the length it wants; a card that names another each time is not followed. */
  private async withRightLe(command: (le?: number) => Buffer, le: number | undefined, deadline: Deadline) {
    const answer = await this.exchange(command(le), deadline);
    return answer.sw >> 8 === 0x6c ? this.exchange(command(answer.sw & 0xff), deadline) : answer;
  }

  private async exchange(apdu: Buffer, deadline: Deadline): Promise<Answer> {
    if (this.#dead) throw this.#dead;
    const bytes = await this.inTime(() => this.connection.transmit(apdu), deadline);
    if (bytes.length < 2) throw broken('an answer without a status word');
    if (bytes.length > MAX_PART_BYTES) throw broken(`an answer of ${bytes.length} octets, more than was asked for`);
    return { data: bytes.subarray(0, -2), sw: bytes.readUInt16BE(bytes.length - 2) };
  }

  private async inTime(transmit: () => Promise<Buffer>, { timeoutMs, at }: Deadline): Promise<Buffer> {
    const dead = () => (this.#dead = broken(`no answer within ${timeoutMs} ms`));
    const left = at - performance.now();
    if (left <= 0) throw dead();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(dead()), left);
    });
    try {
      return await Promise.race([transmit(), timeout]);
    } finally {
      clearTimeout(timer);
    }
  }
}

interface Deadline {
  timeoutMs: number;
  /** By `performance.now()` */
  at: number;
}

function frame({ ins, p1, p2 }: Command, cla: number, data: Uint8Array, le?: number): Buffer {
  const parts: Uint8Array[] = [Buffer.from([cla, ins, p1, p2])];
  if (data.length > 0) parts.push(Buffer.from([data.length]), data);
  if (le !== undefined) parts.push(Buffer.from([le]));
  return Buffer.concat(parts);
}

const broken = (what: string) => new CaError('cardCommunication', what);
