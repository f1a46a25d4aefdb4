import { CaError } from '#libs/errors';
import type { CardConnection } from '#libs/piv';
import type { VirtualCardStore } from '#libs/virtual-card';

/** A place in the centre where cards are made: one reader with the card that lies in it. */
export interface Station {
  readonly name: string;
  /**
   * Powers on the card in the station; closing the connection resets it.
   *
   * @param cardNumber which card should lie there; only a virtual station can look for it
   * @throws CaError noCard | noReader | readerBusy | stationUnreachable | unknownCard
   */
  open(cardNumber: string): Promise<CardConnection>;
}

/** Virtual cards lie in as many stations as there are cards. */
export class VirtualStation implements Station {
  constructor(
    readonly name: string,
    private readonly cards: Pick<VirtualCardStore, 'open'>,
  ) {}

  open(cardNumber: string): Promise<CardConnection> {
    return this.cards.open(cardNumber);
  }
}

/** The stations of this centre, by name. */
export class Stations {
  constructor(private readonly all: readonly Station[]) {}

  get names(): string[] {
    return this.all.map(({ name }) => name);
  }

  /** @param name undefined: the first @throws CaError notFound */
  named(name?: string): Station {
    const found = name === undefined ? this.all[0] : this.all.find((station) => station.name === name);
    if (!found) throw new CaError('notFound', 'there is no such station', { stations: this.names });
    return found;
  }
}
