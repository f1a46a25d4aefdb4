import type { KeyObject } from 'node:crypto';
import { buildCcc, buildChuid, OBJECT, type PivCard, type Slot } from '#libs/piv';
import { addYears } from '#libs/pki';
import type { CertificateIssuer, SlotKeys } from '../certificates/certificate-issuer.js';
import { CARD_CERTIFICATES, CARD_SLOTS } from '../certificates/certificate-plan.js';
import { type CardSecrets, unlike } from './card-secrets.js';
import { holdsKey } from './key-possession.js';
import type { CardInProduction, ProductionRecords, Step } from './production-records.js';
import { mustBeTheCard } from './whose-card.js';

const CHUID_YEARS = 5;

/** The card that lies in the station. */
export interface CardInStation {
  readonly piv: PivCard;
  readonly secrets: CardSecrets;
}

/**
 * Makes one card: management key, tries, identity, keys, certificates, PUK, transport PIN (CARDS.md §1–2). Every step
 * looks at the card first and does only what is missing, so that after an interruption at any point another run finishes
 * it. What is on record as begun may have happened; only what was seen on the card is on record as done.
 *
 * The management key comes first: a card that keeps the factory's is refused before anything is made for it.
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

  /**
   * @throws CaError wrongCardInStation | otherCardFamily | managementKeyFixed | managementKeyRefused | cardRemoved | cardCommunication
   *   | pinLastTry | pinRefused | certificateTooLarge | conflict
   */
  async run(): Promise<void> {
    const { piv, secrets } = this.station;
    await mustBeTheCard(piv, this.card, this.records);
    this.certificates.mustFit(this.card, piv.profile.maxCertBytes);
    await this.step('management-key', () => secrets.takeOver());
    if (!(await this.hasTries())) await this.step('tries', () => secrets.setTries());
    await this.step('identity', () => this.identity());
    const keys = await this.step('keys', () => this.keys());
    await this.step('certificates', () => this.writeCertificates(keys));
    await this.step('puk', () => secrets.setPuk());
    await this.step('transport-pin', () => secrets.setTransportPin());
    await this.step('read-back', () => this.readBack());
  }

  private async step<T>(name: Step, work: () => Promise<T>): Promise<T> {
    await this.records.stepBegun(this.#number, name);
    const result = await work();
    await this.records.stepDone(this.#number, name);
    return result;
  }

  /** Tries that were set are only known to be this card's when it has its identity: before, another may have been here. */
  private async hasTries(): Promise<boolean> {
    for (const step of ['tries', 'identity'] as const) {
      if ((await this.records.stepState(this.#number, step)) !== 'done') return false;
    }
    return true;
  }

  private async identity(): Promise<void> {
    for (const [tag, value] of this.objects()) {
      if ((await this.station.piv.readObject(tag))?.equals(value)) continue;
      await this.station.piv.putObject(tag, value);
      await this.mustHold(tag, value);
    }
  }

  private objects(): [tag: number, value: Buffer][] {
    const { cardUuid, startedAt } = this.card;
    return [
      [OBJECT.CHUID, buildChuid(cardUuid, addYears(startedAt, CHUID_YEARS))],
      [OBJECT.CCC, buildCcc()],
    ];
  }

  private async mustHold(tag: number, value: Buffer): Promise<void> {
    if (!(await this.station.piv.readObject(tag))?.equals(value))
      throw unlike(`object ${tag.toString(16).toUpperCase()}`);
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
    if (slot !== '9E') await this.station.secrets.verifyPin();
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

  /** The whole card once more, as it leaves the station. */
  private async readBack(): Promise<void> {
    const { piv, secrets } = this.station;
    for (const [tag, value] of this.objects()) await this.mustHold(tag, value);
    for (const slot of CARD_SLOTS) {
      const der = await this.certificates.sign(this.card, slot);
      if (!(await piv.readCertificate(slot))?.equals(der)) throw unlike(`the certificate of ${slot}`);
    }
    await secrets.mustBeTaken();
  }
}
