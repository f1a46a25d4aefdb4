import type { KeyObject } from 'node:crypto';
import { CaError } from '#libs/errors';
import { buildCcc, buildChuid, FACTORY_PIN, OBJECT, type PivCard, type Slot } from '#libs/piv';
import { addYears } from '#libs/pki';
import type { VirtualCard } from '#libs/virtual-card';
import type { CertificateIssuer, SlotKeys } from '../certificates/certificate-issuer.js';
import { CARD_CERTIFICATES, CARD_SLOTS } from '../certificates/certificate-plan.js';
import { holdsKey } from './key-possession.js';
import type { CardInProduction, ProductionRecords, Step } from './production-records.js';

const CHUID_YEARS = 5;

/** The card that lies in the station. */
export interface CardInStation {
  readonly connection: Pick<VirtualCard, 'sealed' | 'seal'>;
  readonly piv: PivCard;
  /** Derived; never stored. */
  readonly transportPin: string;
}

/**
 * Makes one card: identity, keys, certificates, transport PIN, seal (CARDS.md §1–2). Every step looks at the card first
 * and does only what is missing, so that after an interruption at any point another run finishes it. What is on record
 * as begun may have happened; only what was seen on the card is on record as done.
 */
export class Personalisation {
  readonly #number: string;

  constructor(
    private readonly records: ProductionRecords,
    private readonly certificates: CertificateIssuer,
    private readonly card: CardInProduction,
    private readonly station: CardInStation,
  ) {
    this.#number = card.cardNumber;
  }

  /** @throws CaError cardRemoved | cardCommunication | pinLastTry | certificateTooLarge | conflict */
  async run(): Promise<void> {
    await this.step('identity', () => this.identity());
    const keys = await this.step('keys', () => this.keys());
    await this.step('certificates', () => this.writeCertificates(keys));
    await this.step('transport-pin', () => this.setTransportPin());
    await this.step('seal', () => this.seal());
  }

  private async step<T>(name: Step, work: () => Promise<T>): Promise<T> {
    await this.records.stepBegun(this.#number, name);
    const result = await work();
    await this.records.stepDone(this.#number, name);
    return result;
  }

  private async identity(): Promise<void> {
    const { cardUuid, startedAt } = this.card;
    const present = await this.station.piv.chuid();
    if (present && present.cardUuid !== cardUuid) throw new CaError('conflict', 'another card lies in the station');
    await this.object(OBJECT.CHUID, buildChuid(cardUuid, addYears(startedAt, CHUID_YEARS)));
    await this.object(OBJECT.CCC, buildCcc());
  }

  private async object(tag: number, value: Buffer): Promise<void> {
    const { piv } = this.station;
    if ((await piv.readObject(tag))?.equals(value)) return;
    await piv.putObject(tag, value);
    if (!(await piv.readObject(tag))?.equals(value)) throw unlike(`object ${tag.toString(16).toUpperCase()}`);
  }

  private async keys(): Promise<SlotKeys> {
    const keys: Partial<Record<Slot, KeyObject>> = {};
    for (const slot of CARD_SLOTS) keys[slot] = await this.key(slot);
    return keys as SlotKeys;
  }

  /** A key whose public half never arrived, or that the card doesn't hold any more, is made again. */
  private async key(slot: Slot): Promise<KeyObject> {
    const recorded = await this.records.keyOf(this.#number, slot);
    if (recorded && (await this.holds(slot, recorded))) return recorded;
    const made = await this.station.piv.generateKey(slot, CARD_CERTIFICATES[slot].algorithm);
    await this.records.keyMade(this.#number, slot, made);
    if (!(await this.holds(slot, made))) throw unlike(`the key of ${slot}`);
    return made;
  }

  private async holds(slot: Slot, key: KeyObject): Promise<boolean> {
    if (slot !== '9E') await this.verifyPresentPin();
    return holdsKey(this.station.piv, slot, key);
  }

  private async writeCertificates(keys: SlotKeys): Promise<void> {
    const { piv } = this.station;
    await this.certificates.intend(this.card, keys, piv.profile.maxCertBytes);
    for (const slot of CARD_SLOTS) {
      const der = await this.certificates.sign(this.card, slot);
      if (!(await piv.readCertificate(slot))?.equals(der)) {
        await piv.putCertificate(slot, der);
        if (!(await piv.readCertificate(slot))?.equals(der)) throw unlike(`the certificate of ${slot}`);
      }
      await this.certificates.written(this.#number, slot);
    }
  }

  private async setTransportPin(): Promise<void> {
    const { piv, transportPin } = this.station;
    if ((await this.verifyPresentPin()) === transportPin) return;
    await piv.setInitialPin(transportPin);
    if (!(await piv.verifyPin(transportPin)).ok) throw unlike('the transport PIN');
  }

  private async seal(): Promise<void> {
    const { connection } = this.station;
    if (!connection.sealed) await connection.seal();
  }

  /**
   * Verifies the PIN the card has now. Once its change was begun and not seen to be done, it may be either of two.
   *
   * @returns the PIN that was right
   * @throws CaError pinLastTry | pinRefused: nothing here may block a card
   */
  private async verifyPresentPin(): Promise<string> {
    const { piv, transportPin } = this.station;
    const change = await this.records.stepState(this.#number, 'transport-pin');
    const possible = { 'not begun': [FACTORY_PIN], begun: [FACTORY_PIN, transportPin], done: [transportPin] }[change];
    for (const pin of possible) {
      const tries = await piv.pinTries();
      if (tries !== undefined && tries <= 1) throw new CaError('pinLastTry', 'this card must be looked at by hand');
      if ((await piv.verifyPin(pin)).ok) return pin;
    }
    throw new CaError('pinRefused', 'the card has neither the factory’s PIN nor its transport PIN');
  }
}

const unlike = (what: string) => new CaError('cardCommunication', `read back from the card, ${what} is another one`);
