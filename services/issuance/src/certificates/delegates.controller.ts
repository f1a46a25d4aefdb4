import { Body, Controller, Post, Req } from '@nestjs/common';
import type { Request } from 'express';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { CaError } from '#libs/errors';
import { DelegatesService } from './delegates.service.js';

/** The service that answers OCSP, as its tokens name it (`serviceTokens`). */
const RESPONDER = 'service:status-query';

const delegateRequest = z.object({
  csr: z
    .base64('a certificate request is DER in base64')
    .min(1, 'a certificate request is DER in base64')
    .max(5_464, 'a certificate request has at most 4096 octets')
    .meta({ description: 'Certificate request (PKCS#10, DER) for the delegate’s key, in base64' }),
});
const delegateAnswer = z.object({
  certificate: z.string().meta({ description: 'The delegate’s certificate (DER), in base64' }),
});

@Controller('api/v1/ocsp-delegates')
export class DelegatesController {
  constructor(private readonly delegates: DelegatesService) {}

  @Post()
  @Endpoint({
    allow: ['service'],
    summary: 'Certify a key of the OCSP responder',
    status: 200,
    body: delegateRequest,
    returns: delegateAnswer,
    errors: ['certificateRequestInvalid', 'signerUnavailable'],
  })
  async certify(@Body() { csr }: z.output<typeof delegateRequest>, @Req() { caller }: Request) {
    if (caller!.subject !== RESPONDER) throw new CaError('forbidden', `only ${RESPONDER} answers OCSP`);
    const certificate = await this.delegates.certify(Buffer.from(csr, 'base64'), caller!.subject);
    return { certificate: certificate.toString('base64') };
  }
}
