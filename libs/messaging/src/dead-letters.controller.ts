import { Body, Controller, Get, Param, Post, Query, Req, type Type } from '@nestjs/common';
import type { Request } from 'express';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { REQUEST_STATES, requestSchemas } from '#libs/dual-control';
import { type DeadLetter, DeadLetters } from './dead-letters.js';
import { type DiscardRequest, Discards } from './discards.js';

const STATES = ['dead', 'waiting', 'replayed', 'discarded'] as const;
const time = z.date().transform((at) => at.toISOString());
const position = z.string().regex(/^\d{1,18}$/, 'is a position: digits');

const letter = z.object({
  id: z.string(),
  topic: z.string(),
  key: z.string(),
  recordId: z.string(),
  type: z.string().nullable(),
  state: z.enum(STATES).describe('waiting: came later for a key whose letter is dead'),
  reason: z.string().nullable(),
  attempts: z.number().int(),
  createdAt: time,
  resolvedAt: time.nullable(),
  resolvedBy: z.string().nullable(),
  bytes: z.number().int(),
  fields: z.array(z.string()).nullable().describe('names of the fields, never what is in them'),
});
const replay = z.object({
  replayed: z.number().int(),
  freed: z.boolean().describe('the key has no open letter any more'),
  failed: z.object({ id: z.string(), reason: z.string() }).optional(),
});
const request = z.object({
  id: z.uuid(),
  state: z.enum(REQUEST_STATES),
  parameters: z.object({ letter: z.string(), topic: z.string(), key: z.string(), type: z.string().nullable(), ground: z.string() }), // prettier-ignore
  requestedBy: z.string(),
  requestedAt: time,
  expiresAt: time,
  decidedBy: z.string().nullable(),
  decidedAt: time.nullable(),
  ground: z.string().nullable().describe('of a rejection'),
});
const { groundBody: grounded, pageOf } = requestSchemas;
const byId = z.object({ id: position });
const byRequest = z.object({ id: z.uuid() });
const letterQuery = z.object({
  state: z.enum([...STATES, 'open']).default('open').describe('open: dead and waiting'), // prettier-ignore
  after: position.default('0').describe('id of the last one seen'),
  limit: z.coerce.number().int().min(1).max(200).default(100),
});
const requestQuery = z.object({
  state: z.enum(REQUEST_STATES).optional(),
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(200).default(100),
});

const statesOf = (state: z.output<typeof letterQuery>['state']): readonly DeadLetter['state'][] =>
  state === 'open' ? ['dead', 'waiting'] : [state];

/** The endpoints by which people put right what `service` could not digest. */
export function deadLettersController(service: string): Type {
  @Controller(`api/v1/${service}`)
  class DeadLettersController {
    constructor(
      private readonly letters: DeadLetters,
      private readonly discards: Discards,
    ) {}

    @Get('dead-letters')
    @Endpoint({
      allow: ['ca-operator', 'ca-officer', 'auditor'],
      summary: 'Events that failed, and those that wait behind one; without their contents',
      query: letterQuery,
      returns: z.object({ items: z.array(letter) }),
    })
    async list(@Query() { state, ...page }: z.output<typeof letterQuery>) {
      const found = await this.letters.list({ ...page, states: statesOf(state) });
      return { items: found.map((one) => letter.parse(one)) };
    }

    @Post('dead-letters/:id/replay')
    @Endpoint({
      allow: ['ca-operator'],
      summary: 'Try the open letters of this letter’s key again, oldest first, up to the first that fails',
      params: byId,
      returns: replay,
      status: 200,
      errors: ['notFound'],
    })
    replay(@Param('id') id: string, @Req() { caller }: Request) {
      return this.letters.replay(id, caller!.subject);
    }

    @Post('dead-letters/:id/discard')
    @Endpoint({
      allow: ['ca-operator', 'ca-officer'],
      summary: 'Ask that a letter be given up for good; an officer who is another person decides',
      params: byId,
      body: grounded,
      returns: request,
      status: 202,
      errors: ['notFound'],
    })
    async discard(@Param('id') id: string, @Body() { ground }: z.output<typeof grounded>, @Req() { caller }: Request) {
      return view(await this.discards.request(id, { ground, by: caller!.subject }));
    }

    @Get('discard-requests')
    @Endpoint({
      allow: ['ca-operator', 'ca-officer', 'auditor'],
      summary: 'Requests to give dead letters up',
      query: requestQuery,
      returns: z.object({ items: z.array(request), next: z.number().int().nullable().describe('for `after`') }),
    })
    async requests(@Query() query: z.output<typeof requestQuery>) {
      const { state, ...page } = query;
      return pageOf(await this.discards.list({ ...page, ...(state && { state }) }), query, view);
    }

    @Post('discard-requests/:id/approval')
    @Endpoint({
      allow: ['ca-officer'],
      summary: 'Give the letter up; what waited behind it goes on',
      params: byRequest,
      returns: request.extend({ replay }),
      status: 200,
      errors: ['notFound', 'conflict', 'ownRequest', 'requestDecided', 'requestExpired'],
    })
    async approve(@Param('id') id: string, @Req() { caller }: Request) {
      const done = await this.discards.approve(id, caller!.subject);
      return { ...view(done), replay: done.replay };
    }

    @Post('discard-requests/:id/rejection')
    @Endpoint({
      allow: ['ca-officer'],
      summary: 'Keep the letter',
      params: byRequest,
      body: grounded,
      returns: request,
      status: 200,
      errors: ['notFound', 'ownRequest', 'requestDecided', 'requestExpired'],
    })
    async reject(@Param('id') id: string, @Body() { ground }: z.output<typeof grounded>, @Req() { caller }: Request) {
      return view(await this.discards.reject(id, { ground, by: caller!.subject }));
    }
  }
  return DeadLettersController;
}

const view = (found: DiscardRequest) => request.parse(found);
