import { findTlv, OBJECT, SW, tagOctets, tlv, VIRTUAL_ASCII_LABEL } from '#libs/piv';
import { newKey, privateOperation } from './card-keys.js';
import { type CardState, isValueOf, newReference, type Reference } from './card-state.js';

export interface Apdu {
  ins: number;
  p1: number;
  p2: number;
  data: Buffer;
}
export type Reply = { sw: number; data?: Buffer };

const AID = Buffer.from('a000000308000010000100', 'hex');
/** The AID may come without its last octets, those of the version. */
const AID_LEAST_BYTES = 9;
const SLOTS = [0x9a, 0x9c, 0x9d, 0x9e];
const OBJECT_MAX_BYTES = 3_100;

/**
 * The PIV application of the virtual card (SP 800-73-5 part 2): one session of it, from power-on to reset.
 *
 * Not done here: the 9B key. Until `seal()` anyone who holds the card may write it, as a centre does with 9B;
 * afterwards nobody may. Secure messaging, biometrics and vendors' commands are not there either.
 */
export class PivApplication {
  #selected = false;
  #verified = false;
  /** 9C is "PIN Always": each VERIFY is good for one signature. */
  #freshForSignature = false;

  /** @param save makes the state durable; awaited before the card answers */
  constructor(
    private readonly state: CardState,
    private readonly save: () => Promise<void>,
  ) {}

  async handle(apdu: Apdu): Promise<Reply> {
    if (apdu.ins === 0xa4) return this.select(apdu);
    const command = this.#selected ? this.commands[apdu.ins] : undefined;
    if (!command) return { sw: SW.WRONG_INS };
    return command(apdu);
  }

  private readonly commands: Record<number, (apdu: Apdu) => Reply | Promise<Reply>> = {
    0x20: (apdu) => this.verify(apdu),
    0x24: (apdu) => this.change(apdu),
    0x2c: (apdu) => this.resetRetryCounter(apdu),
    0x47: (apdu) => this.generate(apdu),
    0x87: (apdu) => this.generalAuthenticate(apdu),
    0xcb: (apdu) => this.getData(apdu),
    0xdb: (apdu) => this.putData(apdu),
  };

  /** §3.1.1. Selecting PIV again keeps the security status. */
  private select({ p1, data }: Apdu): Reply {
    const known = data.length >= AID_LEAST_BYTES && AID.subarray(0, data.length).equals(data);
    if (p1 !== 0x04 || !known) return { sw: SW.NOT_FOUND };
    this.#selected = true;
    const label = this.state.digitsOnly ? 'kaika virtual card' : VIRTUAL_ASCII_LABEL;
    const authority = tlv(0x79, tlv(0x4f, AID.subarray(0, 5)));
    return { sw: SW.OK, data: tlv(0x61, tlv(0x4f, AID), authority, tlv(0x50, Buffer.from(label))) };
  }

  /** §3.1.2. All our objects are readable always. */
  private getData({ p1, p2, data }: Apdu): Reply {
    if (p1 !== 0x3f || p2 !== 0xff) return { sw: SW.WRONG_P1P2 };
    const tag = element(data, 0x5c)?.toString('hex');
    if (!tag) return { sw: SW.WRONG_DATA };
    if (tag === tagOctets(OBJECT.DISCOVERY).toString('hex')) {
      return { sw: SW.OK, data: tlv(OBJECT.DISCOVERY, tlv(0x4f, AID), tlv(0x5f2f, Buffer.of(0x40, 0x00))) };
    }
    const value = this.state.objects[tag];
    return value === undefined ? { sw: SW.NOT_FOUND } : { sw: SW.OK, data: tlv(0x53, Buffer.from(value, 'base64')) };
  }

