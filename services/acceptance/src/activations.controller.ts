import { Body, Controller, Get, Param, Post, Req } from '@nestjs/common';
import type { Request } from 'express';
import { z } from 'zod';
import { sourceOf } from '#libs/credentials';
import { Endpoint } from '#libs/doors';
import { proofSchema } from '#libs/piv';
import { cardNumberOrTest, userCode } from '#libs/taiwan';
import { ActivationService } from './activation.service.js';

const id = z.uuid();
const nonce = z.string().meta({ description: '32 octets, base64url' });
const newActivation = z.object({ cardNumber: cardNumberOrTest, way: z.enum(['A', 'B']) });
const acceptance = z.object({ proof: proofSchema, userCode });
const completion = z.object({
  signature: z
    .string()
    .regex(/^[\w-]{10,700}$/, 'is not a signature in base64url')
    .transform((text) => Buffer.from(text, 'base64url')),
});

@Controller('api/v1/activations')
export class ActivationsController {
  constructor(private readonly activations: ActivationService) {}

  @Post()
  @Endpoint({
    allow: 'anyone',
    summary: 'Starts an activation: gives the nonce that the card signs (120 s, one use)',
    status: 201,
    body: newActivation,
    returns: z.object({ id, nonce }),
  })
  async start(@Body() { cardNumber, way }: z.output<typeof newActivation>) {
    const started = await this.activations.start(cardNumber, way);
    return { id: started.id, nonce: started.nonce.toString('base64url') };
  }

  @Get(':id')
  @Endpoint({
    allow: 'anyone',
    summary: 'How far an activation has come',
    params: z.object({ id }),
    returns: z.object({ state: z.enum(['started', 'accepted', 'activated', 'ended']) }),
    errors: ['notFound'],
  })
  async state(@Param('id') activation: string) {
    return { state: await this.activations.state(activation) };
  }

  @Post(':id/acceptance')
  @Endpoint({
    allow: 'anyone',
    summary: 'Accepts the certificates: the card’s proof and the user code, for the job that changes the PIN',
    status: 200,
    params: z.object({ id }),
    body: acceptance,
    returns: z.object({ state: z.literal('accepted'), pinJob: z.string(), nonce }),
    errors: [
      'notFound',
      'sessionExpired',
      'proofRefused',
      'codeRefused',
      'tooManyAttempts',
      'tooBusy',
      'cardNotActivatable',
      'cardRevoked',
      'cardHeld',
      'cardExpired',
      'centreUnreachable',
    ],
  })
  async accept(
    @Param('id') activation: string,
    @Body() { proof, userCode }: z.output<typeof acceptance>,
    @Req() request: Request,
  ) {
    const accepted = await this.activations.accept(activation, { proof, userCode, from: sourceOf(request.ip) });
    return { ...accepted, nonce: accepted.nonce.toString('base64url') };
  }

  @Post(':id/completion')
  @Endpoint({
    allow: 'anyone',
    summary: 'Completes an activation: the signature of the card’s own key, after its holder has set a PIN',
    status: 200,
    params: z.object({ id }),
    body: completion,
    returns: z.object({ state: z.literal('activated') }),
    errors: ['notFound', 'conflict', 'proofRefused', 'sessionExpired'],
  })
  async complete(@Param('id') activation: string, @Body() { signature }: z.output<typeof completion>) {
    await this.activations.complete(activation, signature);
    return { state: 'activated' as const };
  }
}
