import { Body, Controller, Get, Header, Headers, Ip, Param, Post, Query, Req } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { Request } from 'express';
import type { z } from 'zod';
import { sourceOf } from '#libs/credentials';
import { Endpoint } from '#libs/doors';
import { requestSchemas } from '#libs/dual-control';
import { CaError } from '#libs/errors';
import { PDF, pdfAnswer } from '../paper/pdf-answer.js';
import { dispatchRequest } from '../production/production.schema.js';
import {
  type Announcement,
  announcedAnswer,
  announceRequest,
  outcomeApproved,
  outcomeAsked,
  outcomeRequest,
  outcomesAsked,
  receiptRequest,
  returnCase,
  returnFile,
  returnList,
  returnParams,
  returnProgress,
  type ReturnQuery,
  returnQuery,
} from './return.schema.js';
import { ReturnOutcomes } from './return-outcomes.js';
import { ReturnSlips } from './return-slips.js';
import { ReturnsService } from './returns.service.js';

const OPERATOR = ['ca-operator'] as const;
const OFFICER = ['ca-officer'] as const;
const CENTRE = ['ca-operator', 'ca-officer'] as const;
const { DECIDED, groundBody, nothing, requestParams, requestsQuery } = requestSchemas;
const WORTH = ['unknownCard', 'cardRevoked', 'cardExpired'] as const;

/** Cards that were sent in: slips of holders, and the centre's work on them (docs/RETURNS.md). */
@Controller('api/v1')
export class ReturnsController {
  constructor(
    private readonly returns: ReturnsService,
    private readonly outcomes: ReturnOutcomes,
    private readonly slips: ReturnSlips,
  ) {}

