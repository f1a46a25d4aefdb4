import { Body, Controller, Get, Headers, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { requestSchemas } from '#libs/dual-control';
import type { ErrorCode } from '#libs/errors';
import { receipt, type Receipt } from '../receipts.js';
import {
  approvalAnswer,
  cardParams,
  extensionAnswer,
  extensionBody,
  holdBody,
  rejectionBody,
  requestsAnswer,
  revocationAnswer,
  revocationBody,
  revocationRequest,
  type ExtensionBody,
  type HoldBody,
  type RevocationBody,
  type RevocationRequest,
} from './officers.schema.js';
import { OfficersService } from './officers.service.js';
import { RevocationsService } from './revocations.service.js';

const OFFICER = ['ca-officer'] as const;
const REFUSALS = ['unknownCard', 'cardRevoked', 'cardExpired'] as const satisfies ErrorCode[];
const { DECIDED, nothing, requestParams, requestsQuery } = requestSchemas;

@Controller('api/v1')
export class OfficersController {
  constructor(
    private readonly officers: OfficersService,
    private readonly revocations: RevocationsService,
  ) {}

  @Post('cards/:n/hold')
  @Endpoint({
    allow: OFFICER,
    summary: 'Put a card on hold for the CA or a court; repeated, the same receipt',
    params: cardParams,
    body: holdBody,
    returns: receipt,
    status: 200,
    idempotent: true,
    errors: REFUSALS,
  })
  hold(
    @Param('n') cardNumber: string,
    @Body() body: HoldBody,
    @Req() { caller }: Request,
    @Headers('Idempotency-Key') key?: string,
  ): Promise<Receipt> {
    return this.officers.order('hold', { cardNumber, by: caller!.subject, key }, body);
  }

  @Post('cards/:n/release')
  @Endpoint({
    allow: OFFICER,
    summary: 'Lift the hold of the CA or of a court, and no other; repeated, the same receipt',
    params: cardParams,
    body: holdBody,
    returns: receipt,
    status: 200,
    idempotent: true,
    errors: [...REFUSALS, 'cardNotSuspended'],
  })
  release(
    @Param('n') cardNumber: string,
    @Body() body: HoldBody,
    @Req() { caller }: Request,
    @Headers('Idempotency-Key') key?: string,
  ): Promise<Receipt> {
    return this.officers.order('release', { cardNumber, by: caller!.subject, key }, body);
  }

  @Post('cards/:n/acceptance-deadline')
  @Endpoint({
    allow: OFFICER,
    summary: 'Give a card more time for acceptance; lifts the hold of a deadline that is over',
    params: cardParams,
    body: extensionBody,
    returns: extensionAnswer,
    status: 200,
    idempotent: true,
    errors: [...REFUSALS, 'cardAccepted'],
  })
  extend(
    @Param('n') cardNumber: string,
    @Body() body: ExtensionBody,
    @Req() { caller }: Request,
    @Headers('Idempotency-Key') key?: string,
  ) {
    return this.officers.extend({ cardNumber, by: caller!.subject, key }, body);
  }

  @Post('cards/:n/revocation')
  @Endpoint({
    allow: OFFICER,
    summary:
      'Ask for the revocation of a card (202), which another officer approves; revoked already: its receipt (200)',
    params: cardParams,
    body: revocationBody,
    returns: revocationAnswer,
    status: 202,
    idempotent: true,
    errors: ['unknownCard', 'cardExpired'],
  })
  async revoke(
    @Param('n') cardNumber: string,
    @Body() body: RevocationBody,
    @Req() { caller }: Request,
    @Res({ passthrough: true }) response: Response,
    @Headers('Idempotency-Key') key?: string,
  ): Promise<RevocationRequest | Receipt> {
    const answer = await this.revocations.request({ cardNumber, by: caller!.subject, key }, body);
    if ('list' in answer) response.status(200);
    return answer;
  }

  @Get('revocation-requests')
  @Endpoint({
    allow: ['ca-officer', 'auditor'],
    summary: 'Requests for revocation, oldest first',
    query: requestsQuery,
    returns: requestsAnswer,
  })
  list(@Query() query: z.output<typeof requestsQuery>) {
    return this.revocations.list(query);
  }

  @Post('revocation-requests/:id/approval')
  @Endpoint({
    allow: OFFICER,
    summary: 'Approve the request of another officer: revokes the card; repeated, the same answer',
    params: requestParams,
    body: nothing,
    returns: approvalAnswer,
    status: 200,
    errors: [...DECIDED, 'cardExpired'],
  })
  approve(@Param('id') id: string, @Req() { caller }: Request) {
    return this.revocations.approve(id, caller!.subject);
  }

  @Post('revocation-requests/:id/rejection')
  @Endpoint({
    allow: OFFICER,
    summary: 'Reject the request of another officer',
    params: requestParams,
    body: rejectionBody,
    returns: revocationRequest,
    status: 200,
    errors: DECIDED,
  })
  reject(@Param('id') id: string, @Body() { ground }: z.output<typeof rejectionBody>, @Req() { caller }: Request) {
    return this.revocations.reject(id, caller!.subject, ground);
  }
}
