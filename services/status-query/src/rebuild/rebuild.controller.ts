import { Controller, Get, Post, Req } from '@nestjs/common';
import type { Request } from 'express';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { utc } from '#libs/events';
import { type Rebuild, RebuildService } from './rebuild.service.js';

const rebuild = z.object({
  id: z.uuid(),
  requestedAt: utc,
  requestedBy: z.string(),
  state: z.enum(['running', 'done', 'failed']),
  finishedAt: utc.nullable(),
  problem: z.string().nullable(),
});

@Controller('api/v1/status-query/rebuild')
export class RebuildController {
  constructor(private readonly rebuilds: RebuildService) {}

  @Post()
  @Endpoint({
    allow: ['ca-operator'],
    summary: 'Make the read model anew from issuance and the status log; while one is under way, that one',
    returns: rebuild,
    status: 202,
  })
  request(@Req() { caller }: Request): Promise<Rebuild> {
    return this.rebuilds.request(caller!.subject);
  }

  @Get()
  @Endpoint({
    allow: ['ca-operator', 'auditor'],
    summary: 'How the latest rebuild goes, or went',
    returns: rebuild,
    errors: ['notFound'],
  })
  last(): Promise<Rebuild> {
    return this.rebuilds.last();
  }
}
