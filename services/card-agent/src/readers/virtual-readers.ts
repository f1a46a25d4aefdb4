import { VirtualCardStore } from '#libs/virtual-card';
import { type CardConnection } from '#libs/piv';
import type { Reader, Readers } from './reader.js';

const CHANGE_REFERENCE_DATA = 0x24;
export const VIRTUAL_READER = 'virtual reader';

/** The one reader of a folder of virtual cards, and the hand that puts a card into it. */
export class VirtualReaders implements Readers, Reader {
  readonly name = VIRTUAL_READER;
  readonly #cards: VirtualCardStore;
  #pullAtPinChange = false;

  constructor(dir: string) {
    this.#cards = new VirtualCardStore(dir);
  }

  list(): Promise<readonly Reader[]> {
    return Promise.resolve([this]);
  }

  async holdsCard(): Promise<boolean> {
    return (await this.#cards.inserted()) !== null;
  }

  async connect(): Promise<CardConnection> {
    const card = await this.#cards.connect();
    if (this.#pullAtPinChange) card.pullAfter(CHANGE_REFERENCE_DATA);
    return card;
  }

  /** @param pullAtPinChange fault: the card leaves when it has done a CHANGE, before its answer @throws CaError unknownCard */
  async insert(cardNumber: string | null, pullAtPinChange = false): Promise<void> {
    this.#pullAtPinChange = pullAtPinChange;
    await (cardNumber === null ? this.#cards.eject() : this.#cards.insert(cardNumber));
  }

  close(): void {}
}
