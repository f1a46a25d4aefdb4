import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { CaError } from '#libs/errors';
import { type Answer, ApduChannel, type Command } from './apdu.js';
import { type CardConnection } from './connection.js';
import { cardUuidOf, certificateIn, certificateObject, OBJECT, type Slot, SLOTS } from './objects.js';
import { type CardProfile, padPin, profileOf } from './profile.js';
import { ALGORITHMS, algorithmOf, type CardAlgorithm, generatedKey } from './public-key.js';
import { pkcs1Padded } from './rsa-padding.js';
import { cardError, SW, triesOf } from './status-word.js';
import { findTlv, requireTlv, tagOctets, tlv } from './tlv.js';

const PIV_AID = Buffer.from('a000000308000010000100', 'hex');
const PIN = 0x80;
const PUK = 0x81;
/** What a new card comes with, as real ones do: each is replaced in personalisation. */
export const FACTORY_PIN = '123456';
export const FACTORY_PUK = '12345678';

/** A card looks for RSA primes for half a minute and more. */
const GENERATE_TIMEOUT_MS = 120_000;

/** How a card took a PIN: right, or wrong with so many tries left (0: blocked). */
export type PinResult = { ok: true } | { ok: false; triesLeft: number };

/**
 * The host's side of a PIV card (SP 800-73-5 part 2), by the clauses named at the methods. Every method throws
 * CaError cardRemoved or cardCommunication when the card goes away or answers what it should not.
 *
 * Not done here: 9B authentication, PUK unlocking, secure messaging.
 */
export class PivCard {
  private constructor(
    private readonly channel: ApduChannel,
    readonly profile: CardProfile,
  ) {}

  /**
   * Selects the PIV application (§3.1.1).
   *
   * @param timeoutMs for each transmit
   * @throws CaError unknownCardKind when the card has none (不明連接卡)
   */
  static async select(connection: CardConnection, timeoutMs?: number): Promise<PivCard> {
    const channel = new ApduChannel(connection, timeoutMs);
    const { sw, data } = await channel.send({ ins: 0xa4, p1: 0x04, p2: 0x00, data: PIV_AID, answer: true });
    const template = sw === SW.OK ? findTlv(data, 0x61) : undefined;
    if (!template) throw new CaError('unknownCardKind', 'this card has no PIV application');
    return new PivCard(channel, profileOf(template));
  }

  /** A data object's value, without its 53 wrapper; undefined when the card has none (§3.1.2). */
  async readObject(tag: number): Promise<Buffer | undefined> {
    const answer = await this.send(0xcb, 0x3f, 0xff, tlv(0x5c, tagOctets(tag)), true);
    if (answer.sw === SW.NOT_FOUND) return undefined;
    if (answer.sw !== SW.OK) throw cardError(answer.sw, 'reading a data object');
    const value = requireTlv(answer.data, tag === OBJECT.DISCOVERY ? OBJECT.DISCOVERY : 0x53);
    return value.length > 0 ? value : undefined;
  }

  /** DER; undefined when the slot has no certificate. */
  async readCertificate(slot: Slot): Promise<Buffer | undefined> {
    const object = await this.readObject(SLOTS[slot].certificate);
    return object && certificateIn(object);
  }

  /** The card's UUID as its CHUID says, which anyone could have copied. */
  async chuid(): Promise<{ cardUuid: string } | undefined> {
    const chuid = await this.readObject(OBJECT.CHUID);
    return chuid && { cardUuid: cardUuidOf(chuid) };
  }

  discovery(): Promise<Buffer | undefined> {
    return this.readObject(OBJECT.DISCOVERY);
  }

  /** Tries left for the PIN, without using one up (§3.2.1); undefined when it is verified already. */
  async pinTries(): Promise<number | undefined> {
    const { sw } = await this.channel.send({ ins: 0x20, p1: 0x00, p2: PIN });
    if (sw === SW.OK) return undefined;
    const tries = triesOf(sw);
    if (tries === undefined) throw cardError(sw, 'asking for the tries left');
    return tries;
  }

  /**
   * VERIFY (§3.2.1). Uses up a try when the PIN is wrong: ask `pinTries` first.
   *
   * @throws CaError pinFormat when this card takes no such PIN; no try is used up
   */
  async verifyPin(pin: string): Promise<PinResult> {
    return this.pinResult(await this.send(0x20, 0x00, PIN, padPin(pin, this.profile)), 'verifying the PIN');
  }

  /** CHANGE REFERENCE DATA of the PIN (§3.2.2). Uses up a try when the old one is wrong. @throws CaError pinFormat */
  changePin(oldPin: string, newPin: string): Promise<PinResult> {
    return this.change(PIN, padPin(oldPin, this.profile), padPin(newPin, this.profile));
  }

