import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { CaError } from '#libs/errors';
import { type Answer, ApduChannel, type Command } from './apdu.js';
import { type CardConnection } from './connection.js';
import {
  authenticateMutually,
  candidates,
  MANAGEMENT_ALGORITHMS,
  type ManagementAlgorithm,
  newManagementKey,
} from './management-key.js';
import { type Metadata, METADATA_OF, type MetadataOf, readMetadata } from './metadata.js';
import { cardUuidOf, certificateIn, certificateObject, OBJECT, type Slot, SLOTS } from './objects.js';
import { type CardProfile, padPin, profileOf, pukBytes } from './profile.js';
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

/** A DER signature of P-256 has at most 72 octets, and a card that made one of 7 has used the number 0 for r and s. */
const SIGNATURE_BYTES: Record<CardAlgorithm, [least: number, most: number]> = {
  'rsa-2048': [256, 256],
  'p-256': [8, 72],
};

/** A card looks for RSA primes for half a minute and more. */
const GENERATE_TIMEOUT_MS = 120_000;

/** How a card took a PIN or PUK: right, or wrong with so many tries left (0: blocked). */
export type PinResult = { ok: true } | { ok: false; triesLeft: number };

/**
 * The host's side of a PIV card (SP 800-73-5 part 2), by the clauses named at the methods. Every method throws
 * CaError cardRemoved or cardCommunication when the card goes away or answers what it should not.
 *
 * Not done here: secure messaging, the maker's means by which a plain PIV card is given its management key.
 */
export class PivCard {
  /**
   * What was read of this card in this session. "PIN Always" means the command right before a signature: reading 9C's
   * certificate between VERIFY and the signature would lose the PIN.
   */
  readonly #certificates = new Map<Slot, Buffer>();
  #managementAlgorithm: ManagementAlgorithm | undefined;

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
    if (!object) return undefined;
    const certificate = certificateIn(object);
    this.#certificates.set(slot, certificate);
    return certificate;
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

  /**
   * RESET RETRY COUNTER (§3.2.3): a new PIN and all its tries, for the PUK. The PIN is not verified by it.
   *
   * @returns triesLeft are the PUK's
   * @throws CaError pinFormat; whether a try was used up depends on the card: `padPin` and `pukBytes` refuse before
   */
  async resetPin(puk: string, newPin: string): Promise<PinResult> {
    const data = Buffer.concat([pukBytes(puk), padPin(newPin, this.profile)]);
    return this.pinResult(await this.send(0x2c, 0x00, PIN, data), 'resetting the PIN');
  }

  /** CHANGE REFERENCE DATA of the PUK. @returns triesLeft are the PUK's @throws CaError pinFormat */
  changePuk(oldPuk: string, newPuk: string): Promise<PinResult> {
    return this.change(PUK, pukBytes(oldPuk), pukBytes(newPuk));
  }

  /** Personalisation: the transport PIN in place of the factory's. @throws CaError cardBlocked | pinRefused */
  async setInitialPin(pin: string, factoryPin = FACTORY_PIN): Promise<void> {
    mustBeRight(await this.changePin(factoryPin, pin), 'setting the transport PIN');
  }

  /** Personalisation: the PUK (8 digits) in place of the factory's. @throws CaError cardBlocked | pinRefused */
  async setInitialPuk(puk: string, factoryPuk = FACTORY_PUK): Promise<void> {
    mustBeRight(await this.changePuk(factoryPuk, puk), 'setting the PUK');
  }

  /** GET METADATA (F7), an extra of some cards: undefined where there is none. */
  async metadata(of: MetadataOf): Promise<Metadata | undefined> {
    if (!this.profile.vendorCommands) return undefined;
    const { sw, data } = await this.channel.send({ ins: 0xf7, p1: 0x00, p2: METADATA_OF[of], answer: true });
    return sw === SW.OK ? readMetadata(data) : undefined;
  }

  /** The cipher of this card's management key: by its metadata, else by its profile. Tells how long a new key must be. */
  async managementAlgorithm(): Promise<ManagementAlgorithm> {
    const algorithm = this.#managementAlgorithm ?? (await this.metadata('management'))?.algorithm;
    return isManagement(algorithm) ? algorithm : this.profile.managementAlgorithm;
  }

  /**
   * Proves to the card that we have its management key, and has it prove the same (appendix A.2). Good until reset.
   * There is no counter: a wrong key costs nothing.
   *
   * @throws CaError managementKeyRefused
   */
  async authenticateManagement(key: Uint8Array): Promise<void> {
    const [first, ...others] = candidates(key, await this.managementAlgorithm());
    for (const algorithm of [first!, ...others]) {
      try {
        await authenticateMutually(this.channel, algorithm, key);
        this.#managementAlgorithm = algorithm;
        return;
      } catch (error) {
        const another = error instanceof CaError && error.code === 'managementKeyRefused';
        if (!another || algorithm === (others.at(-1) ?? first)) throw error;
      }
    }
  }

