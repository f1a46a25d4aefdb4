import { Body, Controller, Get, Headers, Ip, Param, Post, Put, Query } from '@nestjs/common';
import { z } from 'zod';
import { sourceOf } from '#libs/credentials';
import { Endpoint } from '#libs/doors';
import type { ErrorCode } from '#libs/errors';
import { cutRow, statusRow, utc, type CutRow } from '#libs/events';
import { cardNumberOrTest, userCode } from '#libs/taiwan';
import { STATUSES } from './card-status.js';
import { receipt, Receipts, type Receipt } from './receipts.js';
import { StatusLog } from './status-log.js';
import { SuspensionService } from './suspension.service.js';

const card = z.object({ n: cardNumberOrTest });
const code = z.object({ userCode });
const activated = z.object({ activation: z.uuid() });
const page = z.object({
  after: z.coerce.number().int().min(0).default(0).describe('answers the rows above this seq'),
  limit: z.coerce.number().int().min(1).max(5_000).default(1_000),
});

const REFUSALS = [
  'codeRefused',
  'tooManyAttempts',
  'tooBusy',
  'cardRevoked',
  'cardExpired',
] as const satisfies ErrorCode[];

@Controller('api/v1')
export class SuspensionController {
  constructor(
    private readonly suspension: SuspensionService,
    private readonly receipts: Receipts,
    private readonly log: StatusLog,
  ) {}

  @Post('cards/:n/suspension')
  @Endpoint({
    allow: 'anyone',
    summary: 'Suspend a card (停用) with its user code; repeated, the same receipt',
    params: card,
    body: code,
    returns: receipt,
    status: 200,
    idempotent: true,
    errors: REFUSALS,
  })
  suspend(
    @Param('n') cardNumber: string,
    @Body() { userCode }: z.output<typeof code>,
    @Ip() ip: string,
    @Headers('Idempotency-Key') key?: string,
  ): Promise<Receipt> {
    return this.suspension.command('suspend', { cardNumber, userCode, source: sourceOf(ip) }, key);
  }

  @Post('cards/:n/resumption')
  @Endpoint({
    allow: 'anyone',
    summary: 'Resume a card (復用) with its user code: lifts its own hold and no other; repeated, the same receipt',
    params: card,
    body: code,
    returns: receipt,
    status: 200,
    idempotent: true,
    errors: [...REFUSALS, 'cardNotSuspended', 'attemptsLocked'],
  })
  resume(
    @Param('n') cardNumber: string,
    @Body() { userCode }: z.output<typeof code>,
    @Ip() ip: string,
    @Headers('Idempotency-Key') key?: string,
  ): Promise<Receipt> {
    return this.suspension.command('resume', { cardNumber, userCode, source: sourceOf(ip) }, key);
  }

  @Get('receipts/:id')
  @Endpoint({
    allow: 'anyone',
    summary: 'A receipt; names the list that carries the change once that is published',
    params: z.object({ id: z.uuid() }),
    returns: receipt,
    errors: ['notFound'],
  })
  receipt(@Param('id') id: string): Promise<Receipt> {
    return this.receipts.read(id);
  }

  @Put('cards/:n/acceptance')
  @Endpoint({
    allow: ['service'],
    summary: 'Accept the certificates of a card whose holder was proved; idempotent',
    params: card,
    body: activated,
    returns: z.object({ status: z.enum(STATUSES), acceptedAt: utc }),
    errors: ['unknownCard', 'cardRevoked', 'cardExpired', 'cardHeld'],
  })
  accept(@Param('n') cardNumber: string, @Body() { activation }: z.output<typeof activated>) {
    return this.suspension.accept(cardNumber, activation);
  }

  @Put('cuts/:cut')
  @Endpoint({
    allow: ['service'],
    summary: 'The marker of a cut, written if it is not there: what is below it is on the list of that midnight',
    params: z.object({ cut: utc }),
    returns: cutRow,
    errors: ['cutInFuture', 'cutPassed'],
  })
  cut(@Param('cut') cut: string): Promise<CutRow> {
    return this.log.cut(new Date(cut));
  }

  @Put('cuts/emergency/:id')
  @Endpoint({
    allow: ['service'],
    summary: 'The marker of an emergency list, written now if it is not there; idempotent by the list’s id',
    params: z.object({ id: z.uuid() }),
    returns: cutRow,
    errors: ['cutInFuture'],
  })
  emergencyCut(@Param('id') id: string): Promise<CutRow> {
    return this.log.emergencyCut(id);
  }

  @Get('status-log')
  @Endpoint({
    allow: ['service'],
    summary: 'Rows of the status log, in order',
    query: page,
    returns: z.object({ epoch: z.uuid(), rows: z.array(statusRow) }),
  })
  rows(@Query() { after, limit }: z.output<typeof page>) {
    return this.log.read(after, limit);
  }
}
