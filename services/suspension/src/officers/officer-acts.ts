import type { Write } from '#libs/database';

/** What an officer did, or had another approve: kept beside the receipt, which is open to who knows its id. */
export interface OfficerAct {
  readonly cardNumber: string;
  readonly act: 'hold' | 'release' | 'revoke' | 'extend';
  /** Subject of the officer; of two persons, the one who approved. */
  readonly by: string;
  readonly ground: string;
  readonly at: Date | string;
  /** The request another officer made. */
  readonly request?: string;
  readonly receipt?: string | undefined;
}

export function actWrite({ cardNumber, act, by, ground, at, request, receipt }: OfficerAct): Write {
  return {
    sql: 'insert into officer_act (card_number, act, by, ground, at, request, receipt) values ($1, $2, $3, $4, $5, $6, $7)',
    values: [cardNumber, act, by, ground, at, request ?? null, receipt ?? null],
  };
}