  /**
   * Replaces the management key by one of the same cipher; needs `authenticateManagement` (a makers' command, FF).
   *
   * @throws CaError unknownCardKind where only the card's maker has a command for it
   */
  async setManagementKey(key: Uint8Array): Promise<void> {
    if (!this.profile.vendorCommands) {
      throw new CaError('unknownCardKind', 'this kind of card takes its management key by its maker’s means only');
    }
    const data = newManagementKey(await this.managementAlgorithm(), key);
    const { sw } = await this.send(0xff, 0xff, 0xff, data);
    if (sw !== SW.OK) throw cardError(sw, 'setting the management key');
  }

  /**
   * So many tries for PIN and PUK (a makers' command, FA): both are the factory's afterwards. Needs
   * `authenticateManagement` and a verified PIN.
   *
   * @returns false where the card has no such command; nothing has changed then
   */
  async setTries(pin: number, puk: number): Promise<boolean> {
    if (!this.profile.vendorCommands) return false;
    const { sw } = await this.channel.send({ ins: 0xfa, p1: pin, p2: puk });
    if (sw === SW.WRONG_INS) return false;
    if (sw !== SW.OK) throw cardError(sw, 'setting the number of tries');
    return true;
  }

  /** Makes a key pair on the card; the private key never leaves it (§3.3.2). Needs `authenticateManagement`. */
  async generateKey(slot: Slot, algorithm: CardAlgorithm): Promise<KeyObject> {
    const template = tlv(0xac, tlv(0x80, Buffer.of(ALGORITHMS[algorithm])));
    const command = { ins: 0x47, p1: 0x00, p2: SLOTS[slot].reference, data: template, answer: true };
    const answer = await this.channel.send({ ...command, timeoutMs: GENERATE_TIMEOUT_MS });
    if (answer.sw !== SW.OK) throw cardError(answer.sw, `making a key in slot ${slot}`);
    return generatedKey(answer.data, algorithm);
  }

  /** PUT DATA (§3.3.1); an empty value removes the object. Needs `authenticateManagement`. */
  async putObject(tag: number, value: Uint8Array): Promise<void> {
    const data = Buffer.concat([tlv(0x5c, tagOctets(tag)), tlv(0x53, value)]);
    const { sw } = await this.send(0xdb, 0x3f, 0xff, data);
    if (sw !== SW.OK) throw cardError(sw, 'writing a data object');
  }

  /**
   * Stored compressed where it would not fit else and the card allows it.
   *
   * @throws CaError certificateTooLarge when it does not fit into this card's container
   */
  async putCertificate(slot: Slot, der: Uint8Array): Promise<void> {
    const { maxCertBytes, gzip } = this.profile;
    const compressed = der.length > maxCertBytes && gzip ? gzipSync(der) : undefined;
    const bytes = (compressed ?? der).length;
    if (bytes > maxCertBytes) {
      throw new CaError('certificateTooLarge', `${bytes} octets, this card holds ${maxCertBytes}`, { maxCertBytes });
    }
    this.#certificates.delete(slot);
    await this.putObject(SLOTS[slot].certificate, certificateObject(compressed ?? der, compressed !== undefined));
  }

  /**
   * Signs a message with SHA-256: PKCS#1 v1.5 or ECDSA (DER), by the slot's key (§3.2.4, appendix A.4).
   * 9C wants a verified PIN before each signature, 9D one in the session, 9E none.
   *
   * @param certificate the slot's; when it was not read in this session, 9C's must be given: see `#certificates`
   */
  async sign(slot: Slot, message: Uint8Array, certificate?: Uint8Array): Promise<Buffer> {
    const der = certificate ?? this.#certificates.get(slot) ?? (await this.readCertificate(slot));
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
    const signature = requireTlv(requireTlv(answer.data, 0x7c), 0x82);
    const [least, most] = SIGNATURE_BYTES[algorithm];
    if (signature.length < least || signature.length > most) {
      throw new CaError('cardCommunication', `a signature of ${signature.length} octets is none of ${algorithm}`);
    }
    return signature;
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

const isManagement = (name?: string): name is ManagementAlgorithm =>
  name !== undefined && name in MANAGEMENT_ALGORITHMS;

function mustBeRight(result: PinResult, doing: string): void {
  if (!result.ok) throw cardError(SW.TRIES_LEFT | result.triesLeft, doing);
}