  /** §3.2.1. The counter goes down on the disk before the PIN is compared: pulling the card saves no try. */
  private async verify({ p1, p2, data }: Apdu): Promise<Reply> {
    if (p2 !== 0x80) return { sw: SW.REFERENCE_NOT_FOUND };
    if (p1 === 0xff && data.length === 0) {
      this.forgetPin();
      return { sw: SW.OK };
    }
    if (p1 !== 0x00) return { sw: SW.WRONG_P1P2 };
    const { pin } = this.state;
    if (data.length === 0) return { sw: this.#verified ? SW.OK : triesLeft(pin) };
    if (!this.wellFormed(data, 0x80)) return { sw: SW.WRONG_DATA };
    this.forgetPin();
    const sw = await this.check(pin, data);
    this.#verified = this.#freshForSignature = sw === SW.OK;
    return { sw };
  }

  /** §3.2.2. A malformed new value costs no try. */
  private async change({ p1, p2, data }: Apdu): Promise<Reply> {
    if (p1 !== 0x00) return { sw: SW.WRONG_P1P2 };
    const name = p2 === 0x80 ? 'pin' : p2 === 0x81 ? 'puk' : undefined;
    if (!name) return { sw: SW.REFERENCE_NOT_FOUND };
    if (this.state[name].left === 0) return { sw: SW.BLOCKED };
    const [old, next] = [data.subarray(0, 8), data.subarray(8)];
    if (!this.wellFormed(old, p2) || !this.wellFormed(next, p2)) return { sw: SW.WRONG_DATA };
    return { sw: await this.check(this.state[name], old, () => this.replace(name, next)) };
  }

  /** §3.2.3. The PIN is not verified by it. */
  private async resetRetryCounter({ p1, p2, data }: Apdu): Promise<Reply> {
    if (p1 !== 0x00 || p2 !== 0x80) return { sw: SW.REFERENCE_NOT_FOUND };
    const [puk, pin] = [data.subarray(0, 8), data.subarray(8)];
    if (!this.wellFormed(puk, 0x81) || !this.wellFormed(pin, 0x80)) return { sw: SW.WRONG_DATA };
    return { sw: await this.check(this.state.puk, puk, () => this.replace('pin', pin)) };
  }

  /** §3.3.2 */
  private async generate({ p1, p2, data }: Apdu): Promise<Reply> {
    if (this.state.sealed) return { sw: SW.SECURITY_STATUS };
    if (p1 !== 0x00 || !SLOTS.includes(p2)) return { sw: SW.WRONG_P1P2 };
    const algorithm = element(element(data, 0xac) ?? data, 0x80)?.[0];
    const made = algorithm === undefined ? undefined : await newKey(algorithm);
    if (!made) return { sw: SW.WRONG_DATA };
    this.state.keys[p2.toString(16)] = made.stored;
    await this.save();
    return { sw: SW.OK, data: made.answer };
  }

  /** §3.2.4, the signing form: `7C { 82 empty, 81 input }`. */
  private generalAuthenticate({ p1, p2, data }: Apdu): Reply {
    const key = this.state.keys[p2.toString(16)];
    if (!key || key.algorithm !== p1) return { sw: SW.WRONG_P1P2 };
    if (!this.mayUse(p2)) return { sw: SW.SECURITY_STATUS };
    const template = element(data, 0x7c);
    const input = template && element(template, 0x81);
    if (!input || element(template, 0x82)?.length !== 0) return { sw: SW.WRONG_DATA };
    if (p2 === 0x9c) this.#freshForSignature = false;
    const output = privateOperation(key, input);
    return output ? { sw: SW.OK, data: tlv(0x7c, tlv(0x82, output)) } : { sw: SW.WRONG_DATA };
  }

  /** §3.3.1 */
  private async putData({ p1, p2, data }: Apdu): Promise<Reply> {
    if (this.state.sealed) return { sw: SW.SECURITY_STATUS };
    if (p1 !== 0x3f || p2 !== 0xff) return { sw: SW.WRONG_P1P2 };
    const tag = element(data, 0x5c)?.toString('hex');
    const value = element(data, 0x53);
    if (!tag?.startsWith('5fc1') || !value) return { sw: SW.WRONG_DATA };
    if (value.length > OBJECT_MAX_BYTES) return { sw: SW.NO_MEMORY };
    if (value.length === 0) delete this.state.objects[tag];
    else this.state.objects[tag] = value.toString('base64');
    await this.save();
    return { sw: SW.OK };
  }

  private mayUse(slot: number): boolean {
    if (slot === 0x9e) return true;
    return slot === 0x9c ? this.#freshForSignature : this.#verified;
  }

  private forgetPin(): void {
    this.#verified = this.#freshForSignature = false;
  }

  /** Compares, with the try taken off first and given back with what success does, in one write. */
  private async check(reference: Reference, value: Buffer, onSuccess?: () => void): Promise<number> {
    if (reference.left === 0) return SW.BLOCKED;
    reference.left -= 1;
    await this.save();
    if (!isValueOf(reference, value)) return SW.TRIES_LEFT | reference.left;
    reference.left = reference.max;
    onSuccess?.();
    await this.save();
    return SW.OK;
  }

  private replace(name: 'pin' | 'puk', value: Buffer): void {
    this.state[name] = newReference(value, this.state[name].max);
    if (name === 'pin') this.forgetPin();
  }

  /** Six to eight octets and FF up to eight (§2.4.3); a PUK has all eight. */
  private wellFormed(value: Buffer, reference: number): boolean {
    const characters = /^([\x20-\x7e]{6,8})\xff*$/.exec(value.toString('latin1'))?.[1];
    if (value.length !== 8 || !characters) return false;
    if (reference === 0x81 && characters.length < 8) return false;
    return !this.state.digitsOnly || /^[0-9]+$/.test(characters);
  }
}

const triesLeft = ({ left }: Reference) => (left === 0 ? SW.BLOCKED : SW.TRIES_LEFT | left);

/** The element of a command's data; undefined when it is not there or the data is not TLV. */
function element(data: Buffer, tag: number): Buffer | undefined {
  try {
    return findTlv(data, tag);
  } catch {
    return undefined;
  }
}
