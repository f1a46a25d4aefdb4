import type { IncomingMessage } from 'node:http';
import type { DynamicModule, INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { OpenAPIObject } from '@nestjs/swagger';
import express from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import type { Clock } from '#libs/clock';
import { ContractInterceptor, DoorGuard, Tokens, type TokenOptions } from '#libs/doors';
import { strategyOf } from '#libs/messaging';
import { documentOf } from './document.js';
import type { HostConfig } from './host.config.js';
import { httpMetrics } from './http-metrics.js';
import { httpTrace } from './http-trace.js';
import { nestLogger } from './logger.js';
import { ProblemFilter } from './problem.filter.js';
import { rootModule } from './root-module.js';

const BODY_LIMIT_BYTES = 256 * 1024;

/** Detached JWS (RFC 7515 appendix F) over the exact octets of the body. */
export const BODY_SIGNATURE_HEADER = 'x-jws-signature';

declare module 'express-serve-static-core' {
  interface Request {
    /** The body's octets as they came, of a request that has a signature over them; else undefined. */
    rawBody?: Buffer;
  }
}

/** What a service is, to whoever starts it: alone in a process, or beside the others in the embedded default. */
export interface ServiceDefinition {
  readonly name: string;
  /** Where it listens as a process of its own, unless PORT says otherwise (DESIGN.md §2). */
  readonly port: number;
  /** Its schema's migrations, oldest first; none for a service without a database. */
  readonly migrations: readonly Type[];
  /** The service's application, from its settings; throws ConfigError. */
  module(env: NodeJS.ProcessEnv): DynamicModule | Promise<DynamicModule>;
}

export interface RunningService {
  readonly name: string;
  readonly app: INestApplication;
  /** OpenAPI 3.0 of this service's own endpoints, with full paths. */
  readonly document: OpenAPIObject;
  close(): Promise<void>;
}

export interface ServiceSurroundings extends Partial<HostConfig> {
  log: Logger;
  clock: Clock;
  tokens: TokenOptions;
  /** Consuming stands still though it could go on: the process should end and be started anew. Default: log only. */
  onStandstill?: (reason: string) => void;
}

/**
 * Builds a service's own Nest application: doors, contracts and problems at its edge, and its event handlers on
 * the transport of its MessagingModule. It answers HTTP through `app.getHttpAdapter().getInstance()`; consuming starts in the background, so that
 * a missing broker never keeps HTTP from starting (DESIGN.md §3, "Staying up").
 */
export async function createService(
  name: string,
  module: DynamicModule | Type,
  { log, clock, tokens, trustProxy = false, onStandstill }: ServiceSurroundings,
): Promise<RunningService> {
  const own = log.child({ service: name });
  const standstill = (reason: string) => {
    own.fatal(reason);
    onStandstill?.(reason);
  };
  const root = rootModule(module, { tokens, clock, log: own, standstill });
  const app = await NestFactory.create<NestExpressApplication>(root, {
    bodyParser: false,
    abortOnError: false,
    logger: nestLogger(own),
  });
  app.disable('x-powered-by');
  app.set('trust proxy', trustProxy);
  app.use(httpTrace(name));
  app.use(httpMetrics(name));
  app.use(
    helmet({
      contentSecurityPolicy: { directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
      strictTransportSecurity: false,
    }),
  );
  app.use(express.json({ limit: BODY_LIMIT_BYTES, strict: true, verify: keepSignedBody }));
  app.useGlobalFilters(new ProblemFilter(own));
  app.useGlobalGuards(new DoorGuard(app.get(Tokens)));
  app.useGlobalInterceptors(new ContractInterceptor());
  const strategy = strategyOf(app);
  if (strategy) app.connectMicroservice({ strategy }, { inheritAppConfig: false });
  await app.init().catch(async (error: unknown) => {
    await app.close().catch(() => undefined); // what it has opened; the first error is the one to tell
    throw error;
  });
  const document = documentOf(app, name);
  if (strategy) {
    app.startAllMicroservices().catch((error: unknown) => own.error({ err: error }, 'consuming failed to start'));
  }
  return { name, app, document, close: () => app.close() };
}

/** JSON parsed and written again would be other octets than those that were signed. */
function keepSignedBody(request: IncomingMessage, _response: unknown, body: Buffer): void {
  if (BODY_SIGNATURE_HEADER in request.headers) (request as express.Request).rawBody = body;
}
