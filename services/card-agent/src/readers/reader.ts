import { type CardConnection } from '#libs/piv';

/** A place a card is put into: PC/SC's, or the virtual one. */
export interface Reader {
  /** As the system names it, the slot included: `Generic Smart Card Reader 00 00`. */
  readonly name: string;
  /** Whether there is a card in it, as the reader says; what kind of card is found out by asking the card. */
  holdsCard(): boolean | Promise<boolean>;
  /** Names this stay of a card in the reader: after a change it is another. Undefined where the reader can't tell. */
  readonly insertion?: number;
  /**
   * Powers the card on for this session alone; closing the connection resets the card.
   *
   * @throws CaError noReader | noCard | readerBusy | unknownCardKind | cardCommunication
   */
  connect(): Promise<CardConnection>;
}

/** All readers of a machine. They come and go. */
export interface Readers {
  /** @throws CaError noReader with state `pcsc-missing` when nobody can be asked */
  list(): Promise<readonly Reader[]>;
  close(): void;
}
