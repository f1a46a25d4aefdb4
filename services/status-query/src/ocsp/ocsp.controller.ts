import { Controller, Get, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiExtension, ApiParam } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Endpoint } from '#libs/doors';
import { answerHeaders, MAX_REQUEST_BYTES, REQUEST_TYPE, requestFromPath, RESPONSE_TYPE } from '#libs/ocsp';
import { OcspService } from './ocsp.service.js';

const BINARY = { type: 'string', format: 'binary' } as const;

/**
 * RFC 6960 appendix A, plain http, no login. The HTTP status is 200 for whatever could be read: refusals are in the
 * answer (`malformedRequest`, `tryLater`, …).
 */
@Controller('ocsp')
export class OcspController {
  constructor(private readonly ocsp: OcspService) {}

  @Post()
  @ApiBody({ required: true, content: { [REQUEST_TYPE]: { schema: BINARY } } } as never)
  @Endpoint({
    allow: 'anyone',
    summary: 'OCSP: is a certificate on hold or revoked, now?',
    returns: { mediaType: RESPONSE_TYPE },
    status: 200,
  })
  async post(@Req() request: Request, @Res() response: Response): Promise<void> {
    await this.send(await bodyOf(request), response);
  }

  @Get(':request')
  @ApiParam({ name: 'request', schema: { type: 'string' }, description: 'the DER request in base64, URL-encoded' })
  @ApiExtension('x-kaika-rest', true) // base64 has slashes, and not every client encodes them
  @Endpoint({
    allow: 'anyone',
    summary: 'OCSP by GET, for caches',
    returns: { mediaType: RESPONSE_TYPE },
  })
  async get(@Req() request: Request, @Res() response: Response): Promise<void> {
    const path = request.originalUrl.split('?', 1)[0]!.replace(/^\/ocsp/, '');
    await this.send(requestFromPath(path), response);
  }

  private async send(request: Buffer, response: Response): Promise<void> {
    const answer = await this.ocsp.answer(request);
    response.status(200).set(answerHeaders(answer)).set('Content-Length', String(answer.der.length)).end(answer.der);
  }
}

const NO_REQUEST = Buffer.alloc(0);

/** The body as it came, whatever its type says it is; empty, which is no request, when it is too long or breaks off. */
async function bodyOf(request: Request): Promise<Buffer> {
  if (request.readableEnded) return NO_REQUEST; // it was JSON, and read as such
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size <= MAX_REQUEST_BYTES) chunks.push(chunk);
    }
  } catch {
    return NO_REQUEST;
  }
  return size <= MAX_REQUEST_BYTES ? Buffer.concat(chunks) : NO_REQUEST;
}

/**
 * Before the router, which would split the path at the request's own slashes and refuse it for a stray percent sign: the
 * route sees one step, the controller what was sent (`originalUrl`).
 */
export function oneStep(request: Request, _response: Response, next: () => void): void {
  if (request.method !== 'POST' && request.url !== '/') request.url = '/request';
  next();
}
