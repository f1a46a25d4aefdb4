import { Controller, Get, Header } from '@nestjs/common';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { utc } from '#libs/events';
import { Alarms, ALARMS, type Alarm } from './alarms.js';

const alarms = z.object({
  items: z.array(
    z.object({
      alarm: z.enum(Object.keys(ALARMS) as [Alarm, ...Alarm[]]),
      meaning: z.string(),
      count: z.number().int().describe('since the start of this process'),
      firstAt: utc,
      lastAt: utc,
    }),
  ),
});

@Controller('api/v1/alarms')
export class AlarmsController {
  constructor(private readonly alarms: Alarms) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    allow: ['ca-operator', 'auditor'],
    summary: 'Alarms about revocation lists since the start of the process, the latest first',
    returns: alarms,
  })
  all(): z.output<typeof alarms> {
    return {
      items: this.alarms.raised().map(({ alarm, count, firstAt, lastAt }) => ({
        ...{ alarm, meaning: ALARMS[alarm], count },
        ...{ firstAt: firstAt.toISOString(), lastAt: lastAt.toISOString() },
      })),
    };
  }
}
