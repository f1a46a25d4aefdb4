import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { BoundedPool, deriveManagementKey, derivePuk, deriveTransportPin } from '#libs/credentials';
import { CaError } from '#libs/errors';
import type { SerialPair } from '#libs/events';
import { PivCard } from '#libs/piv';
import { CardIssue } from '../certificates/card-issue.js';
import { CertificateIssuer } from '../certificates/certificate-issuer.js';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';
import { CardSecrets, type DerivedSecrets } from './card-secrets.js';
import type { CardState } from './card-state.js';
import { Personalisation } from './personalisation.js';
import { type CardInProduction, ProductionRecords } from './production-records.js';
import { Stations } from './station.js';
import { StationQueue } from './station-queue.js';

/** The first generation of a card's management key; it is never changed again. */
const FIRST = 1;
/** Cards in the making at once: each holds a database connection for its lock beside those it works with. */
const AT_ONCE = 3;
const SECONDS_PER_CARD = 1;

export interface Personalised {
  cardNumber: string;
  serials: SerialPair;
  state: CardState;
}

/** The personalisation station: from an assigned card to one that can be sent out. */
@Injectable()
export class PersonalisationService {
  readonly #places = new BoundedPool(AT_ONCE, Infinity, SECONDS_PER_CARD);

  constructor(
    private readonly source: DataSource,
    private readonly records: ProductionRecords,
    private readonly certificates: CertificateIssuer,
    private readonly issue: CardIssue,
    private readonly stations: Stations,
    private readonly queue: StationQueue,
    @Inject(ISSUANCE_CONFIG)
    private readonly config: Pick<IssuanceConfig, 'transportMaster' | 'pukMaster' | 'managementMaster'>,
  ) {}

  /**
   * Goes on where an earlier call stopped; repeated after the end it gives the same answer.
   *
   * @param station whose reader the card lies in; undefined: the first
   * @throws CaError unknownCard | conflict | notFound (no such station) | those of `Station.open` and `Personalisation.run`
   */
  async personalise(cardNumber: string, station?: string): Promise<Personalised> {
    return this.#places.run(() => this.alone(cardNumber, () => this.make(cardNumber, station)));
  }

  private async make(cardNumber: string, station?: string): Promise<Personalised> {
    const card = await this.records.begin(cardNumber);
    if (card.state === 'assigned') {
      await this.queue.mustBeFree(cardNumber, station);
      await this.inStation(card, station);
    }
    const serials = await this.issue.issue(card);
    return { cardNumber, serials, state: card.state === 'assigned' ? 'issued' : card.state };
  }

  private async inStation(card: CardInProduction, station?: string): Promise<void> {
    const connection = await this.stations.named(station).open(card.cardNumber);
    try {
      const piv = await PivCard.select(connection);
      const secrets = new CardSecrets(card.cardNumber, this.records, piv, this.derived(card));
      await new Personalisation(this.records, this.certificates, card, { piv, secrets }).run();
    } finally {
      await connection.close();
    }
  }

  private derived(card: CardInProduction): DerivedSecrets {
    const { transportMaster, pukMaster, managementMaster } = this.config;
    const { cardNumber, cardUuid } = card;
    const of = (keyVersion: number, generation: number) => ({ keyVersion, generation, cardUuid, cardNumber });
    const management = of(card.managementKeyVersion, FIRST);
    return {
      transportPin: deriveTransportPin({
        ...of(card.transportKeyVersion, card.transportGeneration),
        master: transportMaster,
      }),
      puk: derivePuk({ ...of(card.pukKeyVersion, card.pukGeneration), master: pukMaster }),
      managementKey: (bytes) => deriveManagementKey({ ...management, master: managementMaster }, bytes),
    };
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
