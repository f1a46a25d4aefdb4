import { Body, Controller, Get, Param, Post, Req } from '@nestjs/common';
import type { Request } from 'express';
import { z } from 'zod';
import { sourceOf } from '#libs/credentials';
import { Endpoint } from '#libs/doors';
import {
  acceptanceRequest,
  activationRequest,
  completionRequest,
  refusalRequest,
  resumptionRequest,
} from './activation.schema.js';
import { ActivationService } from './activation.service.js';
import { RefusalService } from './refusal.service.js';
import { ACTIVATION_STATES, Sessions } from './sessions.js';

const id = z.uuid();
const nonce = z.string().meta({ description: '32 octets, base64url' });
/** Before any of these, the card is proven; after `codeRefused`, the person. */
const TOLD_TO_HOLDERS = [
  ...(['notFound', 'sessionExpired', 'nationalIdUnusual', 'proofRefused', 'codeRefused'] as const),
  ...(['tooManyAttempts', 'tooBusy', 'cardNotActivatable', 'cardRevoked'] as const),
];

@Controller('api/v1/activations')
export class ActivationsController {
  constructor(
    private readonly sessions: Sessions,
    private readonly activations: ActivationService,
    private readonly refusals: RefusalService,
  ) {}

  @Post()
  @Endpoint({
    allow: 'anyone',
    summary: 'Starts an activation: gives the nonce that the card signs (120 s, one use)',
    status: 201,
    body: activationRequest,
    returns: z.object({ id, nonce }),
  })
  async start(@Body() { cardNumber, way }: z.output<typeof activationRequest>) {
    const started = await this.sessions.start(cardNumber, way);
    return { id: started.id, nonce: started.nonce.toString('base64url') };
  }

  @Get(':id')
  @Endpoint({
    allow: 'anyone',
    summary: 'How far an activation has come',
    params: z.object({ id }),
    returns: z.object({ state: z.enum(ACTIVATION_STATES) }),
    errors: ['notFound'],
  })
  async state(@Param('id') activation: string) {
    return { state: await this.sessions.state(activation) };
  }

  @Post(':id/acceptance')
  @Endpoint({
    allow: 'anyone',
    summary: 'Accepts the certificates: the card’s proof and the person’s, for the job that changes the PIN',
    status: 200,
    params: z.object({ id }),
    body: acceptanceRequest,
    returns: z.object({ state: z.literal('accepted'), pinJob: z.string(), nonce }),
    errors: [...TOLD_TO_HOLDERS, 'cardHeld', 'cardExpired', 'centreUnreachable', 'conflict'],
  })
  async accept(
    @Param('id') activation: string,
    @Body() body: z.output<typeof acceptanceRequest>,
    @Req() request: Request,
  ) {
    const accepted = await this.activations.accept(activation, { ...body, from: sourceOf(request.ip) });
    return { ...accepted, nonce: accepted.nonce.toString('base64url') };
  }

  @Post(':id/resumption')
  @Endpoint({
    allow: 'anyone',
    summary:
      'Goes on with an accepted card that has no PIN yet, or none since it was unlocked (purpose resume-session)',
    status: 200,
    params: z.object({ id }),
    body: resumptionRequest,
    returns: z.object({ state: z.literal('accepted'), pinJob: z.string(), nonce }),
    errors: [
      ...TOLD_TO_HOLDERS.filter((code) => code !== 'nationalIdUnusual'),
      ...(['cardNotAccepted', 'cardHeld', 'cardExpired', 'centreUnreachable'] as const),
    ],
  })
  async resume(
    @Param('id') activation: string,
    @Body() body: z.output<typeof resumptionRequest>,
    @Req() request: Request,
  ) {
    const resumed = await this.activations.resume(activation, { ...body, from: sourceOf(request.ip) });
    return { ...resumed, nonce: resumed.nonce.toString('base64url') };
  }

  @Post(':id/refusal')
  @Endpoint({
    allow: 'anyone',
    summary: 'Refuses the certificates (資料不正確): ends the activation and opens a case at the centre',
    status: 200,
    params: z.object({ id }),
    body: refusalRequest,
    returns: z.object({ state: z.literal('refused') }),
    errors: TOLD_TO_HOLDERS,
  })
  async refuse(
    @Param('id') activation: string,
    @Body() body: z.output<typeof refusalRequest>,
    @Req() request: Request,
  ) {
    await this.refusals.refuse(activation, { ...body, from: sourceOf(request.ip) });
    return { state: 'refused' as const };
  }

  @Post(':id/completion')
  @Endpoint({
    allow: 'anyone',
    summary: 'Completes an activation: the signature of the card’s own key, after its holder has set a PIN',
    status: 200,
    params: z.object({ id }),
    body: completionRequest,
    returns: z.object({ state: z.literal('activated') }),
    errors: ['notFound', 'conflict', 'proofRefused', 'sessionExpired'],
  })
  async complete(@Param('id') activation: string, @Body() { signature }: z.output<typeof completionRequest>) {
    await this.activations.complete(activation, signature);
    return { state: 'activated' as const };
  }
}
