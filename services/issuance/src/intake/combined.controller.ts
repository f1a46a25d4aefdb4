import { Body, Controller, Get, Header, Headers, Param, Post, Req } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { Request } from 'express';
import { Endpoint } from '#libs/doors';
import { BODY_SIGNATURE_HEADER } from '#libs/host';
import {
  combinedAnswer,
  combinedParams,
  combinedProgress,
  type CombinedRequest,
  combinedRequest,
} from './combined.schema.js';
import { CombinedService } from './combined.service.js';

@Controller('api/v1/combined-applications')
export class CombinedController {
  constructor(private readonly combined: CombinedService) {}

  @Post()
  @ApiHeader({
    name: BODY_SIGNATURE_HEADER,
    required: true,
    description: 'Detached JWS over the octets of the body (RFC 7515 appendix F, RFC 7797), with `kid`',
    schema: { type: 'string' },
  })
  @Endpoint({
    allow: ['registration-office'],
    summary: 'Push an approved registration whose form asks for a card (併案申請)',
    status: 201,
    body: combinedRequest,
    returns: combinedAnswer,
    idempotent: true,
    errors: [
      ...(['officeKeyUnknown', 'officeSignatureWrong', 'nationalIdUnusual', 'subjectInvalid'] as const),
      ...(['certificateTooLarge', 'primaryCardMissing', 'conflict', 'tooBusy'] as const),
    ],
  })
  receive(
    @Body() request: CombinedRequest,
    @Req() { caller, rawBody }: Request,
    @Headers(BODY_SIGNATURE_HEADER) signature?: string,
    @Headers('Idempotency-Key') key?: string,
  ) {
    return this.combined.receive({ office: caller!.subject, request, body: rawBody, signature, key });
  }

  @Get(':case')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    allow: ['registration-office'],
    summary: 'How a combined application goes, for the office that pushed it',
    params: combinedParams,
    returns: combinedProgress,
    errors: ['notFound'],
  })
  read(@Param('case') caseNumber: string, @Req() { caller }: Request) {
    return this.combined.progress(caller!.subject, caseNumber);
  }
}
