import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type INestApplication, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import express, { type RequestHandler } from 'express';
import helmet from 'helmet';
import { Rounds } from '#libs/clock';
import { ContractInterceptor } from '#libs/doors';
import { nestLogger, ProblemFilter } from '#libs/host';
import { AgentController } from './agent.controller.js';
import { AGENT_VERSION, type AgentConfig } from './agent.config.js';
import { CardService } from './card.service.js';
import { CheckController } from './checks/check.controller.js';
import { SelfCheck } from './checks/self-check.js';
import { door } from './door.js';
import { HintInterceptor } from './hint.interceptor.js';
import { JobOpener } from './job-opener.js';
import { Pairing } from './pairing/pairing.js';
import { PairingController } from './pairing/pairing.controller.js';
import { PinController } from './pin/pin.controller.js';
import { PinService } from './pin/pin.service.js';
import { CardGates } from './readers/card-gates.js';
import { VirtualReaderController } from './readers/virtual-reader.controller.js';
import { VirtualReaders } from './readers/virtual-readers.js';
import { UnlockService } from './unlock.service.js';

const BODY_LIMIT_BYTES = 16 * 1024;
const FORM_LIMIT_BYTES = 1024;
const FORGET_EVERY_MS = 30_000;

const title = new DocumentBuilder().setTitle('kaika card agent').setVersion(AGENT_VERSION).build();

/** The agent as a Nest application of its own; `listenOnLoopback` opens it. Its own origin, so its own listener. */
export async function createCardAgent(config: AgentConfig): Promise<INestApplication> {
  const pairing = new Pairing(config.pairing, config.clock);
  const app = await NestFactory.create<NestExpressApplication>(moduleOf(config, pairing), {
    bodyParser: false,
    forceCloseConnections: true,
    logger: nestLogger(config.log),
  });
  app.disable('x-powered-by');
  const { beforeRequest } = config;
  if (beforeRequest) {
    app.use((_request: unknown, _response: unknown, next: () => void) => {
      beforeRequest();
      next();
    });
  }
  app.use(securityHeaders());
  app.use(door(config.origins, pairing));
  app.use(['/pin', '/check'], express.urlencoded({ extended: false, limit: FORM_LIMIT_BYTES }));
  app.use(['/v1', '/virtual'], express.json({ limit: BODY_LIMIT_BYTES, strict: true }));
  let document: OpenAPIObject | undefined;
  app.use('/openapi.json', (_request: unknown, response: express.Response) => {
    response.json((document ??= SwaggerModule.createDocument(app, title)));
  });
  app.useGlobalFilters(new ProblemFilter(config.log));
  app.useGlobalInterceptors(new ContractInterceptor(), new HintInterceptor());
  await app.init();
  return app;
}

/**
 * Listens on 127.0.0.1, and on [::1] where the machine has it; never on another address.
 *
 * @param port 0: a free one
 */
export async function listenOnLoopback(
  app: INestApplication,
  port: number,
): Promise<{ port: number; close(): Promise<void> }> {
  await app.listen(port, '127.0.0.1');
  const { port: actual } = (app.getHttpServer() as Server).address() as AddressInfo;
  const second = createServer(app.getHttpAdapter().getInstance() as RequestHandler as never);
  const there = await new Promise<boolean>((resolve) => {
    second.once('error', () => resolve(false)).listen(actual, '::1', () => resolve(true));
  });
  const close = async () => {
    if (there) await new Promise((resolve) => second.close(resolve).closeAllConnections());
    await app.close();
  };
  return { port: actual, close };
}

function moduleOf({ readers, hand, limits, clock, log, jobKey, issuers = [] }: AgentConfig, pairing: Pairing) {
  const gates = new CardGates(readers, clock, limits);
  const cards = new CardService(gates, clock);
  const jobs = new JobOpener(cards, clock, jobKey);
  const pins = new PinService(gates, jobs, clock, log);
  const work = () => {
    pins.closeExpired();
    cards.forgetExpired();
    return Promise.resolve();
  };
  const forgetting = new Rounds({ what: 'forgetting old sessions', work, waitMs: () => FORGET_EVERY_MS, clock, log });
  @Module({
    controllers: [
      ...[AgentController, PinController, PairingController, CheckController],
      ...(hand ? [VirtualReaderController] : []),
    ],
    providers: [
      { provide: CardService, useValue: cards },
      { provide: PinService, useValue: pins },
      { provide: UnlockService, useValue: new UnlockService(gates, jobs, log) },
      { provide: SelfCheck, useValue: new SelfCheck(gates, clock, issuers) },
      { provide: Pairing, useValue: pairing },
      ...(hand ? [{ provide: VirtualReaders, useValue: hand }] : []),
    ],
  })
  class CardAgentModule implements OnModuleInit, OnApplicationShutdown {
    onModuleInit(): void {
      forgetting.start();
    }

    async onApplicationShutdown(): Promise<void> {
      gates.close();
      await forgetting.stop();
    }
  }
  return CardAgentModule;
}

function securityHeaders() {
  return helmet({
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    frameguard: { action: 'deny' },
    // With no-referrer a browser would send the page's own form with "Origin: null".
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: false,
  });
}
