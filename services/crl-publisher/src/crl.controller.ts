import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createHash } from 'node:crypto';
import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { Clock, lastMidnight, nextMidnight } from '#libs/clock';
import { Endpoint } from '#libs/doors';
import { CaError } from '#libs/errors';
import type { Authority } from '#libs/pki';
import { crlNumber } from './crl-number.js';
import { AUTHORITY } from './crl-publisher.config.js';
import { PublishedLists } from './published-lists.js';
import { ServedFiles, type ServedList } from './served-files.js';
import { verifiedStream } from './verified-stream.js';

const MEDIA_TYPE = 'application/pkix-crl'; // RFC 2585 §4.2
const MAX_AGE_SECONDS = 300;
const YEAR_SECONDS = 31_536_000;

const archived = z.object({ number: crlNumber });
const returns = { mediaType: MEDIA_TYPE };

/** Lists for relying parties: plain HTTP, no login, never redirected. HEAD comes with GET. */
@Controller('crl')
export class CrlController {
  constructor(
    private readonly lists: PublishedLists,
    private readonly files: ServedFiles,
    private readonly clock: Clock,
    @Inject(AUTHORITY) private readonly authority: Authority,
  ) {}

  @Get(['complete.crl', 'g1/complete.crl'])
  @Endpoint({
    allow: 'anyone',
    summary: 'The newest complete list of the issuing CA',
    returns,
    errors: ['crlNotReady'],
  })
  async complete(@Req() request: Request, @Res() response: Response): Promise<void> {
    const list = this.files.served(this.authority.issuing.skiHex);
    if (!list) throw new CaError('crlNotReady', 'the first list is being made', { retryAfterSeconds: 5 });
    response.setHeader('Cache-Control', `max-age=${this.maxAgeSeconds(list)}, must-revalidate`);
    await this.send(list, request, response);
  }

  @Get('archive/:number.crl')
  @Endpoint({ allow: 'anyone', summary: 'A list by its number', params: archived, returns, errors: ['notFound'] })
  async archived(@Param('number') number: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const list = await this.lists.byNumber(this.authority.issuing.skiHex, BigInt(number));
    if (!list) throw new CaError('notFound', `no list has the number ${number}`);
    response.setHeader('Cache-Control', `public, max-age=${YEAR_SECONDS}, immutable`);
    await this.send(list, request, response);
  }

  @Get('root.crl')
  @Endpoint({ allow: 'anyone', summary: 'The list of the root CA', returns })
  async root(@Req() request: Request, @Res() response: Response): Promise<void> {
    const bytes = await readFile(this.authority.rootCrlFile);
    response.setHeader('Cache-Control', `max-age=${MAX_AGE_SECONDS}, must-revalidate`);
    describe(response, createHash('sha256').update(bytes).digest('hex'), bytes.length);
    if (!isFresh(request, response)) response.end(request.method === 'HEAD' ? undefined : bytes);
  }

  /** A cached list may not outlive the moment its successor is due; one that is overdue is asked for each time. */
  private maxAgeSeconds(list: ServedList): number {
    const now = this.clock.now();
    if (list.cut < lastMidnight(now)) return 0;
    return Math.min(MAX_AGE_SECONDS, Math.floor((nextMidnight(now).getTime() - now.getTime()) / 1_000));
  }

  private async send(list: ServedList, request: Request, response: Response): Promise<void> {
    describe(response, list.sha256, list.bytes);
    response.setHeader('Last-Modified', list.publishedAt.toUTCString());
    if (isFresh(request, response)) return;
    if (request.method === 'HEAD') return void response.end();
    const pieces = await this.open(list);
    await pipeline(Readable.from(pieces), response).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw new Error(`list ${list.number} was cut off`, { cause });
    }); // the other kind: the reader went away
  }

  /** A file that turns out to be altered before anything was sent is written anew first. */
  private async open(list: ServedList): Promise<AsyncGenerator<Buffer>> {
    const path = this.files.path(list);
    try {
      return await beginning(verifiedStream(path, list.sha256));
    } catch {
      await this.files.ensure(list);
      return beginning(verifiedStream(path, list.sha256));
    }
  }
}

/** The same pieces, the first of them fetched already: its errors are thrown here. */
async function beginning(pieces: AsyncGenerator<Buffer>): Promise<AsyncGenerator<Buffer>> {
  const first = await pieces.next();
  return (async function* () {
    if (!first.done) yield first.value;
    yield* pieces;
  })();
}

function describe(response: Response, sha256: string, bytes: number): void {
  response.setHeader('Content-Type', MEDIA_TYPE);
  response.setHeader('Content-Length', bytes);
  response.setHeader('ETag', `"${sha256}"`);
}

/** Answers 304 when the reader has these bytes already (RFC 9110 §13.2.2). */
function isFresh(request: Request, response: Response): boolean {
  if (!hasIt(request, `${response.getHeader('ETag')}`, response.getHeader('Last-Modified'))) return false;
  response.removeHeader('Content-Length');
  response.status(304).end();
  return true;
}

/** An If-Modified-Since counts only without an If-None-Match (§13.1.3). A weak tag is as good here (§13.1.2). */
function hasIt({ headers }: Request, etag: string, lastModified: unknown): boolean {
  const tags = headers['if-none-match'];
  if (tags !== undefined) return tags.split(',').some((tag) => ['*', etag, `W/${etag}`].includes(tag.trim()));
  const since = Date.parse(headers['if-modified-since'] ?? '');
  return typeof lastModified === 'string' && Date.parse(lastModified) <= since;
}
