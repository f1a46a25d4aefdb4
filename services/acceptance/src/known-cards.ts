import type { EntityManager } from 'typeorm';
import { type KeyPair, openCredential } from '#libs/credentials';
import { CaError } from '#libs/errors';
import type { EventData, StatusRow } from '#libs/events';

/** What other services tell of a card, each in a table of its own: they may come in any order, and twice. */
export class KnownCards {
  constructor(private readonly credentialKey: KeyPair) {}

  /** A card number is issued once: the first word stands. */
  async issued(card: EventData<'certificate.issued'>, tx: EntityManager): Promise<void> {
    const { signature, encryption, cardAuthentication } = card.certificates;
    await tx.query(
      `insert into card (card_number, card_uuid, way,
         signature_certificate, encryption_certificate, card_authentication_certificate)
       values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
      [card.cardNumber, card.cardUuid, card.way, ...[signature, encryption, cardAuthentication].map(fromBase64)],
    );
  }

  /**
   * The highest generation of each kind stands. The responsible person's goes when there is a user code, and does not
   * come back with an old event: nothing is kept of a person that is not asked for any more.
   *
   * @throws Error when the credential is not sealed to this service
   */
  async credentialSet(credential: EventData<'credential.set'>, tx: EntityManager): Promise<void> {
    const { cardNumber, kind, generation, verifier } = await openCredential(this.credentialKey, credential);
    const userCodes: unknown[] = await tx.query(
      `select 1 from verifier where card_number = $1 and kind = 'user-code'`,
      [cardNumber],
    );
    if (kind === 'representative' && userCodes.length > 0) return;
    await tx.query(
      `insert into verifier as known (card_number, kind, generation, verifier) values ($1, $2, $3, $4)
       on conflict (card_number, kind) do update set generation = excluded.generation, verifier = excluded.verifier
       where excluded.generation > known.generation`,
      [cardNumber, kind, generation, verifier],
    );
    if (kind === 'user-code') {
      await tx.query(`delete from verifier where card_number = $1 and kind = 'representative'`, [cardNumber]);
    }
  }

  /**
   * A copy for messages only: what decides is the synchronous command. Revoked is final, under every epoch: rows from
   * before a restore may come again.
   */
  async statusChanged(row: StatusRow, tx: EntityManager): Promise<void> {
    if (row.kind === 'cut') return;
    await tx.query(
      `insert into status_copy as known (card_number, epoch, seq, kind) values ($1, $2, $3, $4)
       on conflict (card_number) do update set epoch = excluded.epoch, seq = excluded.seq, kind = excluded.kind
       where known.kind <> 'revoked' and (excluded.epoch <> known.epoch or excluded.seq > known.seq)`,
      [row.cardNumber, row.epoch, row.seq, row.kind],
    );
  }

  /** Revoked is final, so a copy that says so is never out of date. */
  async isRevoked(cardNumber: string, tx: EntityManager): Promise<boolean> {
    const rows: unknown[] = await tx.query(`select 1 from status_copy where card_number = $1 and kind = 'revoked'`, [
      cardNumber,
    ]);
    return rows.length > 0;
  }

  /** Only for whom card or code were right (DOMAIN.md §5). @throws CaError cardRevoked (4931) */
  async refuseRevoked(cardNumber: string, tx: EntityManager): Promise<void> {
    if (await this.isRevoked(cardNumber, tx)) throw new CaError('cardRevoked', `card ${cardNumber} is revoked`);
  }
}

const fromBase64 = (text: string) => Buffer.from(text, 'base64');
