import { Controller, Get, Param } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { utc } from '#libs/events';
import { cardNumberOrTest } from '#libs/taiwan';

const cardParams = z.object({ n: cardNumberOrTest });
const item = z.object({
  at: utc,
  act: z.string().describe('what came of the signature: accept, complete, refuse, reset-pin, unlock …'),
  slot: z.enum(['9E', '9C']),
  unusualIdConfirmed: z.boolean(),
  pinTries: z.number().int().nullable().describe('left, as the agent read them before the proof'),
});
const evidence = z.object({ cardNumber: z.string(), items: z.array(item) });

/** When a card signed what, without the signatures themselves. */
@Controller('api/v1')
export class EvidenceController {
  constructor(private readonly source: DataSource) {}

  @Get('cards/:n/evidence')
  @Endpoint({
    allow: ['ca-operator', 'ca-officer', 'auditor'],
    summary: 'When a card proved itself, and for what; empty for one that never did',
    params: cardParams,
    returns: evidence,
  })
  async read(@Param('n') cardNumber: string): Promise<z.output<typeof evidence>> {
    const rows = await this.source.query<(Omit<z.output<typeof item>, 'at'> & { at: Date })[]>(
      `select at, act, slot, unusual_id_confirmed as "unusualIdConfirmed", pin_tries as "pinTries"
       from evidence where card_number = $1 order by id`,
      [cardNumber],
    );
    return { cardNumber, items: rows.map((row) => ({ ...row, at: row.at.toISOString() })) };
  }
}
