import { OBJECT, SW, tagOctets, tlv } from '#libs/piv';
import { type Apdu, element, type Reply } from './apdu.js';
import { newKey, privateOperation, sharedSecret } from './card-keys.js';
import { type CardState } from './card-state.js';
import { AID, FAMILIES, type Family } from './families.js';
import { Management } from './management.js';
import { References } from './references.js';
import { Session } from './session.js';
import { VendorCommands } from './vendor-commands.js';

/** GlobalPlatform's, which is on every card that can be loaded; an empty AID means it too. */
const CARD_MANAGER = Buffer.from('a000000151000000', 'hex');
const SLOTS = [0x9a, 0x9c, 0x9d, 0x9e];
const OBJECT_MAX_BYTES = 3_100;
/** Fingerprints, facial image, printed information: behind the PIN (SP 800-73-5 part 1, table 2). */
const BEHIND_PIN = ['5fc103', '5fc108', '5fc109'];
const [VERIFY, GENERAL_AUTHENTICATE] = [0x20, 0x87];
/** What a Java card says of a key that is there no more. */
const NO_PRECISE_DIAGNOSIS = 0x6f00;

/**
 * The PIV application of the virtual card (SP 800-73-5 part 2): one session of it, from power-on to reset.
 *
 * Not done here: secure messaging, biometrics, the contactless interface, import of keys, attestation.
 */
export class PivApplication {
  readonly #family: Family;
  readonly #session = new Session();
  readonly #references: References;
  readonly #management: Management;
  readonly #vendor: VendorCommands;
  #selected = false;

  /** @param save makes the state durable; awaited before the card answers */
  constructor(
    private readonly state: CardState,
    private readonly save: () => Promise<void>,
  ) {
    this.#family = FAMILIES[state.family];
    this.#references = new References(state, this.#session, save);
    this.#management = new Management(state, this.#session, save);
    this.#vendor = new VendorCommands(state, this.#session, save);
  }

