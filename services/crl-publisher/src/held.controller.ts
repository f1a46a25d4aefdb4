import { Body, Controller, Get, Header, Inject, Param, Post, Query, Req } from '@nestjs/common';
import type { Request } from 'express';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { requestSchemas as schema } from '#libs/dual-control';
import { utc } from '#libs/events';
import type { Authority } from '#libs/pki';
import { crlNumber } from './crl-number.js';
import { AUTHORITY } from './crl-publisher.config.js';
import { RUN_KINDS } from './due-runs.js';
import { HeldLists, heldReport, type ReleaseRequest } from './held-lists.js';
import { Midnight } from './midnight.js';

const heldList = z.object({
  cut: utc,
  kind: z.enum(RUN_KINDS),
  number: crlNumber.describe('of the latest attempt; it is used up'),
  problem: z.string(),
  report: heldReport,
});
const release = schema.request.extend({ cut: utc, digest: z.string() });
const releaseBody = schema.groundBody.extend({
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'is not a digest')
    .describe('`report.exact.digest` of the held list that was looked at'),
});

/** Lists that differ from what the log says. Two officers may let one go out exactly as it is. */
@Controller('api/v1/crls')
export class HeldController {
  constructor(
    private readonly held: HeldLists,
    private readonly midnight: Midnight,
    @Inject(AUTHORITY) private readonly authority: Authority,
  ) {}

  @Get('held')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    allow: ['ca-officer', 'ca-operator', 'auditor'],
    summary: 'The list that is held back, and why',
    returns: z.object({ items: z.array(heldList).max(1) }),
  })
  async all(): Promise<{ items: z.output<typeof heldList>[] }> {
    const held = await this.held.current(this.authority.issuing.skiHex);
    return { items: held ? [{ ...held, cut: held.cut.toISOString() }] : [] };
  }

  @Post('held/:cut/release')
  @Endpoint({
    allow: ['ca-officer'],
    summary: 'Ask for the list that is held to go out exactly as it is; repeated while it is open, the same request',
    params: z.object({ cut: utc }),
    body: releaseBody,
    returns: release,
    status: 202,
    errors: ['notFound', 'conflict'],
  })
  async ask(@Param('cut') cut: string, @Body() body: z.output<typeof releaseBody>, @Req() { caller }: Request) {
    const { skiHex } = this.authority.issuing;
    return view(await this.held.request(skiHex, new Date(cut), body, caller!.subject));
  }

  @Get('releases')
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    allow: ['ca-officer', 'ca-operator', 'auditor'],
    summary: 'Requests for the release of held lists, the oldest first',
    query: schema.requestsQuery,
    returns: z.object({ items: z.array(release), next: z.number().int().nullable() }),
  })
  async requests(@Query() query: schema.RequestsQuery) {
    return schema.pageOf(await this.held.requests(query), query, view);
  }

  @Post('releases/:id/approval')
  @Endpoint({
    allow: ['ca-officer'],
    summary: 'Approve the release another officer asked for: the list goes out if it still says the same',
    params: schema.requestParams,
    body: schema.nothing,
    returns: release,
    status: 200,
    errors: [...schema.DECIDED, 'conflict'],
  })
  async approve(@Param('id') id: string, @Req() { caller }: Request) {
    const approved = await this.held.approve(id, caller!.subject);
    this.midnight.poke();
    return view(approved);
  }

  @Post('releases/:id/rejection')
  @Endpoint({
    allow: ['ca-officer'],
    summary: 'Reject the release another officer asked for',
    params: schema.requestParams,
    body: schema.groundBody,
    returns: release,
    status: 200,
    errors: schema.DECIDED,
  })
  async reject(
    @Param('id') id: string,
    @Body() { ground }: z.output<typeof schema.groundBody>,
    @Req() { caller }: Request,
  ) {
    return view(await this.held.reject(id, caller!.subject, ground));
  }
}

function view(asked: ReleaseRequest): z.output<typeof release> {
  const { cut, digest } = asked.parameters;
  return { ...schema.viewOf(asked), cut, digest };
}
