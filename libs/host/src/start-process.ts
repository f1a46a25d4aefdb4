import type { RequestListener } from 'node:http';
import type { DynamicModule } from '@nestjs/common';
import type { Logger } from 'pino';
import { Clock, sleep } from '#libs/clock';
import { isSurroundingsError, schemaOf, schemaState, type SchemaState } from '#libs/database';
import { exportTraces } from '#libs/trace';
import { createService, type RunningService, type ServiceDefinition } from './create-service.js';
import { Front } from './front.js';
import type { ProcessConfig } from './process.config.js';
import { metricsEndpoint, processEndpoints, type ProcessEndpointsOptions, processPaths } from './process-endpoints.js';
import { keptOffset, offsetFor } from './throwaway-clock.js';

/** One service that is a process of its own. */
export interface RunningProcess {
  /** Where it listens. */
  port: number;
  metricsPort: number | undefined;
  /** The application answers. Rejects when it can't be made, whatever is waited for. */
  serving: Promise<void>;
  /** Not ready from now on; requests under way get their answers, then the handlers under way finish. */
  stop(): Promise<void>;
}

const LOOK_AGAIN_MS = 1_000;
/** Of what is waited for: one line in the log for so many looks. */
const TELL_EVERY = 30;

/**
 * HTTP first: listens, and answers `/healthz`, before anything else is reached. Then waits for its own database, and for
 * its migrations to be applied by whoever may; then makes the application. Bus, jobs and peers are waited for by the
 * application itself, in the background.
 *
 * @throws Error when the port can't be had
 */
export async function startProcess(
  { name, migrations }: ServiceDefinition,
  config: ProcessConfig,
  module: DynamicModule,
  { log, onStandstill }: { log: Logger; onStandstill: (reason: string) => void },
): Promise<RunningProcess> {
  const own = log.child({ service: name });
  const clock = new Clock();
  if (config.throwaway?.clockFile) clock.set(keptOffset(config.throwaway.clockFile) ?? 0);

  const look = oneAtATime(async (): Promise<SchemaState> =>
    config.databaseUrl ? schemaState(config.databaseUrl, schemaOf(name), migrations) : { missing: [] },
  );
  const endpoints: ProcessEndpointsOptions = {
    readiness: async () => readiness(await look(), front.state, config.databaseUrl !== undefined),
    metrics: config.metricsPort === undefined,
    moveClock: config.throwaway && ((at) => clock.set(offsetFor(clock, at))),
  };
  const front = new Front({ listener: processEndpoints(endpoints), paths: Object.keys(processPaths(endpoints)) });
  const port = await front.listen(config.port, config.host);
  const figures = { listener: metricsEndpoint(), paths: ['/metrics'] };
  const metrics = config.metricsPort === undefined ? undefined : new Front(figures);
  metrics?.open(figures.listener);
  const metricsPort = await metrics?.listen(config.metricsPort!, config.host, 'KAIKA_METRICS_PORT');

  const endTraces =
    config.tracesTo && (await exportTraces({ endpoint: config.tracesTo, warn: (text) => own.warn(text) }));
  const stopping = new AbortController();
  let service: RunningService | undefined;
  let closed: Promise<void> | undefined;
  const closeService = () => (closed ??= service?.close());
  const make = async () => {
    await migrated(look, own, stopping.signal);
    while (!service && !stopping.signal.aborted) {
      try {
        const { tokens, trustProxy } = config;
        service = await createService(name, module, { log, clock, tokens, trustProxy, onStandstill });
      } catch (error) {
        if (!isSurroundingsError(error)) throw error;
        own.warn({ err: error as unknown }, 'the application could not be made yet, trying again');
        await sleep(LOOK_AGAIN_MS, stopping.signal);
      }
    }
    if (stopping.signal.aborted) await closeService();
    if (!service || stopping.signal.aborted) return;
    front.open(service.app.getHttpAdapter().getInstance() as RequestListener);
    own.info('serving');
  };
  const serving = make();
  const stop = async () => {
    stopping.abort();
    await front.close();
    await closeService();
    await metrics?.close();
    if (endTraces) await endTraces();
  };
  return { port, metricsPort, serving, stop };
}

/** Waits, for ever if need be, for a database whose schema this release can work with. */
async function migrated(look: () => Promise<SchemaState>, log: Logger, signal: AbortSignal): Promise<void> {
  for (let looks = 0; !signal.aborted; looks += 1) {
    const { trouble, missing } = await look();
    if (!trouble && missing.length === 0) return;
    if (looks % TELL_EVERY === 0) {
      log.warn(trouble ? `waiting for the database: ${trouble}` : `waiting for migrations: ${missing.join(', ')}`);
    }
    await sleep(LOOK_AGAIN_MS, signal);
  }
}

function readiness({ trouble, missing }: SchemaState, state: Front['state'], hasDatabase: boolean) {
  const body = {
    ...(hasDatabase && {
      database: trouble ? 'no answer' : 'answers',
      migrations: trouble ? 'unknown' : missing.length > 0 ? `${missing.length} not applied` : 'applied',
    }),
    http: state,
  };
  return { ready: state === 'serving' && !trouble && missing.length === 0, body };
}

/** Who asks while an answer is on its way gets that one: many who ask must not use up the role's connections. */
function oneAtATime<T>(work: () => Promise<T>): () => Promise<T> {
  let current: Promise<T> | undefined;
  return () => (current ??= work().finally(() => (current = undefined)));
}