  @Post('card-returns')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    allow: 'anyone',
    summary: 'A slip for a card that is sent in: its case number, its code, its words',
    status: 201,
    body: announceRequest,
    returns: announcedAnswer,
  })
  announce(@Body() body: Announcement) {
    return this.returns.announce(body);
  }

  @Get('card-returns/:case/progress')
  @Header('Cache-Control', 'no-store')
  @ApiHeader({ name: 'X-Slip-Code', required: true, schema: { type: 'string', format: 'password' } })
  @Endpoint({
    allow: 'anyone',
    summary: 'How it goes with a card that was sent in, for whoever has the slip',
    params: returnParams,
    returns: returnProgress,
    errors: ['codeRefused', 'tooManyAttempts'],
  })
  progress(@Param('case') caseNumber: string, @Ip() address: string, @Headers('X-Slip-Code') code?: string) {
    return this.returns.progress(caseNumber, codeOf(code), sourceOf(address));
  }

  @Get('card-returns/:case/slip.pdf')
  @Header('Cache-Control', 'no-store')
  @ApiHeader({ name: 'X-Slip-Code', required: true, schema: { type: 'string', format: 'password' } })
  @Endpoint({
    allow: 'anyone',
    summary: 'The slip to print and send with the card, for whoever announced it',
    params: returnParams,
    returns: { mediaType: PDF },
    errors: ['codeRefused', 'tooManyAttempts', 'notFound', 'tooBusy'],
  })
  async slip(@Param('case') caseNumber: string, @Ip() address: string, @Headers('X-Slip-Code') code?: string) {
    return pdfAnswer(caseNumber, await this.slips.slip(caseNumber, codeOf(code), sourceOf(address)));
  }

  @Get('card-returns')
  @Endpoint({ allow: CENTRE, summary: 'Cards sent in, oldest first', query: returnQuery, returns: returnList })
  list(@Query() query: ReturnQuery) {
    return this.returns.list(query);
  }

  @Get('card-returns/:case')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    allow: CENTRE,
    summary: 'One case, with its letter and the words of the reply',
    params: returnParams,
    returns: returnFile,
    errors: ['notFound'],
  })
  file(@Param('case') caseNumber: string) {
    return this.returns.file(caseNumber);
  }

  @Post('card-returns/:case/receipt')
  @Endpoint({
    allow: OPERATOR,
    summary: 'The card came: under the number printed on it',
    status: 200,
    params: returnParams,
    body: receiptRequest,
    returns: returnCase,
    errors: ['notFound', 'unknownCard', 'conflict'],
  })
  receive(
    @Param('case') caseNumber: string,
    @Body() { cardNumber }: z.output<typeof receiptRequest>,
    @Req() { caller }: Request,
  ) {
    return this.returns.receive(caseNumber, cardNumber, caller!.subject);
  }

  @Post('card-returns/:case/identification')
  @Endpoint({
    allow: OPERATOR,
    summary: 'A card that proves nothing: its printed number was compared',
    status: 200,
    params: returnParams,
    body: receiptRequest,
    returns: returnCase,
    errors: ['notFound', 'conflict'],
  })
  identify(
    @Param('case') caseNumber: string,
    @Body() { cardNumber }: z.output<typeof receiptRequest>,
    @Req() { caller }: Request,
  ) {
    return this.returns.identifyByNumber(caseNumber, cardNumber, caller!.subject);
  }

  @Post('card-returns/:case/outcome')
  @Endpoint({
    allow: OFFICER,
    summary: 'Ask for an outcome: unlocked, found-sound or defective; another officer approves it',
    status: 202,
    params: returnParams,
    body: outcomeRequest,
    returns: outcomeAsked,
    errors: ['notFound', 'conflict', ...WORTH],
  })
  ask(@Param('case') caseNumber: string, @Body() body: z.output<typeof outcomeRequest>, @Req() { caller }: Request) {
    return this.outcomes.ask(caseNumber, body, caller!.subject);
  }

  @Get('card-return-requests')
  @Endpoint({
    allow: ['ca-officer', 'auditor'],
    summary: 'Requests for outcomes of cards sent in, oldest first',
    query: requestsQuery,
    returns: outcomesAsked,
  })
  requests(@Query() query: z.output<typeof requestsQuery>) {
    return this.outcomes.list(query);
  }

  @Post('card-return-requests/:id/approval')
  @Endpoint({
    allow: OFFICER,
    summary: 'Approve the outcome another officer asked for; defective: revokes the card and applies for a new one',
    status: 200,
    params: requestParams,
    body: nothing,
    returns: outcomeApproved,
    errors: [...DECIDED, 'conflict', ...WORTH],
  })
  approve(@Param('id') id: string, @Req() { caller }: Request) {
    return this.outcomes.approve(id, caller!.subject);
  }

  @Post('card-return-requests/:id/rejection')
  @Endpoint({
    allow: OFFICER,
    summary: 'Reject the outcome another officer asked for',
    status: 200,
    params: requestParams,
    body: groundBody,
    returns: outcomeAsked,
    errors: DECIDED,
  })
  reject(@Param('id') id: string, @Body() { ground }: z.output<typeof groundBody>, @Req() { caller }: Request) {
    return this.outcomes.reject(id, caller!.subject, ground);
  }

  @Post('card-returns/:case/dispatch')
  @Endpoint({
    allow: OPERATOR,
    summary: 'The card went back by registered mail; a defective one’s case ends with the new card’s dispatch',
    status: 200,
    params: returnParams,
    body: dispatchRequest,
    returns: returnCase,
    errors: ['notFound', 'conflict'],
  })
  sendBack(
    @Param('case') caseNumber: string,
    @Body() { registeredMail }: z.output<typeof dispatchRequest>,
    @Req() { caller }: Request,
  ) {
    return this.returns.sendBack(caseNumber, registeredMail, caller!.subject);
  }
}

/** A header of another form is no wrong guess: nothing was checked. */
function codeOf(header: string | undefined): string {
  if (header !== undefined && header.length > 0 && header.length <= 64) return header;
  const errors = [{ at: 'header:X-Slip-Code', problem: 'must hold the code of the slip' }];
  throw new CaError('invalidRequest', 'header:X-Slip-Code: must hold the code of the slip', { errors });
}
