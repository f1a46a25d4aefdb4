import { type DynamicModule, type INestApplication, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import express from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import type { Clock } from '#libs/clock';
import { ContractInterceptor, DoorGuard, Tokens, type TokenOptions } from '#libs/doors';
import { nestLogger } from './logger.js';
import { ProblemFilter } from './problem.filter.js';

const BODY_LIMIT_BYTES = 256 * 1024;

/** What a service is, to whoever starts it: alone in a process, or beside the others in the embedded default. */
export interface ServiceDefinition {
  readonly name: string;
  /** Its schema's migrations, oldest first; none for a service without a database. */
  readonly migrations: readonly Type[];
  module(env: NodeJS.ProcessEnv, shared: Shared): DynamicModule | Promise<DynamicModule>;
}

/** What every service of one process shares. */
export interface Shared {
  clock: Clock;
  log: Logger;
}

export interface RunningService {
  readonly name: string;
  readonly app: INestApplication;
  /** OpenAPI 3.0 of this service's own endpoints, with full paths. */
  readonly document: OpenAPIObject;
  close(): Promise<void>;
}

/**
 * Builds a service's own Nest application: doors, contracts and problems at its edge, and its event handlers on
 * `strategy`. It answers HTTP through `app.getHttpAdapter().getInstance()`; consuming starts in the background, so that
 * a missing broker never keeps HTTP from starting (DESIGN.md §3, "Staying up").
 */
export async function createService(
  name: string,
  module: DynamicModule | Type,
  { log, tokens, strategy }: { log: Logger; tokens: TokenOptions; strategy?: CustomTransportStrategy },
): Promise<RunningService> {
  const doors: DynamicModule = {
    module: class Doors {},
    global: true,
    providers: [{ provide: Tokens, useValue: new Tokens(tokens) }],
    exports: [Tokens],
  };
  @Module({ imports: [doors, module] })
  class Root {}

  const app = await NestFactory.create<NestExpressApplication>(Root, {
    bodyParser: false,
    logger: nestLogger(log.child({ service: name })),
  });
  app.disable('x-powered-by');
  app.use(
    helmet({
      contentSecurityPolicy: { directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
      strictTransportSecurity: false,
    }),
  );
  app.use(express.json({ limit: BODY_LIMIT_BYTES, strict: true }));
  app.useGlobalFilters(new ProblemFilter(log.child({ service: name })));
  app.useGlobalGuards(new DoorGuard(app.get(Tokens)));
  app.useGlobalInterceptors(new ContractInterceptor());
  if (strategy) app.connectMicroservice({ strategy }, { inheritAppConfig: false });
  await app.init();
  const document = SwaggerModule.createDocument(app, new DocumentBuilder().setTitle(name).addBearerAuth().build());
  if (strategy) {
    app
      .startAllMicroservices()
      .catch((error: unknown) => log.error({ err: error, service: name }, 'consuming failed to start'));
  }
  return { name, app, document, close: () => app.close() };
}
