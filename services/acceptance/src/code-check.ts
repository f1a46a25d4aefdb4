import type { DataSource } from 'typeorm';
import type { AttemptStore, CodeHasher } from '#libs/credentials';
import { CaError } from '#libs/errors';
import type { Activation } from './activation.entity.js';
import type { Card } from './card.entity.js';

/** Way A: the user code of a card that was proven present. Outside any transaction: scrypt takes 60 ms. */
export class CodeCheck {
  constructor(
    private readonly source: DataSource,
    private readonly attempts: AttemptStore,
    private readonly hasher: CodeHasher,
  ) {}

  /**
   * The wrong way costs and answers what a wrong code does.
   *
   * @param origin  of the request, `sourceOf(address)`
   * @throws CaError codeRefused (3005) | tooManyAttempts | tooBusy
   */
  async check(session: Activation, card: Card, userCode: string, origin: string): Promise<void> {
    const isWayA = session.way === 'A' && card.way === 'A';
    const verifier = isWayA ? await this.verifierOf(card.cardNumber) : undefined;
    const attempt = { cardNumber: card.cardNumber, purpose: 'accept', source: origin, proven: true } as const;
    const right = await this.attempts.check(attempt, () => this.hasher.verify(verifier, userCode));
    if (!right) throw new CaError('codeRefused', 'check capital letters and the way of activation');
  }

  private async verifierOf(cardNumber: string): Promise<string | undefined> {
    const rows: { verifier: string }[] = await this.source.query(
      'select verifier from verifier where card_number = $1',
      [cardNumber],
    );
    return rows[0]?.verifier;
  }
}
