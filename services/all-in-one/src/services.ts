import { acceptance } from '../../acceptance/src/index.js';
import { crlPublisher } from '../../crl-publisher/src/index.js';
import { issuance } from '../../issuance/src/index.js';
import { portal } from '../../portal/src/index.js';
import { statusQuery } from '../../status-query/src/index.js';
import { suspension } from '../../suspension/src/index.js';
import type { DynamicModule } from '@nestjs/common';
import { ConfigError } from '#libs/config';
import type { ServiceDefinition } from '#libs/host';

/** Every service with a place behind the listener; the status of cards first, since others ask for it when they start. */
export const SERVICES: readonly ServiceDefinition[] = [
  suspension,
  issuance,
  acceptance,
  crlPublisher,
  statusQuery,
  portal,
];

/**
 * Every service's module by its settings, before any is started: what is wrong with them is told all at once.
 *
 * @throws ConfigError
 */
export async function readModules(
  envOf: (service: string) => NodeJS.ProcessEnv,
): Promise<{ name: string; module: DynamicModule }[]> {
  const modules: { name: string; module: DynamicModule }[] = [];
  const problems = new Map<string, string>();
  for (const { name, module } of SERVICES) {
    try {
      modules.push({ name, module: await module(envOf(name)) });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw new Error(`starting ${name}`, { cause: error });
      for (const { variable, problem } of error.problems) problems.set(variable, problem);
    }
  }
  if (problems.size > 0) throw new ConfigError([...problems].map(([variable, problem]) => ({ variable, problem })));
  return modules;
}
