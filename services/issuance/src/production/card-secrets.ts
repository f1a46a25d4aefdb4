import { type ManagementKeyBytes } from '#libs/credentials';
import { CaError } from '#libs/errors';
import { FACTORY_MANAGEMENT_KEY, FACTORY_PIN, FACTORY_PUK, managementKeyBytes, type PivCard } from '#libs/piv';
import type { ProductionRecords, Step } from './production-records.js';

/** How often a PIN and a PUK of ours may be wrong. */
export const TRIES = { pin: 5, puk: 3 } as const;

/** What replaces the factory's secrets on one card: derived from the masters (CARDS.md §2), never stored. */
export interface DerivedSecrets {
  readonly transportPin: string;
  readonly puk: string;
  /** @param bytes as many as the card's cipher takes */
  readonly managementKey: (bytes: ManagementKeyBytes) => Buffer;
}

/**
 * The factory's secrets of the card in the station, replaced by its own. What was begun may have happened: then the card
 * has the one or the other, and both are tried, each at most once, and nothing when one try is left.
 */
export class CardSecrets {
  constructor(
    private readonly cardNumber: string,
    private readonly records: Pick<ProductionRecords, 'stepState' | 'triesLeft' | 'countTry'>,
    private readonly piv: PivCard,
    private readonly derived: DerivedSecrets,
  ) {}

  /**
   * 9B: from here on the card takes commands of the centre alone. A card that keeps the factory's key is never made.
   *
   * @throws CaError managementKeyFixed | managementKeyRefused (neither the factory's nor its own)
   */
  async takeOver(): Promise<void> {
    const { piv } = this;
    const bytes = managementKeyBytes(await piv.managementAlgorithm());
    const own = this.derived.managementKey(bytes);
    if (await this.opens(own)) return;
    if (!piv.profile.vendorCommands) {
      throw new CaError(
        'managementKeyFixed',
        `cards of the kind ${piv.profile.name} take it by their maker’s means only`,
      );
    }
    await piv.authenticateManagement(factoryKey(bytes));
    await piv.setManagementKey(own);
    await this.mustBeTaken();
  }

  /** The card's own key opens it, and the factory's doesn't. @throws CaError managementKeyRefused | cardCommunication */
  async mustBeTaken(): Promise<void> {
    const bytes = managementKeyBytes(await this.piv.managementAlgorithm());
    if (await this.opens(factoryKey(bytes))) throw unlike('the management key');
    await this.piv.authenticateManagement(this.derived.managementKey(bytes));
  }

  /** Comes before PIN and PUK, which it sets back to the factory's. Cards without that command keep their tries. */
  async setTries(): Promise<void> {
    await this.verifyPin();
    if (!(await this.piv.setTries(TRIES.pin, TRIES.puk))) return;
    if ((await this.piv.pinTries()) !== TRIES.pin) throw unlike('the number of tries');
  }

  /** @throws CaError pinLastTry | pinRefused */
  async setPuk(): Promise<void> {
    const { puk } = this.derived;
    // As it was; changed to itself it shows that it is the one.
    for (const present of [...(await this.possiblePuks()), puk]) {
      if (!(await this.changePuk(present))) continue;
      if (present === puk || (await this.changePuk(puk))) return;
    }
    throw new CaError('pinRefused', 'the card has neither the factory’s PUK nor its own');
  }

  /** @throws CaError pinLastTry | pinRefused */
  async setTransportPin(): Promise<void> {
    const { piv } = this;
    const { transportPin } = this.derived;
    if ((await this.verifyPin()) === transportPin) return;
    await piv.setInitialPin(transportPin);
    if (!(await piv.verifyPin(transportPin)).ok) throw unlike('the transport PIN');
  }

  /**
   * Verifies the PIN the card has now.
   *
   * @returns the PIN that was right
   * @throws CaError pinLastTry | pinRefused: nothing here may block a card
   */
  async verifyPin(): Promise<string> {
    const { piv } = this;
    const { transportPin } = this.derived;
    for (const pin of await this.possible('transport-pin', FACTORY_PIN, transportPin)) {
      const tries = await piv.pinTries();
      if (tries !== undefined && tries <= 1) throw lastTry();
      if ((await piv.verifyPin(pin)).ok) return pin;
    }
    throw new CaError('pinRefused', 'the card has neither the factory’s PIN nor its transport PIN');
  }

  private async possiblePuks(): Promise<string[]> {
    const isDefault = (await this.piv.metadata('puk'))?.isDefault;
    if (isDefault !== undefined) return isDefault ? [FACTORY_PUK] : [];
    const possible = await this.possible('puk', FACTORY_PUK, this.derived.puk);
    return possible.filter((puk) => puk !== this.derived.puk);
  }

  /** The tries are told by the card's metadata; where it has none, they are counted here before each is sent. */
  private async changePuk(present: string): Promise<boolean> {
    const { piv, cardNumber } = this;
    const told = (await piv.metadata('puk'))?.tries?.left;
    const left = told ?? (await this.records.triesLeft(cardNumber, 'puk')) ?? TRIES.puk;
    if (left <= 1) throw lastTry();
    if (told === undefined) await this.records.countTry(cardNumber, 'puk', left - 1);
    const result = await piv.changePuk(present, this.derived.puk);
    if (told === undefined) await this.records.countTry(cardNumber, 'puk', result.ok ? TRIES.puk : result.triesLeft);
    return result.ok;
  }

  private async possible(step: Step, factory: string, own: string): Promise<string[]> {
    const state = await this.records.stepState(this.cardNumber, step);
    return { 'not begun': [factory], begun: [factory, own], done: [own] }[state];
  }

  private async opens(key: Buffer): Promise<boolean> {
    try {
      await this.piv.authenticateManagement(key);
      return true;
    } catch (error) {
      if (error instanceof CaError && error.code === 'managementKeyRefused') return false;
      throw error;
    }
  }
}

/** The 24 octets everybody knows, or so many of them as the cipher takes. @throws CaError managementKeyRefused */
function factoryKey(bytes: number): Buffer {
  if (bytes <= FACTORY_MANAGEMENT_KEY.length) return FACTORY_MANAGEMENT_KEY.subarray(0, bytes);
  throw new CaError('managementKeyRefused', `no factory’s management key of ${bytes} octets is known`);
}

export const unlike = (what: string) =>
  new CaError('cardCommunication', `read back from the card, ${what} is another one`);
const lastTry = () => new CaError('pinLastTry', 'this card must be looked at by hand');
