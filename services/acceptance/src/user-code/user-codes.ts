import type { DataSource, EntityManager } from 'typeorm';
import { type CodeHasher, type CredentialKind, type PublicJwk, sealCredential } from '#libs/credentials';
import { CaError } from '#libs/errors';
import { type EventOf, newEvent } from '#libs/events';
import type { Outbox } from '#libs/messaging';

/** Issuance sets the first user code of a card (way A); what is set here is always a later one. */
const FIRST_GENERATION = 2;

export interface KnownVerifier {
  generation: number;
  verifier: string;
}

/** A user code that was hashed and sealed, on its way into a transaction. */
export interface NewUserCode {
  cardNumber: string;
  /** Generation of the code it replaces; undefined: the card has none. */
  replaces: number | undefined;
  generation: number;
  verifier: string;
  event: EventOf<'credential.set'>;
}

/** The verifiers this service checks, and the making of new user codes. */
export class UserCodes {
  constructor(
    private readonly source: DataSource,
    private readonly hasher: CodeHasher,
    /** `suspension` and this service itself. */
    private readonly recipients: readonly PublicJwk[],
    private readonly outbox: Outbox,
  ) {}

  /** One query whatever is known, so that an unknown card takes as long. */
  async verifiersOf(cardNumber: string): Promise<Partial<Record<CredentialKind, KnownVerifier>>> {
    const rows: (KnownVerifier & { kind: CredentialKind })[] = await this.source.query(
      'select kind, generation, verifier from verifier where card_number = $1',
      [cardNumber],
    );
    return Object.fromEntries(rows.map(({ kind, ...known }) => [kind, known]));
  }

  /** Outside any transaction: scrypt takes 60 ms. @throws CaError tooBusy */
  async make(cardNumber: string, userCode: string, now: Date): Promise<NewUserCode> {
    const replaces = (await this.verifiersOf(cardNumber))['user-code']?.generation;
    const generation = Math.max(FIRST_GENERATION, (replaces ?? 0) + 1);
    const verifier = await this.hasher.hash(userCode);
    const data = await sealCredential(this.recipients, { cardNumber, kind: 'user-code', generation, verifier });
    const event = newEvent('credential.set', cardNumber, data, { source: 'acceptance', now });
    return { cardNumber, replaces, generation, verifier, event };
  }

  /**
   * Makes it the card's code and tells so, in a transaction that has locked the card's row. The representative's
   * verifier goes: from now on the card asks for this code.
   *
   * @throws CaError conflict when another code was set since `make`
   */
  async put(tx: EntityManager, { cardNumber, replaces, generation, verifier, event }: NewUserCode): Promise<void> {
    const rows: unknown[] = await tx.query(
      `insert into verifier as known (card_number, kind, generation, verifier) values ($1, 'user-code', $2, $3)
       on conflict (card_number, kind) do update set generation = excluded.generation, verifier = excluded.verifier
       where known.generation = $4::integer returning 1`,
      [cardNumber, generation, verifier, replaces],
    );
    if (rows.length === 0) throw new CaError('conflict', 'another user code was set a moment ago');
    await tx.query(`delete from verifier where card_number = $1 and kind = 'representative'`, [cardNumber]);
    await this.outbox.add(tx, event);
  }
}
