import { Body, Controller, Get, Header, Param, Post, Query, Req } from '@nestjs/common';
import type { Request } from 'express';
import type { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { caseList, caseParams, type CaseQuery, caseQuery, closedAnswer, closingRequest } from './case.schema.js';
import { CasesService } from './cases.service.js';

const OFFICE = ['application-officer'] as const;

@Controller('api/v1/cases')
export class CasesController {
  constructor(private readonly cases: CasesService) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    allow: OFFICE,
    summary: 'Cases for the office: certificates refused for wrong data, oldest first',
    query: caseQuery,
    returns: caseList,
  })
  list(@Query() query: CaseQuery) {
    return this.cases.list(query);
  }

  @Post(':id/closing')
  @Endpoint({
    allow: OFFICE,
    summary: 'Close a case with what was done',
    status: 200,
    params: caseParams,
    body: closingRequest,
    returns: closedAnswer,
    errors: ['notFound', 'conflict'],
  })
  close(@Param('id') id: string, @Body() { outcome }: z.output<typeof closingRequest>, @Req() { caller }: Request) {
    return this.cases.close(id, outcome, caller!.subject);
  }
}
