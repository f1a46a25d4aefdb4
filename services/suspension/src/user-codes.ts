import type { DataSource, EntityManager } from 'typeorm';
import { openCredential, type AttemptStore, type CodeHasher, type KeyPair } from '#libs/credentials';
import { CaError } from '#libs/errors';
import type { EventData } from '#libs/events';

/** Who claims to be a card's subscriber, and from where. The code is a secret. */
export interface Claim {
  readonly cardNumber: string;
  readonly userCode: string;
  /** `sourceOf(address)`. */
  readonly source: string;
}

/** The verifiers of user codes: made elsewhere, sealed to this service, checked here without anyone's help. */
export class UserCodes {
  constructor(
    private readonly source: DataSource,
    private readonly attempts: AttemptStore,
    private readonly hasher: CodeHasher,
    private readonly key: KeyPair,
  ) {}

  /**
   * Keeps the highest generation; it may come before its card. Whoever was guessing at the code before it has locked or
   * slowed a door that is not there any more.
   */
  async replace(tx: EntityManager, sealed: EventData<'credential.set'>): Promise<void> {
    if (sealed.kind !== 'user-code') return; // not sealed to this service
    const { cardNumber, generation, verifier } = await openCredential(this.key, sealed);
    const newer = (await tx.query(
      `insert into verifier (card_number, generation, verifier) values ($1, $2, $3)
       on conflict (card_number) do update set generation = excluded.generation, verifier = excluded.verifier
       where verifier.generation < excluded.generation
       returning 1`,
      [cardNumber, generation, verifier],
    )) as unknown[];
    if (newer.length === 0) return;
    for (const purpose of ['suspend', 'resume'] as const) await this.attempts.unlock(cardNumber, purpose, tx);
  }

  /**
   * Checks a user code, outside any transaction: a check takes 60 ms of a core. An unknown card, one without a code and
   * a wrong code have the same answer at the same cost.
   *
   * @returns the generation of the verifier that was checked
   * @throws CaError codeRefused | tooManyAttempts | attemptsLocked | tooBusy
   */
  async prove(purpose: 'suspend' | 'resume', { cardNumber, userCode, source }: Claim): Promise<number> {
    const known = await this.verifierOf(cardNumber);
    const right = await this.attempts.check({ cardNumber, purpose, source }, () =>
      this.hasher.verify(known?.verifier, userCode),
    );
    if (!known || !right) throw new CaError('codeRefused', 'the user code or the card number is not right');
    return known.generation;
  }

  private async verifierOf(cardNumber: string): Promise<{ generation: number; verifier: string } | undefined> {
    const [found] = (await this.source.query(
      'select generation, verifier from verifier join card using (card_number) where card_number = $1',
      [cardNumber],
    )) as { generation: number; verifier: string }[];
    return found;
  }
}
