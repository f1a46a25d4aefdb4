import { rmSync, writeFileSync, renameSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { DynamicModule, Type } from '@nestjs/common';
import type { Logger } from 'pino';
import { Clock } from '#libs/clock';
import { databaseAnswers, migrate, provision, schemaOf, startPostgres } from '#libs/database';
import { createService, type ProcessEndpointsOptions, processEndpoints, processPaths, type RunningService, type ServiceSurroundings } from '#libs/host'; // prettier-ignore
import { prepareJobs } from '#libs/jobs';
import { BUS_MIGRATIONS } from '#libs/messaging';
import { ceremony, renewRootCrl } from '#libs/pki';
import { exportTraces } from '#libs/trace';
import { createCardAgent, listenOnLoopback } from '../../card-agent/src/app.js';
import { readersOf } from '../../card-agent/src/readers/readers-of.js';
import type { AllInOneConfig } from './all-in-one.config.js';
import { Gateway } from './gateway.js';
import { CONSOLE_CLIENT, createIdentity, IDENTITY_PATHS } from './identity/identity.js';
import { ensureKeys, rolePasswords, WITH_TOKENS, type Keys } from './keys.js';
import { readinessOf } from './readiness.js';
import { readModules, SERVICES } from './services.js';
import { ThrowawayClock } from './throwaway-clock.js';

export interface Instance {
  url: string;
  agentUrl: string;
  issuer: string;
  keys: Keys;
  stop(): Promise<void>;
}

type Undo = () => Promise<unknown>;

interface Start {
  log: Logger;
  progress: (line: string) => void;
  undo: Undo[];
  onStandstill: ((reason: string) => void) | undefined;
}

/**
 * Starts everything in this process: database, ceremony at the first start, each service's own application behind one
 * listener, and the card agent on its own origin. What was started is stopped again, in reverse, also when a later part
 * fails.
 */
export async function startInstance(
  config: AllInOneConfig,
  env: NodeJS.ProcessEnv,
  log: Logger,
  progress: (line: string) => void,
  onStandstill?: (reason: string) => void,
): Promise<Instance> {
  const undo: Undo[] = [];
  const stop = async () => {
    for (let step = undo.pop(); step; step = undo.pop())
      await step().catch((error: unknown) => log.error({ err: error }, 'stopping'));
  };
  try {
    return { ...(await start(config, env, { log, progress, undo, onStandstill })), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(
  config: AllInOneConfig,
  env: NodeJS.ProcessEnv,
  { log, progress, undo, onStandstill = () => {} }: Start,
) {
  const endpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint) undo.push(await exportTraces({ endpoint, warn: (text) => log.warn(text) }));
  const gateway = new Gateway();
  const port = await listen(gateway, config.PORT);
  undo.push(() => closeServer(gateway));
  const url = `http://localhost:${port}`;
  const publicUrl = config.KAIKA_PUBLIC_URL ?? url;
  const issuer = `${publicUrl}/identity`;
  const dir = (name: string) => join(config.DATA_DIR, name);

  const adminUrl = config.DATABASE_URL ?? (await ownDatabase(dir('postgres'), progress, undo));
  const keys = await ensureKeys(config.DATA_DIR);

  progress('schemas and migrations');
  const bus = await prepareSchema(adminUrl, 'bus', BUS_MIGRATIONS, keys);
  const databases = new Map<string, { ownerUrl: string; appUrl: string }>();
  for (const { name, migrations } of SERVICES) {
    if (migrations.length > 0) databases.set(name, await prepareSchema(adminUrl, name, migrations, keys));
  }
  const jobs = await provision(adminUrl, 'jobs', rolePasswords(keys, 'jobs'));
  await prepareJobs(jobs.ownerUrl);

  const clock = new Clock();
  const throwaway = config.KAIKA_THROWAWAY
    ? await ThrowawayClock.restore(clock, databases, dir('clock.json'), config.KAIKA_THROWAWAY_START)
    : undefined;

  progress('the authority: root, issuing CA, card CA');
  const authority = await ceremony({ dir: dir('authority'), publicUrl, clock, log: (step) => progress(`  ${step}`) });
  if (await renewRootCrl(authority, clock)) progress('  root CA: its next list');

  const origins = [url, `http://127.0.0.1:${port}`];
  const agentLog = log.child({ service: 'card-agent' });
  const agentApp = await createCardAgent({
    ...{ clock, origins, log: agentLog, jobKey: keys.jobPublicKey, pairing: false },
    ...readersOf(dir('virtual-cards'), agentLog),
  });
  const agent = await listenOnLoopback(agentApp, config.KAIKA_AGENT_PORT);
  undo.push(() => agent.close());

  const common: NodeJS.ProcessEnv = {
    KAIKA_PIN_RESET_CODE: env['KAIKA_SMTP_URL'] ? 'mailed' : 'none',
    ...env,
    ...keys.env,
    KAIKA_PUBLIC_URL: publicUrl,
    KAIKA_SUSPENSION_URL: `http://127.0.0.1:${port}`,
    KAIKA_PORTAL_ORIGINS: origins.join(),
    ...{ KAIKA_OIDC_ISSUER: issuer, KAIKA_OIDC_CLIENT_ID: CONSOLE_CLIENT },
    KAIKA_AGENT_URL: `http://127.0.0.1:${agent.port}`,
    KAIKA_AUTHORITY_DIR: dir('authority'),
    KAIKA_VIRTUAL_CARDS_DIR: dir('virtual-cards'),
    KAIKA_ISSUANCE_URL: `http://127.0.0.1:${port}`,
    KAIKA_CRL_DIR: dir('crl'),
    KAIKA_OCSP_DIR: dir('ocsp'),
    ...{ KAIKA_BUS_URL: bus.appUrl, KAFKA_BROKERS: undefined },
    KAIKA_JOBS_URL: jobs.appUrl,
  };
  const services: RunningService[] = [];
  const surroundings: ServiceSurroundings = {
    trustProxy: config.KAIKA_TRUST_PROXY ?? false,
    tokens: { issuer, jwksFile: keys.jwksFile, serviceJwksFile: keys.serviceJwksFile },
    ...{ log, clock, onStandstill },
  };
  for (const { name, module } of await readModules((name) => ({ ...common, ...ownSettings(name, databases, keys) }))) {
    progress(`service ${name}`);
    const service = await startService(name, module, surroundings);
    undo.push(() => service.close());
    services.push(service);
  }

  const own: ProcessEndpointsOptions = {
    readiness: readinessOf(
      services,
      async (name) => !databases.has(name) || databaseAnswers(databases.get(name)!.appUrl),
    ),
    metrics: true,
    moveClock: throwaway && ((at) => throwaway.move(at)),
  };
  const pages = [...new Set([...origins, new URL(publicUrl).origin])];
  const identity = await createIdentity({
    issuer,
    key: keys.issuer,
    origins: pages,
    log: log.child({ service: 'identity' }),
  });
  gateway.open(services, [
    { name: 'all-in-one', listener: processEndpoints(own), paths: processPaths(own) },
    { name: 'identity', listener: identity, paths: IDENTITY_PATHS },
  ]);
  const agentUrl = `http://127.0.0.1:${agent.port}`;
  announce(dir('instance.json'), { url, agentUrl, issuer, pid: process.pid }, undo);
  return { url, agentUrl, issuer, keys };
}

/** A port that is taken is told before anything else is touched. */
async function listen(gateway: Gateway, port: number): Promise<number> {
  await new Promise<void>((done, fail) => {
    gateway.server.once('error', (error: NodeJS.ErrnoException) =>
      fail(error.code === 'EADDRINUSE' ? new Error(`port ${port} is in use: stop what uses it, or set PORT`) : error),
    );
    gateway.server.listen(port, '127.0.0.1', done);
  });
  return (gateway.server.address() as AddressInfo).port;
}

async function closeServer({ server }: Gateway): Promise<void> {
  const closed = new Promise((done) => server.close(done));
  server.closeIdleConnections();
  const impatience = setTimeout(() => server.closeAllConnections(), 5_000);
  await closed;
  clearTimeout(impatience);
}

async function ownDatabase(dataDir: string, progress: (line: string) => void, undo: Undo[]): Promise<string> {
  progress('PostgreSQL');
  const postgres = await startPostgres({ dataDir, log: (line) => progress(`  ${line}`) });
  undo.push(() => postgres.stop());
  return postgres.url;
}

async function prepareSchema(adminUrl: string, name: string, migrations: readonly Type[], keys: Keys) {
  const urls = await provision(adminUrl, name, rolePasswords(keys, name));
  await migrate({ ownerUrl: urls.ownerUrl, schema: schemaOf(name), migrations: [...migrations] });
  return urls;
}

function ownSettings(name: string, databases: Map<string, { appUrl: string }>, keys: Keys): NodeJS.ProcessEnv {
  const appUrl = databases.get(name)?.appUrl;
  return {
    ...(appUrl && { DATABASE_URL: appUrl }),
    ...(['issuance', 'acceptance', 'suspension'].includes(name) && {
      KAIKA_CREDENTIAL_KEY_FILE: join(keys.dir, `${name}.jwk`),
    }),
    ...(WITH_TOKENS.some((service) => service === name) && {
      KAIKA_SERVICE_KEY_FILE: join(keys.dir, `${name}-token.jwk`),
    }),
  };
}

async function startService(
  name: string,
  module: DynamicModule,
  surroundings: ServiceSurroundings,
): Promise<RunningService> {
  try {
    return await createService(name, module, surroundings);
  } catch (cause) {
    throw new Error(`starting ${name}`, { cause });
  }
}

/** For whoever started this process: where it is reached, written once it answers. */
function announce(
  file: string,
  address: { url: string; agentUrl: string; issuer: string; pid: number },
  undo: Undo[],
): void {
  writeFileSync(`${file}.new`, JSON.stringify(address, null, 2));
  renameSync(`${file}.new`, file);
  undo.push(async () => rmSync(file, { force: true }));
}
