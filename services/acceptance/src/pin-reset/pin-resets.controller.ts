import { Body, Controller, Get, Param, Post, Req } from '@nestjs/common';
import type { Request } from 'express';
import { z } from 'zod';
import { sourceOf } from '#libs/credentials';
import { Endpoint } from '#libs/doors';
import { proofSchema } from '#libs/piv';
import { cardNumberOrTest, userCode } from '#libs/taiwan';
import { completionRequest } from '../activation/activation.schema.js';
import { oneTimeCode } from '../one-time-code.js';
import { PIN_RESET_STATES, PinResetService } from './pin-reset.service.js';

const id = z.uuid();
const nonce = z.string().meta({ description: '32 octets, base64url' });
const request = z.object({ cardNumber: cardNumberOrTest });
const release = z.object({
  proof: proofSchema,
  userCode,
  emailCode: oneTimeCode.meta({ description: 'From the e-mail; without it one is sent' }).optional(),
});
const lastOnline = z.boolean().describe('no further job is made online after this one: warn before a PIN is typed');
const released = z.discriminatedUnion('state', [
  z.object({ state: z.literal('code-sent'), codeExpiresAt: z.iso.datetime(), lastOnline }),
  z.object({ state: z.literal('released'), job: z.string(), nonce, lastOnline }),
]);

@Controller('api/v1/pin-resets')
export class PinResetsController {
  constructor(private readonly resets: PinResetService) {}

  @Post()
  @Endpoint({
    allow: 'anyone',
    summary: 'A forgotten PIN, a locked card: gives the nonce that the card signs (120 s, one use)',
    status: 201,
    body: request,
    returns: z.object({ id, nonce }),
  })
  async start(@Body() { cardNumber }: z.output<typeof request>) {
    const started = await this.resets.start(cardNumber);
    return { id: started.id, nonce: started.nonce.toString('base64url') };
  }

  @Get(':id')
  @Endpoint({
    allow: 'anyone',
    summary: 'How far a PIN reset has come',
    params: z.object({ id }),
    returns: z.object({ state: z.enum(PIN_RESET_STATES) }),
    errors: ['notFound'],
  })
  async state(@Param('id') reset: string) {
    return { state: await this.resets.state(reset) };
  }

  @Post(':id/release')
  @Endpoint({
    allow: 'anyone',
    summary: 'The card’s proof and the user code, for a one-time code by e-mail; with that code, for the job',
    status: 200,
    params: z.object({ id }),
    body: release,
    returns: released,
    errors: [
      ...(['notFound', 'sessionExpired', 'proofRefused', 'codeRefused', 'oneTimeCodeRefused'] as const),
      ...(['tooManyAttempts', 'attemptsLocked', 'tooBusy', 'cardNotAccepted', 'cardRevoked', 'cardHeld'] as const),
      ...(['cardExpired', 'cardNeedsCentre', 'centreUnreachable'] as const),
    ],
  })
  async release(
    @Param('id') reset: string,
    @Body() body: z.output<typeof release>,
    @Req() { ip }: Request,
  ): Promise<z.output<typeof released>> {
    const answer = await this.resets.release(reset, { ...body, from: sourceOf(ip) });
    if (answer.state === 'code-sent') return { ...answer, codeExpiresAt: answer.codeExpiresAt.toISOString() };
    return { ...answer, nonce: answer.nonce.toString('base64url') };
  }

  @Post(':id/completion')
  @Endpoint({
    allow: 'anyone',
    summary: 'Completes it: the signature of the card’s own key, after its holder has set a PIN',
    status: 200,
    params: z.object({ id }),
    body: completionRequest,
    returns: z.object({ state: z.literal('done') }),
    errors: ['notFound', 'conflict', 'proofRefused', 'sessionExpired'],
  })
  async complete(@Param('id') reset: string, @Body() { signature }: z.output<typeof completionRequest>) {
    await this.resets.complete(reset, signature);
    return { state: 'done' as const };
  }
}
