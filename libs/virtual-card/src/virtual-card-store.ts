import { existsSync, mkdirSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CaError } from '#libs/errors';
import { MANAGEMENT_ALGORITHMS, type ManagementAlgorithm, managementKeyBytes } from '#libs/piv';
import { type CardState, readState, writeAtomically } from './card-state.js';
import { type FamilyName } from './families.js';
import { factoryReferences, PIN_TRIES } from './references.js';
import { factoryContents } from './vendor-commands.js';
import { type PowerOptions, VirtualCard } from './virtual-card.js';

const CARD_NUMBER = /^(?:[A-Z]{2}[0-9]{14}|[A-Z]{4}[0-9]{12})$/;

export interface CardOptions {
  /** Which cards it is like; `virtual` unless said. */
  family?: FamilyName;
  /**
   * Of the family `virtual`: the standard's PIN of digits only, instead of any printable ASCII (the manual's letters and
   * symbols).
   */
  digitsOnly?: boolean;
  pinTries?: number;
  /** In place of the family's factory key, as a maker sets it by means of its own. */
  management?: { algorithm: ManagementAlgorithm; key: Uint8Array };
}

/** A card is a thing: within a process it is in one place at a time, whichever store it was opened through. */
const powered = new Map<string, VirtualCard>();

/**
 * Virtual cards in a folder, one file a card, and one reader. For development and demonstration: the private keys lie
 * in the files, readable by the user who runs this.
 */
export class VirtualCardStore {
  constructor(private readonly path: string) {}

  /** Made when it is first used. @throws CaError noReader in production, which has no use for cards that are files */
  private get dir(): string {
    if (process.env.NODE_ENV === 'production') {
      throw new CaError('noReader', 'no station for cards is connected: virtual cards refuse to run in production');
    }
    const dir = resolve(this.path);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    return dir;
  }

  /**
   * Makes a card as the factory delivers it. One that still has the factory's PIN and management key is replaced.
   *
   * @throws CaError conflict when a card that has got another PIN or management key has this number
   */
  async create(cardNumber: string, options: CardOptions = {}): Promise<void> {
    const { family = 'virtual', digitsOnly = false, pinTries = PIN_TRIES } = options;
    const file = this.fileOf(cardNumber);
    if (powered.has(file)) throw busy(cardNumber);
    if (existsSync(file)) {
      const { pin, management } = await readState(file);
      if (!pin.isDefault || !management.isDefault) {
        throw new CaError('conflict', `the virtual card ${cardNumber} exists already`);
      }
    }
    const state: CardState = {
      ...{ cardNumber, family, digitsOnly },
      ...factoryReferences(pinTries),
      ...factoryContents({ family }),
      ...(options.management && { management: madeBy(options.management) }),
    };
    await writeAtomically(file, JSON.stringify(state));
  }

  /** Powers a card on, outside the reader (the centre's personalisation). @throws CaError unknownCard | readerBusy */
  async open(cardNumber: string, options: PowerOptions = {}): Promise<VirtualCard> {
    const file = this.fileOf(cardNumber);
    if (!existsSync(file)) throw new CaError('unknownCard', `there is no virtual card ${cardNumber}`);
    if (powered.has(file)) throw busy(cardNumber);
    const onOut = async (pulled: boolean) => {
      powered.delete(file);
      if (pulled && (await this.inserted()) === cardNumber) await this.setInserted(null);
    };
    const card = await VirtualCard.powerOn(file, onOut, options);
    if (powered.has(file)) throw busy(cardNumber);
    powered.set(file, card);
    return card;
  }

  async list(): Promise<string[]> {
    const names = await readdir(this.dir);
    return names
      .filter((name) => name.endsWith('.card.json'))
      .map((name) => name.slice(0, -'.card.json'.length))
      .sort();
  }

  /** Puts a card into the reader; the one in there comes out. @throws CaError unknownCard */
  async insert(cardNumber: string): Promise<void> {
    if (!existsSync(this.fileOf(cardNumber))) {
      throw new CaError('unknownCard', `there is no virtual card ${cardNumber}`);
    }
    await this.eject();
    await this.setInserted(cardNumber);
  }

  /** Takes the card out, also in the middle of a session. */
  async eject(): Promise<void> {
    const cardNumber = await this.inserted();
    if (!cardNumber) return;
    await powered.get(this.fileOf(cardNumber))?.pull();
    await this.setInserted(null);
  }

  /** The number of the card in the reader. Survives a restart, as a card in a real reader does. */
  async inserted(): Promise<string | null> {
    try {
      const { cardNumber } = JSON.parse(await readFile(this.readerFile, 'utf8')) as { cardNumber: string | null };
      return cardNumber;
    } catch {
      return null;
    }
  }

  /** Powers on the card in the reader. @throws CaError noCard | readerBusy */
  async connect(): Promise<VirtualCard> {
    const cardNumber = await this.inserted();
    if (!cardNumber) throw new CaError('noCard', 'there is no card in the virtual reader');
    return this.open(cardNumber);
  }

  private setInserted(cardNumber: string | null): Promise<void> {
    return writeAtomically(this.readerFile, JSON.stringify({ cardNumber }));
  }

  private get readerFile(): string {
    return join(this.dir, 'reader.json');
  }

  private fileOf(cardNumber: string): string {
    if (!CARD_NUMBER.test(cardNumber)) throw new CaError('unknownCard', 'this is not a card number');
    return join(this.dir, `${cardNumber}.card.json`);
  }
}

function madeBy({ algorithm, key }: NonNullable<CardOptions['management']>): CardState['management'] {
  if (!(algorithm in MANAGEMENT_ALGORITHMS) || key.length !== managementKeyBytes(algorithm)) {
    throw new RangeError(`this is no management key of ${algorithm}`);
  }
  return { algorithm, key: Buffer.from(key).toString('base64'), isDefault: true };
}

const busy = (cardNumber: string) => new CaError('readerBusy', `the virtual card ${cardNumber} is in use`);