  /** Personalisation: the transport PIN in place of the factory's. @throws CaError cardBlocked | pinRefused */
  async setInitialPin(pin: string, factoryPin = FACTORY_PIN): Promise<void> {
    mustBeRight(await this.changePin(factoryPin, pin), 'setting the transport PIN');
  }

  /** Personalisation: the PUK (8 digits) in place of the factory's. @throws CaError cardBlocked | pinRefused */
  async setInitialPuk(puk: string, factoryPuk = FACTORY_PUK): Promise<void> {
    const digits = { pinCharset: 'digits' } as const;
    mustBeRight(await this.change(PUK, padPin(factoryPuk, digits), padPin(puk, digits)), 'setting the PUK');
  }

  /** Makes a key pair on the card; the private key never leaves it (§3.3.2). Needs an open personalisation. */
  async generateKey(slot: Slot, algorithm: CardAlgorithm): Promise<KeyObject> {
    const template = tlv(0xac, tlv(0x80, Buffer.of(ALGORITHMS[algorithm])));
    const command = { ins: 0x47, p1: 0x00, p2: SLOTS[slot].reference, data: template, answer: true };
    const answer = await this.channel.send({ ...command, timeoutMs: GENERATE_TIMEOUT_MS });
    if (answer.sw !== SW.OK) throw cardError(answer.sw, `making a key in slot ${slot}`);
    return generatedKey(answer.data, algorithm);
  }

  /** PUT DATA (§3.3.1); an empty value removes the object. Needs an open personalisation. */
  async putObject(tag: number, value: Uint8Array): Promise<void> {
    const data = Buffer.concat([tlv(0x5c, tagOctets(tag)), tlv(0x53, value)]);
    const { sw } = await this.send(0xdb, 0x3f, 0xff, data);
    if (sw !== SW.OK) throw cardError(sw, 'writing a data object');
  }

  /** @throws CaError certificateTooLarge when it does not fit into this card's container */
  async putCertificate(slot: Slot, der: Uint8Array): Promise<void> {
    const { maxCertBytes } = this.profile;
    if (der.length > maxCertBytes) {
      throw new CaError('certificateTooLarge', `${der.length} octets, this card holds ${maxCertBytes}`, {
        maxCertBytes,
      });
    }
    await this.putObject(SLOTS[slot].certificate, certificateObject(der));
  }

  /**
   * Signs a message with SHA-256: PKCS#1 v1.5 or ECDSA (DER), by the slot's key (§3.2.4, appendix A.4).
   * 9C wants a verified PIN before each signature, 9D one in the session, 9E none.
   *
   * @param certificate the slot's, when it was read already
   */
  async sign(slot: Slot, message: Uint8Array, certificate?: Uint8Array): Promise<Buffer> {
    const der = certificate ?? (await this.readCertificate(slot));
    if (!der) throw new CaError('unknownCardKind', `slot ${slot} of this card has no certificate`);
    const algorithm = algorithmOf(new X509Certificate(der).publicKey);
    const digest = createHash('sha256').update(message).digest();
    return this.signPrepared(slot, algorithm, algorithm === 'rsa-2048' ? pkcs1Padded(digest, 256) : digest);
  }

  /** GENERAL AUTHENTICATE with what is to be signed as the card takes it: a digest (EC), a padded block (RSA). */
  async signPrepared(slot: Slot, algorithm: CardAlgorithm, prepared: Uint8Array): Promise<Buffer> {
    const data = tlv(0x7c, tlv(0x82), tlv(0x81, prepared));
    const answer = await this.send(0x87, ALGORITHMS[algorithm], SLOTS[slot].reference, data, true);
    if (answer.sw === SW.SECURITY_STATUS) throw cardError(answer.sw, `slot ${slot} signs after the PIN only`);
    if (answer.sw !== SW.OK) throw cardError(answer.sw, `signing with slot ${slot}`);
    return requireTlv(requireTlv(answer.data, 0x7c), 0x82);
  }

  private async change(reference: number, oldValue: Buffer, newValue: Buffer): Promise<PinResult> {
    const answer = await this.send(0x24, 0x00, reference, Buffer.concat([oldValue, newValue]));
    return this.pinResult(answer, 'changing the PIN or PUK');
  }

  private pinResult({ sw }: Answer, doing: string): PinResult {
    if (sw === SW.OK) return { ok: true };
    const triesLeft = triesOf(sw);
    if (triesLeft !== undefined) return { ok: false, triesLeft };
    if (sw === SW.WRONG_DATA) throw new CaError('pinFormat', 'the card does not take a PIN of this form');
    throw cardError(sw, doing);
  }

  private send(ins: number, p1: number, p2: number, data: Buffer, answer = false): Promise<Answer> {
    return this.channel.send({ ins, p1, p2, data, answer } satisfies Command);
  }
}

function mustBeRight(result: PinResult, doing: string): void {
  if (!result.ok) throw cardError(SW.TRIES_LEFT | result.triesLeft, doing);
}
