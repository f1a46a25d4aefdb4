import { Body, Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import type { Request } from 'express';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { requestSchemas } from '#libs/dual-control';
import { proofSchema } from '#libs/piv';
import { cardNumberOrTest } from '#libs/taiwan';
import { completionRequest } from '../activation/activation.schema.js';
import { LockReportsService } from './lock-reports.service.js';
import {
  unlockRequest,
  type UnlockRequestsQuery,
  unlockRequestsQuery,
  UnlockRequestsService,
} from './unlock-requests.service.js';
import { UnlocksService } from './unlocks.service.js';

const AT_THE_CENTRE = ['ca-operator', 'ca-officer'] as const;
const { DECIDED, groundBody, nothing, requestParams } = requestSchemas;
const id = z.uuid();
const nonce = z.string().meta({ description: '32 octets, base64url' });
const cardParams = z.object({ n: cardNumberOrTest });
const report = z.object({ cardNumber: cardNumberOrTest });
const withProof = z.object({ proof: proofSchema });
const start = z.object({ request: id.describe('that another officer approved') });
const unlocked = z.object({
  cardNumber: z.string(),
  transportGeneration: z.number().int(),
  pukGeneration: z.number().int(),
});

/** Cards that were found blocked, and their unlocking at the centre. */
@Controller('api/v1')
export class UnlocksController {
  constructor(
    private readonly reports: LockReportsService,
    private readonly requests: UnlockRequestsService,
    private readonly unlocks: UnlocksService,
  ) {}

  @Post('lock-reports')
  @Endpoint({
    allow: 'anyone',
    summary: 'A card was found blocked (27011): gives the nonce that it signs (120 s, one use)',
    status: 201,
    body: report,
    returns: z.object({ id, nonce }),
  })
  async reportLock(@Body() { cardNumber }: z.output<typeof report>) {
    const started = await this.reports.start(cardNumber);
    return { id: started.id, nonce: started.nonce.toString('base64url') };
  }

  @Post('lock-reports/:id/proof')
  @Endpoint({
    allow: 'anyone',
    summary: 'The card’s proof (purpose unlock): the centre is told that it is blocked',
    status: 200,
    params: z.object({ id }),
    body: withProof,
    returns: z.object({ state: z.literal('locked') }),
    errors: ['notFound', 'sessionExpired', 'proofRefused'],
  })
  async proveLock(@Param('id') reported: string, @Body() { proof }: z.output<typeof withProof>) {
    await this.reports.prove(reported, proof);
    return { state: 'locked' as const };
  }

  @Post('cards/:n/unlock-requests')
  @Endpoint({
    allow: AT_THE_CENTRE,
    summary: 'Ask for the unlocking of a card that was sent in, which another officer approves',
    params: cardParams,
    body: groundBody,
    returns: unlockRequest,
    status: 202,
    errors: ['unknownCard', 'cardRevoked'],
  })
  request(@Param('n') cardNumber: string, @Body() { ground }: z.output<typeof groundBody>, @Req() { caller }: Request) {
    return this.requests.request(cardNumber, { by: caller!.subject, ground });
  }

  @Get('unlock-requests')
  @Endpoint({
    allow: [...AT_THE_CENTRE, 'auditor'],
    summary: 'Requests to unlock a card, oldest first; of one card, if it is named',
    query: unlockRequestsQuery,
    returns: z.object({ items: z.array(unlockRequest), next: z.number().int().nullable() }),
  })
  list(@Query() query: UnlockRequestsQuery) {
    return this.requests.list(query);
  }

  @Post('unlock-requests/:id/approval')
  @Endpoint({
    allow: ['ca-officer'],
    summary: 'Approve the request of another officer; it serves for 24 hours and two jobs',
    params: requestParams,
    body: nothing,
    returns: unlockRequest,
    status: 200,
    errors: DECIDED,
  })
  approve(@Param('id') request: string, @Req() { caller }: Request) {
    return this.requests.approve(request, caller!.subject);
  }

  @Post('unlock-requests/:id/rejection')
  @Endpoint({
    allow: ['ca-officer'],
    summary: 'Reject the request of another officer',
    params: requestParams,
    body: groundBody,
    returns: unlockRequest,
    status: 200,
    errors: DECIDED,
  })
  reject(@Param('id') request: string, @Body() { ground }: z.output<typeof groundBody>, @Req() { caller }: Request) {
    return this.requests.reject(request, caller!.subject, ground);
  }

  @Post('unlocks')
  @Endpoint({
    allow: AT_THE_CENTRE,
    summary: 'Starts the unlocking of a card (解卡): gives the nonce that the card signs (120 s, one use)',
    status: 201,
    body: start,
    returns: z.object({ id, nonce, cardNumber: z.string() }),
    errors: ['notFound', 'conflict', 'requestExpired'],
  })
  async start(@Body() { request }: z.output<typeof start>, @Req() { caller }: Request) {
    const { id, nonce, cardNumber } = await this.unlocks.start(request, caller!.subject);
    return { id, nonce: nonce.toString('base64url'), cardNumber };
  }

  @Post('unlocks/:id/release')
  @Endpoint({
    allow: AT_THE_CENTRE,
    summary: 'The card’s proof (purpose unlock), for the job for the centre’s agent',
    status: 200,
    params: z.object({ id }),
    body: withProof,
    returns: z.object({ job: z.string(), nonce }),
    errors: [
      'notFound',
      'sessionExpired',
      'proofRefused',
      'conflict',
      'requestExpired',
      'cardRevoked',
      'cardExpired',
      'cardNeedsCentre',
    ],
  })
  async release(@Param('id') unlock: string, @Body() { proof }: z.output<typeof withProof>) {
    const { job, nonce } = await this.unlocks.release(unlock, proof);
    return { job, nonce: nonce.toString('base64url') };
  }

  @Post('unlocks/:id/completion')
  @Endpoint({
    allow: AT_THE_CENTRE,
    summary: 'Completes it: the signature of the card’s 9E key, after it took the new transport PIN',
    status: 200,
    params: z.object({ id }),
    body: completionRequest,
    returns: unlocked,
    errors: ['notFound', 'conflict', 'proofRefused', 'sessionExpired'],
  })
  complete(
    @Param('id') unlock: string,
    @Body() { signature }: z.output<typeof completionRequest>,
    @Req() { caller }: Request,
  ) {
    return this.unlocks.complete(unlock, signature, caller!.subject);
  }
}
