import { Body, Controller, Get, Param, Put, Req } from '@nestjs/common';
import type { Request } from 'express';
import type { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { keysAnswer, keysRequest, officeParams, officesAnswer } from './office-key.schema.js';
import { RegistrationOffices } from './registration-offices.js';

@Controller('api/v1/registration-offices')
export class OfficesController {
  constructor(private readonly offices: RegistrationOffices) {}

  @Get()
  @Endpoint({
    allow: ['ca-officer', 'auditor'],
    summary: 'Registration offices and the keys they sign with',
    returns: officesAnswer,
  })
  list() {
    return this.offices.list();
  }

  @Put(':office/keys')
  @Endpoint({
    allow: ['ca-officer'],
    summary: 'Set the keys a registration office signs with; an empty list closes its door',
    params: officeParams,
    body: keysRequest,
    returns: keysAnswer,
    errors: ['conflict'],
  })
  set(@Param('office') office: string, @Body() { keys }: z.output<typeof keysRequest>, @Req() { caller }: Request) {
    return this.offices.setKeys(office, keys, caller!.subject);
  }
}
