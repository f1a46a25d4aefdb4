import { Body, Controller, Param, Post, Put, Req } from '@nestjs/common';
import type { Request } from 'express';
import { z } from 'zod';
import { sourceOf } from '#libs/credentials';
import { Endpoint } from '#libs/doors';
import { proofSchema } from '#libs/piv';
import { cardNumberOrTest, userCode } from '#libs/taiwan';
import { oneTimeCode } from '../one-time-code.js';
import { checkTypedTwice, newUserCodeFields } from './new-user-code.js';
import { UserCodeChangeService } from './user-code-change.service.js';
import { UserCodeResetService } from './user-code-reset.service.js';

const id = z.uuid();
const cardParams = z.object({ n: cardNumberOrTest });
const change = z
  .object({ userCode, ...newUserCodeFields })
  .superRefine(checkTypedTwice)
  .superRefine((body, ctx) => {
    if (body.newUserCode !== body.userCode) return;
    ctx.addIssue({ code: 'custom', path: ['newUserCode'], message: 'is the old one' });
  });
const reset = z.object({ cardNumber: cardNumberOrTest });
const resetProof = z.object({ proof: proofSchema });
const completion = z.object({ oneTimeCode, ...newUserCodeFields }).superRefine(checkTypedTwice);

@Controller('api/v1')
export class UserCodesController {
  constructor(
    private readonly changes: UserCodeChangeService,
    private readonly resets: UserCodeResetService,
  ) {}

  @Put('cards/:n/user-code')
  @Endpoint({
    allow: 'anyone',
    summary: 'Changes a user code: the old one, and the new one twice',
    params: cardParams,
    body: change,
    returns: z.object({ cardNumber: z.string(), changedAt: z.iso.datetime() }),
    errors: ['codeRefused', 'tooManyAttempts', 'attemptsLocked', 'tooBusy', 'cardRevoked', 'conflict'],
  })
  async change(
    @Param() { n: cardNumber }: z.output<typeof cardParams>,
    @Body() { userCode, newUserCode }: z.output<typeof change>,
    @Req() request: Request,
  ) {
    const from = sourceOf(request.ip);
    const changedAt = await this.changes.change(cardNumber, { userCode, newUserCode, from });
    return { cardNumber, changedAt: changedAt.toISOString() };
  }

  @Post('user-codes')
  @Endpoint({
    allow: 'anyone',
    summary: 'A forgotten user code: gives the nonce that the card signs (120 s, one use)',
    status: 201,
    body: reset,
    returns: z.object({ id, nonce: z.string().meta({ description: '32 octets, base64url' }) }),
  })
  async start(@Body() { cardNumber }: z.output<typeof reset>) {
    const started = await this.resets.start(cardNumber);
    return { id: started.id, nonce: started.nonce.toString('base64url') };
  }

  @Post('user-codes/:id/proof')
  @Endpoint({
    allow: 'anyone',
    summary: 'The card’s proof (purpose user-code-reset): has a one-time code mailed to the contact',
    status: 202,
    params: z.object({ id }),
    body: resetProof,
    returns: z.object({ expiresAt: z.iso.datetime() }),
    errors: [
      ...(['notFound', 'sessionExpired', 'proofRefused', 'cardRevoked'] as const),
      ...(['conflict', 'tooManyAttempts', 'tooBusy'] as const),
    ],
  })
  async prove(@Param('id') request: string, @Body() { proof }: z.output<typeof resetProof>) {
    return { expiresAt: (await this.resets.prove(request, proof)).toISOString() };
  }

  @Post('user-codes/:id/completion')
  @Endpoint({
    allow: 'anyone',
    summary: 'Sets the new user code: the one-time code, and the new user code twice',
    status: 200,
    params: z.object({ id }),
    body: completion,
    returns: z.object({ state: z.literal('changed') }),
    errors: [
      ...(['notFound', 'conflict', 'sessionExpired', 'oneTimeCodeRefused'] as const),
      ...(['tooManyAttempts', 'attemptsLocked', 'tooBusy', 'cardRevoked'] as const),
    ],
  })
  async complete(
    @Param('id') id: string,
    @Body() { oneTimeCode, newUserCode }: z.output<typeof completion>,
    @Req() request: Request,
  ) {
    await this.resets.complete(id, { oneTimeCode, newUserCode, from: sourceOf(request.ip) });
    return { state: 'changed' as const };
  }
}
