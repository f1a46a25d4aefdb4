import { type DynamicModule, Module, type Type } from '@nestjs/common';
import type { Logger } from 'pino';
import { Clock } from '#libs/clock';
import { type TokenOptions, Tokens } from '#libs/doors';
import { ON_STANDSTILL } from '#libs/messaging';

/** Injects the service's logger: `@Inject(LOG) private readonly log: Logger`. */
export const LOG = Symbol('kaika:log');

export interface Provided {
  tokens: TokenOptions;
  clock: Clock;
  log: Logger;
  standstill: (reason: string) => void;
}

/** A service's module with what every service is given: clock, log, and who may come in. */
export function rootModule(module: DynamicModule | Type, { tokens, clock, log, standstill }: Provided): Type {
  const surroundings: DynamicModule = {
    module: class Surroundings {},
    global: true,
    providers: [
      { provide: Tokens, useFactory: () => new Tokens(tokens, { log, clock }) },
      { provide: Clock, useValue: clock },
      { provide: LOG, useValue: log },
      { provide: ON_STANDSTILL, useValue: standstill },
    ],
    exports: [Tokens, Clock, LOG, ON_STANDSTILL],
  };
  @Module({ imports: [surroundings, module] })
  class Root {}
  return Root;
}
