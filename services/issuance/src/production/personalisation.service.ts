import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { BoundedPool, deriveTransportPin } from '#libs/credentials';
import { CaError } from '#libs/errors';
import type { SerialPair } from '#libs/events';
import { PivCard } from '#libs/piv';
import { VirtualCardStore } from '#libs/virtual-card';
import { CardIssue } from '../certificates/card-issue.js';
import { CertificateIssuer } from '../certificates/certificate-issuer.js';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';
import type { CardState } from './card-state.js';
import { Personalisation } from './personalisation.js';
import { type CardInProduction, ProductionRecords } from './production-records.js';

/** Cards in the making at once: each holds a database connection for its lock beside those it works with. */
const STATIONS = 3;
const SECONDS_PER_CARD = 1;

export interface Personalised {
  cardNumber: string;
  serials: SerialPair;
  state: CardState;
}

/** The personalisation station: from an assigned card to one that can be sent out. */
@Injectable()
export class PersonalisationService {
  readonly #stations = new BoundedPool(STATIONS, Infinity, SECONDS_PER_CARD);

  constructor(
    private readonly source: DataSource,
    private readonly records: ProductionRecords,
    private readonly certificates: CertificateIssuer,
    private readonly issue: CardIssue,
    private readonly cards: VirtualCardStore,
    @Inject(ISSUANCE_CONFIG) private readonly config: Pick<IssuanceConfig, 'transportMaster'>,
  ) {}

  /**
   * Goes on where an earlier call stopped; repeated after the end it gives the same answer.
   *
   * @throws CaError unknownCard | conflict | readerBusy | those of `Personalisation.run`
   */
  async personalise(cardNumber: string): Promise<Personalised> {
    return this.#stations.run(() => this.alone(cardNumber, () => this.make(cardNumber)));
  }

  private async make(cardNumber: string): Promise<Personalised> {
    const card = await this.records.begin(cardNumber);
    if (card.state === 'assigned') await this.inStation(card);
    const serials = await this.issue.issue(card);
    return { cardNumber, serials, state: card.state === 'assigned' ? 'issued' : card.state };
  }

  private async inStation(card: CardInProduction): Promise<void> {
    const { cardNumber, cardUuid, transportKeyVersion: keyVersion, transportGeneration: generation } = card;
    const master = this.config.transportMaster;
    const transportPin = deriveTransportPin({ master, keyVersion, generation, cardUuid, cardNumber });
    const connection = await this.cards.open(cardNumber);
    try {
      const piv = await PivCard.select(connection);
      await new Personalisation(this.records, this.certificates, card, { connection, piv, transportPin }).run();
    } finally {
      await connection.close();
    }
  }

  /** One run a card over all processes. A lock of the session, not of a transaction: a run has many of those. */
  private async alone<T>(cardNumber: string, work: () => Promise<T>): Promise<T> {
    const runner = this.source.createQueryRunner();
    const lock = `hashtextextended('kaika.issuance.production.' || $1, 0)`;
    try {
      const [row] = (await runner.query(`select pg_try_advisory_lock(${lock}) as mine`, [cardNumber])) as [
        { mine: boolean },
      ];
      if (!row.mine) throw new CaError('readerBusy', 'this card is being personalised already');
      try {
        return await work();
      } finally {
        await runner.query(`select pg_advisory_unlock(${lock})`, [cardNumber]);
      }
    } finally {
      await runner.release();
    }
  }
}
