import { Controller, Get, Header } from '@nestjs/common';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { utc } from '#libs/events';
import { AlarmEvents } from './alarm-events.js';
import { Alarms, ALARMS, type Alarm } from './alarms.js';

const alarm = z.enum(Object.keys(ALARMS) as [Alarm, ...Alarm[]]);

const alarms = z.object({
  open: z
    .array(z.object({ alarm, meaning: z.string(), since: utc }))
    .describe('raised and not cleared, the latest first'),
  items: z.array(
    z.object({
      alarm,
      meaning: z.string(),
      count: z.number().int().describe('since the start of this process'),
      firstAt: utc,
      lastAt: utc,
    }),
  ),
});

@Controller('api/v1/alarms')
export class AlarmsController {
  constructor(
    private readonly alarms: Alarms,
    private readonly events: AlarmEvents,
  ) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    allow: ['ca-operator', 'auditor'],
    summary: 'Alarms about revocation lists: those that are open, and all since the start of the process',
    returns: alarms,
  })
  async all(): Promise<z.output<typeof alarms>> {
    const open = await this.events.open();
    return {
      open: open.map(({ alarm, since }) => ({ alarm, meaning: ALARMS[alarm], since: since.toISOString() })),
      items: this.alarms.raised().map(({ alarm, count, firstAt, lastAt }) => ({
        ...{ alarm, meaning: ALARMS[alarm], count },
        ...{ firstAt: firstAt.toISOString(), lastAt: lastAt.toISOString() },
      })),
    };
  }
}
