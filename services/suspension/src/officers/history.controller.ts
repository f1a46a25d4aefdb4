import { Controller, Get, Param } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { CaError } from '#libs/errors';
import { HOLDERS, type StatusRow, utc } from '#libs/events';
import { cardParams } from './officers.schema.js';

const holder = z.enum(HOLDERS);
const change = z.object({
  seq: z.number().int(),
  at: utc,
  kind: z.enum(['accepted', 'suspended', 'resumed', 'revoked']),
  holder: holder.nullable().describe('whose hold was put up or lifted'),
  holds: z.array(holder).describe('that stand afterwards'),
  reason: z.string().nullable().describe('on lists and in OCSP answers afterwards'),
});
const act = z.object({
  act: z.enum(['hold', 'release', 'revoke', 'extend']),
  at: utc,
  by: z
    .string()
    .describe('of two persons, the one who approved; `issuance`, whose two officers decided, for a defective card'),
  ground: z.string(),
  request: z.uuid().nullable().describe('of two persons'),
});
const history = z.object({
  cardNumber: z.string(),
  acceptBy: utc.nullable().describe('the last moment of the time for acceptance'),
  changes: z.array(change).describe('rows of the status log, in order'),
  acts: z.array(act).describe('of officers, in order'),
});
type History = z.output<typeof history>;

/** What became of a card, for those who answer for it. */
@Controller('api/v1')
export class HistoryController {
  constructor(private readonly source: DataSource) {}

  @Get('cards/:n/status-history')
  @Endpoint({
    allow: ['ca-operator', 'ca-officer', 'auditor'],
    summary: 'Every change of a card’s status, and what officers did and why',
    params: cardParams,
    returns: history,
    errors: ['unknownCard'],
  })
  async read(@Param('n') cardNumber: string): Promise<History> {
    const [card] = await this.source.query<{ accept_by: Date | null }[]>(
      'select accept_by from card where card_number = $1',
      [cardNumber],
    );
    if (!card) throw new CaError('unknownCard', `card ${cardNumber} is not known here yet`);
    const rows = await this.source.query<{ row: string }[]>(
      'select row from status_log where card_number = $1 order by seq',
      [cardNumber],
    );
    const acts = await this.source.query<(Omit<History['acts'][number], 'at'> & { at: Date })[]>(
      'select act, at, by, ground, request from officer_act where card_number = $1 order by id',
      [cardNumber],
    );
    return {
      cardNumber,
      acceptBy: card.accept_by?.toISOString() ?? null,
      changes: rows.flatMap(({ row }) => changeOf(JSON.parse(row) as StatusRow)),
      acts: acts.map((one) => ({ ...one, at: one.at.toISOString() })),
    };
  }
}

function changeOf(row: StatusRow): History['changes'] {
  if (row.kind === 'cut') return [];
  const { seq, at, kind, holder, holds, listed } = row;
  return [{ seq, at, kind, holder: holder ?? null, holds: [...holds], reason: listed?.reason ?? null }];
}
