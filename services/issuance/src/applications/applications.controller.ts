import { Body, Controller, Get, Header, Headers, Ip, Param, Post, Query, Req } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { Request } from 'express';
import type { z } from 'zod';
import { sourceOf } from '#libs/credentials';
import { Endpoint } from '#libs/doors';
import { CaError } from '#libs/errors';
import {
  type ApplicationRequest,
  applicationRequest,
  approvedAnswer,
  caseParams,
  listAnswer,
  listQuery,
  progressAnswer,
  receivedAnswer,
  reasonAnswer,
  reasonRequest,
} from './application.schema.js';
import { ApplicationForms } from './application-forms.js';
import { ApplicationsService } from './applications.service.js';
import { ProgressService } from './progress.service.js';
import { PDF, pdfAnswer } from '../paper/pdf-answer.js';
import { nothing } from '../production/production.schema.js';

const REFUSALS = ['nationalIdUnusual', 'subjectInvalid', 'certificateTooLarge', 'primaryCardMissing'] as const;

@Controller('api/v1/applications')
export class ApplicationsController {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly progress: ProgressService,
    private readonly forms: ApplicationForms,
  ) {}

  @Post()
  @Endpoint({
    allow: 'anyone',
    summary: 'Apply for a card (self-application)',
    status: 201,
    body: applicationRequest,
    returns: receivedAnswer,
    idempotent: true,
    errors: [...REFUSALS, 'tooBusy'],
  })
  receive(@Body() body: ApplicationRequest, @Headers('Idempotency-Key') key?: string) {
    return this.applications.receive(body, key);
  }

  @Get()
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    allow: ['application-officer'],
    summary: 'Applications, oldest first',
    query: listQuery,
    returns: listAnswer,
  })
  list(@Query() { state, after, limit }: z.output<typeof listQuery>) {
    return this.applications.list(state, after, limit);
  }

  @Get(':case')
  @Header('Cache-Control', 'no-store')
  @ApiHeader({ name: 'X-User-Code', required: true, schema: { type: 'string', format: 'password' } })
  @Endpoint({
    allow: 'anyone',
    summary: 'How an application goes, for its applicant',
    params: caseParams,
    returns: progressAnswer,
    errors: ['codeRefused', 'tooManyAttempts', 'tooBusy'],
  })
  read(@Param('case') caseNumber: string, @Ip() address: string, @Headers('X-User-Code') userCode?: string) {
    return this.progress.progress(caseNumber, userCodeOf(userCode), sourceOf(address));
  }

  @Get(':case/form.pdf')
  @Header('Cache-Control', 'no-store')
  @ApiHeader({ name: 'X-User-Code', required: true, schema: { type: 'string', format: 'password' } })
  @Endpoint({
    allow: 'anyone',
    summary: 'The form to print, stamp and send in, for its applicant',
    params: caseParams,
    returns: { mediaType: PDF },
    errors: ['codeRefused', 'tooManyAttempts', 'tooBusy'],
  })
  async form(@Param('case') caseNumber: string, @Ip() address: string, @Headers('X-User-Code') userCode?: string) {
    return pdfAnswer(caseNumber, await this.forms.form(caseNumber, userCodeOf(userCode), sourceOf(address)));
  }

  @Post(':case/resubmission')
  @Endpoint({
    allow: 'anyone',
    summary: 'Correct an application that was sent back, with the user code chosen at first',
    status: 200,
    params: caseParams,
    body: applicationRequest,
    returns: receivedAnswer,
    idempotent: true,
    errors: [...REFUSALS, 'conflict', 'codeRefused', 'tooManyAttempts', 'tooBusy'],
  })
  resubmit(
    @Param('case') caseNumber: string,
    @Body() body: ApplicationRequest,
    @Ip() address: string,
    @Headers('Idempotency-Key') key?: string,
  ) {
    return this.applications.resubmit(caseNumber, body, sourceOf(address), key);
  }

  @Post(':case/approval')
  @Endpoint({
    allow: ['application-officer'],
    summary: 'Approve; takes a blank card from stock',
    status: 200,
    params: caseParams,
    body: nothing,
    returns: approvedAnswer,
    errors: ['notFound', 'applicationNotPending', 'stockEmpty'],
  })
  approve(@Param('case') caseNumber: string, @Req() { caller }: Request) {
    return this.applications.approve(caseNumber, caller!.subject);
  }

  @Post(':case/return')
  @Endpoint({
    allow: ['application-officer'],
    summary: 'Send back to the applicant for correction, with a reason',
    status: 200,
    params: caseParams,
    body: reasonRequest,
    returns: reasonAnswer,
    errors: ['notFound', 'applicationNotPending'],
  })
  return(
    @Param('case') caseNumber: string,
    @Body() { reason }: z.output<typeof reasonRequest>,
    @Req() { caller }: Request,
  ) {
    return this.applications.return(caseNumber, reason, caller!.subject);
  }

  @Post(':case/rejection')
  @Endpoint({
    allow: ['application-officer'],
    summary: 'Reject, with a reason the applicant sees',
    status: 200,
    params: caseParams,
    body: reasonRequest,
    returns: reasonAnswer,
    errors: ['notFound', 'applicationNotPending'],
  })
  reject(
    @Param('case') caseNumber: string,
    @Body() { reason }: z.output<typeof reasonRequest>,
    @Req() { caller }: Request,
  ) {
    return this.applications.reject(caseNumber, reason, caller!.subject);
  }
}

/** A header of another form is no wrong guess: nothing was checked. */
function userCodeOf(header: string | undefined): string {
  if (header !== undefined && header.length > 0 && header.length <= 64) return header;
  const errors = [{ at: 'header:X-User-Code', problem: 'must hold the user code' }];
  throw new CaError('invalidRequest', 'header:X-User-Code: must hold the user code', { errors });
}
