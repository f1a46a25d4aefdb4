import { FACTORY_PIN, FACTORY_PUK, padPin, pukBytes, SW } from '#libs/piv';
import { type Apdu, type Reply } from './apdu.js';
import { type CardState, isValueOf, newReference, type Reference } from './card-state.js';
import { FAMILIES } from './families.js';
import { type Session } from './session.js';

export const PIN_TRIES = 5;
export const PUK_TRIES = 3;
const PIN = 0x80;
const PUK = 0x81;

/** The factory's PIN and PUK, with so many tries. */
export function factoryReferences(pinTries = PIN_TRIES, pukTries = PUK_TRIES): Pick<CardState, 'pin' | 'puk'> {
  return {
    pin: newReference(padPin(FACTORY_PIN, { pinCharset: 'digits' }), pinTries, true),
    puk: newReference(pukBytes(FACTORY_PUK), pukTries, true),
  };
}

/**
 * PIN and PUK of a card (SP 800-73-5 part 2 §3.2). A try is taken off on the disk before anything is compared: pulling
 * the card saves none.
 */
export class References {
  constructor(
    private readonly state: CardState,
    private readonly session: Session,
    private readonly save: () => Promise<void>,
  ) {}

  /** §3.2.1 */
  async verify({ p1, p2, data }: Apdu): Promise<Reply> {
    if (p2 !== PIN) return { sw: SW.REFERENCE_NOT_FOUND };
    if (p1 === 0xff && data.length === 0) {
      this.session.forgetPin();
      return { sw: SW.OK };
    }
    if (p1 !== 0x00) return { sw: SW.WRONG_P1P2 };
    const { pin } = this.state;
    if (data.length === 0) return { sw: this.session.verified ? SW.OK : triesLeft(pin) };
    if (data.length !== 8) return { sw: SW.WRONG_DATA };
    if (!this.comparesFirst && !this.wellFormed(data, PIN)) return { sw: SW.WRONG_DATA };
    this.session.forgetPin();
    const sw = await this.check(pin, data);
    this.session.verified = this.session.freshForSignature = sw === SW.OK;
    return { sw };
  }

  /** §3.2.2. A malformed new value costs no try. */
  change({ p1, p2, data }: Apdu): Promise<Reply> {
    if (p1 !== 0x00) return reply(SW.WRONG_P1P2);
    const name = p2 === PIN ? 'pin' : p2 === PUK ? 'puk' : undefined;
    if (!name) return reply(SW.REFERENCE_NOT_FOUND);
    return this.replaceWhenRight(this.state[name], p2, name, data);
  }

  /** §3.2.3. The PIN is not verified by it. */
  resetRetryCounter({ p1, p2, data }: Apdu): Promise<Reply> {
    if (p1 !== 0x00) return reply(SW.WRONG_P1P2);
    if (p2 !== PIN) return reply(SW.REFERENCE_NOT_FOUND);
    return this.replaceWhenRight(this.state.puk, PUK, 'pin', data);
  }

  get bothBlocked(): boolean {
    return this.state.pin.left === 0 && this.state.puk.left === 0;
  }

  /** @param data eight octets that must be what `reference` holds, eight that take the place of `name` */
  private async replaceWhenRight(
    reference: Reference,
    referenceId: number,
    name: 'pin' | 'puk',
    data: Buffer,
  ): Promise<Reply> {
    if (data.length !== 16) return { sw: SW.WRONG_DATA };
    const [old, next] = [data.subarray(0, 8), data.subarray(8)];
    const nextFits = this.wellFormed(next, name === 'pin' ? PIN : PUK);
    if (!this.comparesFirst) {
      if (reference.left === 0) return { sw: SW.BLOCKED };
      if (!nextFits || !this.wellFormed(old, referenceId)) return { sw: SW.WRONG_DATA };
    }
    const sw = await this.check(reference, old, () => {
      if (nextFits) this.replace(name, next);
    });
    return { sw: sw === SW.OK && !nextFits ? SW.WRONG_DATA : sw };
  }

  /** Compares, with the try taken off first and given back with what success does, in one write. */
  private async check(reference: Reference, value: Buffer, onSuccess?: () => void): Promise<number> {
    if (reference.left === 0) return SW.BLOCKED;
    reference.left -= 1;
    const lastTry = this.bothBlocked && FAMILIES[this.state.family].erasesKeys;
    await this.save();
    if (!isValueOf(reference, value)) {
      if (lastTry) await this.eraseKeys();
      return SW.TRIES_LEFT | reference.left;
    }
    reference.left = reference.max;
    onSuccess?.();
    await this.save();
    return SW.OK;
  }

  private replace(name: 'pin' | 'puk', value: Buffer): void {
    this.state[name] = newReference(value, this.state[name].max);
    if (name === 'pin') this.session.forgetPin();
  }

  /** The slots keep their algorithm and certificate, and can sign no more. */
  private eraseKeys(): Promise<void> {
    for (const key of Object.values(this.state.keys)) key.pkcs8 = '';
    return this.save();
  }

  private get comparesFirst(): boolean {
    return FAMILIES[this.state.family].comparesFirst;
  }

  /** Six to eight octets and FF up to eight (§2.4.3); a PUK of the standard has all eight. */
  private wellFormed(value: Buffer, reference: number): boolean {
    const characters = /^([\x20-\x7e]{6,8})\xff*$/.exec(value.toString('latin1'))?.[1];
    if (value.length !== 8 || !characters) return false;
    if (reference === PUK && characters.length < 8) return false;
    return !(FAMILIES[this.state.family].digitsOnly ?? this.state.digitsOnly) || /^[0-9]+$/.test(characters);
  }
}

const triesLeft = ({ left }: Reference) => (left === 0 ? SW.BLOCKED : SW.TRIES_LEFT | left);
const reply = (sw: number): Promise<Reply> => Promise.resolve({ sw });
