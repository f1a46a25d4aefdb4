import { createPublicKey } from 'node:crypto';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import { CaError } from '#libs/errors';
import { encodeProof, type Proof, type ProofPurpose, sha256, verifyProof } from '#libs/piv';
import { Card } from './card.entity.js';

/** What a card proves itself to: an activation, or the reset of a user code. */
export interface ProofSession {
  id: string;
  cardNumber: string;
  nonce: Buffer;
}

/** That the genuine card is present, by its 9E key (CARDS.md §3, step 2). */
export class CardProofs {
  constructor(
    private readonly source: DataSource,
    /** Of the portal's pages. */
    private readonly origins: readonly string[],
    private readonly log: Logger,
  ) {}

  /**
   * Checks a session's proof against the card that was issued under the session's number.
   *
   * @returns the card, and the octets that 9E signed
   * @throws CaError proofRefused in the same words whatever is wrong: which cards exist is nobody's business
   */
  async verify(session: ProofSession, purpose: ProofPurpose, proof: Proof): Promise<{ card: Card; signed: Buffer }> {
    const card = await this.source.manager.findOneBy(Card, { cardNumber: session.cardNumber });
    try {
      if (!card) throw new Error('unknown card');
      return { card, signed: checkProof(proof, { session, purpose, card, origins: this.origins }) };
    } catch (cause) {
      this.log.info({ session: session.id, reason: (cause as Error).message }, 'proof refused');
      throw new CaError('proofRefused', 'the card’s proof does not verify', {}, { cause });
    }
  }
}

/** Against what was stored at issue, and that a PIN job can be sealed to the agent's key. @throws what is wrong */
function checkProof(
  proof: Proof,
  {
    session,
    purpose,
    card,
    origins,
  }: { session: ProofSession; purpose: ProofPurpose; card: Card; origins: readonly string[] },
): Buffer {
  const { cardNumber, cardUuid } = card;
  verifyProof(
    proof,
    {
      ...{ purpose, origins, nonce: session.nonce, session: session.id, cardUuid, cardNumber },
      signatureCertificateSha256: sha256(card.signatureCertificate),
      encryptionCertificateSha256: sha256(card.encryptionCertificate),
    },
    card.cardAuthenticationCertificate,
  );
  if (!isP256(proof.ephemeralKey)) throw new Error('the agent’s key is not on P-256');
  return encodeProof(proof);
}

function isP256(spki: Buffer): boolean {
  const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  return asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1';
}
