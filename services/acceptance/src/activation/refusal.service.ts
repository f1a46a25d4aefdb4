import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { Outbox } from '#libs/messaging';
import { lockCard } from '../card.entity.js';
import { CardProofs } from '../card-proof.js';
import { addEvidence } from '../evidence.js';
import { KnownCards } from '../known-cards.js';
import { SealedEvents } from '../sealed-events.js';
import { Activation } from './activation.entity.js';
import type { Claim } from './activation.service.js';
import { checkForm, PersonCheck } from './person-check.js';
import { Sessions } from './sessions.js';

/**
 * 資料不正確: the certificates are wrong, says whoever proved card and person. `issuance` opens a case with it.
 *
 * Not done here: a hold on the card. That is the officers' business, and until they act a holder who was mistaken may
 * start again.
 */
@Injectable()
export class RefusalService {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly sessions: Sessions,
    private readonly proofs: CardProofs,
    private readonly persons: PersonCheck,
    private readonly known: KnownCards,
    private readonly sealed: SealedEvents,
    private readonly outbox: Outbox,
  ) {}

  /**
   * The session is over and nothing is accepted. Repeated, the answer is the same, and nothing more is reported.
   *
   * @throws CaError invalidRequest | nationalIdUnusual | notFound | sessionExpired | proofRefused | codeRefused |
   *                 tooManyAttempts | tooBusy | cardRevoked | cardNotActivatable when it was accepted already
   */
  async refuse(id: string, { proof, person, from, whatIsWrong }: Claim & { whatIsWrong: string }): Promise<void> {
    const isUnusualIdConfirmed = checkForm(person, this.clock.now());
    if ((await this.sessions.find(id)).refusedAt) return;
    const session = await this.sessions.useNonce(id);
    const { card, signed } = await this.proofs.verify(session, 'accept', proof);
    await this.persons.check(session, card, person, from);
    await this.known.refuseRevoked(card.cardNumber, this.source.manager);
    const { cardNumber } = card;
    const { signature } = proof;
    const at = this.clock.now();
    const event = await this.sealed.make('certificate.refused', { cardNumber, activation: id }, { whatIsWrong }, at);
    await this.source.transaction(async (tx) => {
      const { acceptedAt } = await lockCard(tx, cardNumber);
      if (acceptedAt) throw new CaError('cardNotActivatable', 'its certificates were accepted; call the centre');
      await tx.update(Activation, id, { refusedAt: at });
      await addEvidence(tx, { slot: '9E', act: 'refuse', session, signed, signature, at, isUnusualIdConfirmed });
      await this.outbox.add(tx, event);
    });
  }
}