  async handle(apdu: Apdu): Promise<Reply> {
    const { ins } = apdu;
    // Whatever is not the second step ends the first.
    if (ins !== GENERAL_AUTHENTICATE || apdu.p2 !== 0x9b) this.#session.pending = undefined;
    const reply = await this.dispatch(apdu);
    const isPinCommand = ins === VERIFY && apdu.data.length > 0;
    if (this.#family.pinRightBefore && !isPinCommand) this.#session.freshForSignature = false;
    return reply;
  }

  private async dispatch(apdu: Apdu): Promise<Reply> {
    if (apdu.ins === 0xa4) return this.select(apdu);
    if (!this.#selected) return { sw: SW.WRONG_INS };
    const { vendorCommands, resetCommand } = this.#family;
    const command =
      this.commands[apdu.ins] ??
      (vendorCommands ? this.vendorCommands[apdu.ins] : undefined) ??
      (resetCommand && apdu.ins === 0xfb ? (of: Apdu) => this.#vendor.reset(of) : undefined);
    return command ? command(apdu) : { sw: SW.WRONG_INS };
  }

  private readonly commands: Record<number, (apdu: Apdu) => Reply | Promise<Reply>> = {
    [VERIFY]: (apdu) => this.#references.verify(apdu),
    0x24: (apdu) => this.#references.change(apdu),
    0x2c: (apdu) => this.#references.resetRetryCounter(apdu),
    0x47: (apdu) => this.generate(apdu),
    [GENERAL_AUTHENTICATE]: (apdu) =>
      apdu.p2 === 0x9b ? this.#management.authenticate(apdu) : this.generalAuthenticate(apdu),
    0xcb: (apdu) => this.getData(apdu),
    0xdb: (apdu) => this.putData(apdu),
  };

  private readonly vendorCommands: Record<number, (apdu: Apdu) => Reply | Promise<Reply>> = {
    0xf7: (apdu) => this.#vendor.metadata(apdu),
    0xf8: () => this.#vendor.serial(),
    0xfa: (apdu) => this.#vendor.setTries(apdu),
    0xfd: () => this.#vendor.version(),
    0xff: (apdu) => this.#management.set(apdu),
  };

  /** §3.1.1. Selecting PIV again keeps the security status; selecting what else there is ends it. */
  private select({ p1, data }: Apdu): Reply {
    if (p1 === 0x04 && CARD_MANAGER.subarray(0, data.length).equals(data)) {
      this.#selected = false;
      this.#session.clear();
      return { sw: SW.OK, data: tlv(0x6f, tlv(0x84, CARD_MANAGER)) };
    }
    const known = data.length >= this.#family.aidLeastBytes && AID.subarray(0, data.length).equals(data);
    if (p1 !== 0x04 || !known) return { sw: SW.NOT_FOUND };
    this.#selected = true;
    return { sw: SW.OK, data: this.#family.selected(this.state.digitsOnly) };
  }

  /** §3.1.2 */
  private getData({ p1, p2, data }: Apdu): Reply {
    if (p1 !== 0x3f || p2 !== 0xff) return { sw: SW.WRONG_P1P2 };
    const tag = element(data, 0x5c)?.toString('hex');
    if (!tag) return { sw: SW.WRONG_DATA };
    if (tag === tagOctets(OBJECT.DISCOVERY).toString('hex')) {
      return { sw: SW.OK, data: tlv(OBJECT.DISCOVERY, tlv(0x4f, AID), tlv(0x5f2f, Buffer.of(0x40, 0x00))) };
    }
    if (BEHIND_PIN.includes(tag) && !this.#session.verified) return { sw: SW.SECURITY_STATUS };
    const value = this.state.objects[tag];
    return value === undefined ? { sw: SW.NOT_FOUND } : { sw: SW.OK, data: tlv(0x53, Buffer.from(value, 'base64')) };
  }

  /** §3.3.2 */
  private async generate({ p1, p2, data }: Apdu): Promise<Reply> {
    if (p1 !== 0x00 || !SLOTS.includes(p2)) return { sw: SW.WRONG_P1P2 };
    if (!this.#session.managed) return { sw: SW.SECURITY_STATUS };
    const algorithm = element(element(data, 0xac) ?? data, 0x80)?.[0];
    const made = algorithm === undefined ? undefined : await newKey(algorithm);
    if (!made) return { sw: SW.WRONG_DATA };
    this.state.keys[p2.toString(16)] = made.stored;
    await this.save();
    return { sw: SW.OK, data: made.answer };
  }

  /** §3.2.4: `7C { 82 empty, 81 what is to be signed or deciphered, or 85 a point to agree a key with }`. */
  private generalAuthenticate({ p1, p2, data }: Apdu): Reply {
    const key = this.state.keys[p2.toString(16)];
    if (!key || key.algorithm !== p1) return { sw: SW.WRONG_P1P2 };
    if (!this.mayUse(p2)) return { sw: SW.SECURITY_STATUS };
    const template = element(data, 0x7c);
    if (!template || element(template, 0x82)?.length !== 0) return { sw: SW.WRONG_DATA };
    const [input, point] = [element(template, 0x81), element(template, 0x85)];
    if (!input === !point) return { sw: SW.WRONG_DATA };
    this.#session.freshForSignature &&= p2 !== 0x9c;
    if (key.pkcs8 === '') return { sw: NO_PRECISE_DIAGNOSIS };
    const output = input ? privateOperation(key, input) : sharedSecret(key, point!);
    return output ? { sw: SW.OK, data: tlv(0x7c, tlv(0x82, output)) } : { sw: SW.WRONG_DATA };
  }

  /** §3.3.1 */
  private async putData({ p1, p2, data }: Apdu): Promise<Reply> {
    if (p1 !== 0x3f || p2 !== 0xff) return { sw: SW.WRONG_P1P2 };
    if (!this.#session.managed) return { sw: SW.SECURITY_STATUS };
    const tag = element(data, 0x5c)?.toString('hex');
    const value = element(data, 0x53);
    if (!tag || !/^5fc1..$|^5fff..$/.test(tag) || !value) return { sw: SW.WRONG_DATA };
    if (tag.startsWith('5fff') && !this.#family.vendorCommands) return { sw: SW.WRONG_DATA };
    if (value.length > OBJECT_MAX_BYTES) return { sw: SW.NO_MEMORY };
    if (value.length === 0) delete this.state.objects[tag];
    else this.state.objects[tag] = value.toString('base64');
    await this.save();
    return { sw: SW.OK };
  }

  private mayUse(slot: number): boolean {
    if (slot === 0x9e) return true;
    return slot === 0x9c ? this.#session.freshForSignature : this.#session.verified;
  }
}
