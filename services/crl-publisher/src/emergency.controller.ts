import { Body, Controller, Get, Header, Inject, Param, Post, Query, Req } from '@nestjs/common';
import type { Request } from 'express';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { requestSchemas as schema } from '#libs/dual-control';
import { utc } from '#libs/events';
import type { Authority } from '#libs/pki';
import { crlNumber } from './crl-number.js';
import { AUTHORITY } from './crl-publisher.config.js';
import { EmergencyLists, type EmergencyList } from './emergency-lists.js';
import { Midnight } from './midnight.js';

const emergencyList = schema.request.extend({
  run: z
    .object({
      state: z.enum(['waiting', 'due', 'running', 'held', 'published', 'superseded']),
      cut: utc.nullable().describe('everything acknowledged before its marker was written is on the list'),
      number: crlNumber.nullable(),
    })
    .nullable()
    .describe('null until it is approved; superseded: a list of midnight came first and has it all'),
});

/** A list between two midnights: one officer asks, another approves. Tonight's list comes all the same. */
@Controller('api/v1/emergency-lists')
export class EmergencyController {
  constructor(
    private readonly emergencies: EmergencyLists,
    private readonly midnight: Midnight,
    @Inject(AUTHORITY) private readonly authority: Authority,
  ) {}

  @Post()
  @Endpoint({
    allow: ['ca-officer'],
    summary: 'Ask for an emergency list; repeated while it is open, the same request',
    body: schema.groundBody,
    returns: emergencyList,
    status: 202,
  })
  async ask(@Body() { ground }: z.output<typeof schema.groundBody>, @Req() { caller }: Request) {
    return view(await this.emergencies.request(this.authority.issuing.skiHex, ground, caller!.subject));
  }

  @Get()
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    allow: ['ca-officer', 'ca-operator', 'auditor'],
    summary: 'Requests for emergency lists, the oldest first',
    query: schema.requestsQuery,
    returns: z.object({ items: z.array(emergencyList), next: z.number().int().nullable() }),
  })
  async all(@Query() query: schema.RequestsQuery) {
    return schema.pageOf(await this.emergencies.list(query), query, view);
  }

  @Post(':id/approval')
  @Endpoint({
    allow: ['ca-officer'],
    summary: 'Approve the request of another officer: the list is made now; repeated, the same answer',
    params: schema.requestParams,
    body: schema.nothing,
    returns: emergencyList,
    status: 200,
    errors: schema.DECIDED,
  })
  async approve(@Param('id') id: string, @Req() { caller }: Request) {
    const approved = await this.emergencies.approve(id, caller!.subject);
    this.midnight.poke();
    return view(approved);
  }

  @Post(':id/rejection')
  @Endpoint({
    allow: ['ca-officer'],
    summary: 'Reject the request of another officer',
    params: schema.requestParams,
    body: schema.groundBody,
    returns: emergencyList,
    status: 200,
    errors: schema.DECIDED,
  })
  async reject(
    @Param('id') id: string,
    @Body() { ground }: z.output<typeof schema.groundBody>,
    @Req() { caller }: Request,
  ) {
    return view(await this.emergencies.reject(id, caller!.subject, ground));
  }
}

function view(list: EmergencyList): z.output<typeof emergencyList> {
  const run = list.run && { ...list.run, cut: list.run.cut?.toISOString() ?? null };
  return { ...schema.viewOf(list), run };
}
