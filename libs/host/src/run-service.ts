import type { DynamicModule } from '@nestjs/common';
import type { Logger } from 'pino';
import { ConfigError } from '#libs/config';
import type { ServiceDefinition } from './create-service.js';
import { createLogger } from './logger.js';
import { migrateService } from './migrate-service.js';
import { type ProcessConfig, readProcessConfig } from './process.config.js';
import { type RunningProcess, startProcess } from './start-process.js';
import { stopping } from './stopping.js';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/**
 * A service's `main`: without arguments it serves until SIGTERM or SIGINT; with `migrate` it brings its schema up to
 * date by the owner role and ends. Exit code 0: stopped, or migrated; 1: could not start, or could not go on; 2: not
 * understood.
 */
export async function runService(
  definition: ServiceDefinition,
  env: NodeJS.ProcessEnv,
  args: readonly string[],
): Promise<void> {
  try {
    if (args.length === 0) await serve(definition, env);
    else if (args.length === 1 && args[0] === 'migrate') await migrateService(definition, env, say);
    else {
      process.stderr.write(`${definition.name}: no arguments to serve, or: migrate\n`);
      process.exitCode = 2;
    }
  } catch (error) {
    process.stderr.write(`${describe(definition.name, error)}\n`);
    process.exit(1);
  }
}

async function serve(definition: ServiceDefinition, env: NodeJS.ProcessEnv): Promise<void> {
  const { config, module } = await readAll(definition, env);
  const log = createLogger(config.logLevel);
  const own = log.child({ service: definition.name });
  dieLoudly(own);

  const started: { process?: RunningProcess } = {};
  const stop = stopping({ log: own, stop: () => started.process?.stop(), exit: (code) => process.exit(code) });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(signal, 0));
  const running = await startProcess(definition, config, module, { log, onStandstill: (reason) => stop(reason, 1) });
  started.process = running;
  say(`${definition.name} listens on http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${running.port}`); // prettier-ignore
  await running.serving;
}

/** The process's own settings and the service's: what is wrong with either is told at once. */
async function readAll(
  definition: ServiceDefinition,
  env: NodeJS.ProcessEnv,
): Promise<{ config: ProcessConfig; module: DynamicModule }> {
  const problems = new Map<string, string>();
  const collect = (error: unknown) => {
    if (!(error instanceof ConfigError)) throw error;
    for (const { variable, problem } of error.problems) problems.set(variable, problem);
    return undefined;
  };
  const config = await readProcessConfig(definition, env).catch(collect);
  const module = await (async () => definition.module(env))().catch(collect);
  if (config && module) return { config, module };
  throw new ConfigError([...problems].map(([variable, problem]) => ({ variable, problem })));
}

/** Nothing in this process can go on after an error that nobody expected: started anew, it takes up what was under way. */
function dieLoudly(log: Logger): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.fatal({ err: error }, event);
      process.exit(1);
    });
  }
}

/** The chain of what was being done, for a person. */
function describe(name: string, error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  const lines: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) lines.push(at.message);
  return `${name}: ${lines.join(': ') || String(error)}`;
}
