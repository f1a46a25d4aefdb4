import type { DataSource } from 'typeorm';
import { CaError } from '#libs/errors';
import type { CardState } from './card-state.js';
import { STEPS } from './production-records.js';
import type { CardView } from './production.schema.js';

interface CardRow {
  state: CardState;
  caseNumber: string | null;
  cardUuid: string | null;
  signature: string | null;
  encryption: string | null;
  issuedAt: Date | null;
  registeredMail: string | null;
  dispatchedAt: Date | null;
}

/** What the centre knows of one card. @throws CaError unknownCard */
export async function viewCard(source: DataSource, cardNumber: string): Promise<CardView> {
  const [card] = await source.query<CardRow[]>(
    `select k.state, k.case_number as "caseNumber", k.card_uuid as "cardUuid", k.issued_at as "issuedAt",
            k.registered_mail as "registeredMail", k.dispatched_at as "dispatchedAt",
            s.serial as signature, e.serial as encryption
     from card k
     left join certificate s on s.card_number = k.card_number and s.slot = '9C' and s.state <> 'abandoned'
     left join certificate e on e.card_number = k.card_number and e.slot = '9D' and e.state <> 'abandoned'
     where k.card_number = $1`,
    [cardNumber],
  );
  if (!card) throw new CaError('unknownCard', 'there is no such card here');
  const { state, caseNumber, cardUuid, signature, encryption, registeredMail } = card;
  return {
    ...{ cardNumber, state, caseNumber, cardUuid, registeredMail },
    serials: signature && encryption ? { signature, encryption } : null,
    issuedAt: text(card.issuedAt),
    dispatchedAt: text(card.dispatchedAt),
    steps: await stepsOf(source, cardNumber),
  };
}

async function stepsOf(source: DataSource, cardNumber: string): Promise<CardView['steps']> {
  const rows = await source.query<{ step: string; begun_at: Date; done_at: Date | null }[]>(
    'select step, begun_at, done_at from production_step where card_number = $1 order by begun_at, array_position($2, step)',
    [cardNumber, STEPS],
  );
  return rows.map((row) => ({ step: row.step, begunAt: row.begun_at.toISOString(), doneAt: text(row.done_at) }));
}

const text = (at: Date | null) => at?.toISOString() ?? null;
