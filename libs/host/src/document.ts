import type { DynamicModule, INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { systemClock } from '#libs/clock';
import { createLogger } from './logger.js';
import { rootModule } from './root-module.js';

/** OpenAPI 3.0 of one service's own endpoints, with full paths. */
export function documentOf(app: INestApplication, name: string): OpenAPIObject {
  const document = SwaggerModule.createDocument(app, new DocumentBuilder().setTitle(name).addBearerAuth().build());
  for (const item of Object.values(document.paths)) {
    for (const [method, operation] of Object.entries(item as Record<string, Operation>)) {
      const { 'x-kaika-also': also, ...rest } = operation;
      if (also)
        document.paths[also] = {
          ...document.paths[also],
          [method]: { ...rest, operationId: `${rest.operationId}_also` },
        };
    }
  }
  return document;
}

interface Operation {
  operationId?: string;
  /** A second path of the same operation that Nest would not tell of: one with a slash at its end. */
  'x-kaika-also'?: string;
}

/** The same without making the application: nothing is connected, no part of the service is made (Nest's preview). */
export async function describeService(name: string, module: DynamicModule): Promise<OpenAPIObject> {
  const root = rootModule(module, {
    ...{ clock: systemClock(), log: createLogger('silent'), standstill: () => {} },
    tokens: { issuer: 'nobody', jwksFile: 'none' },
  });
  const app = await NestFactory.create(root, { preview: true, abortOnError: false, logger: false });
  return documentOf(app, name);
}
