import express, { type ErrorRequestHandler, type Express, type Response } from 'express';
import type { OpenAPIObject } from '@nestjs/swagger';
import { absolutePath } from 'swagger-ui-dist';
import { z } from 'zod';
import { CaError, toProblem } from '#libs/errors';
import type { RunningService } from '#libs/host';
import { processMetrics, scrape } from '#libs/metrics';

/** The listener's own paths: health, figures (loopback only, like all of this profile), the merged API document and, in a throw-away instance, its clock. */
export const OWN_PATHS = {
  '/healthz': ['GET'],
  '/readyz': ['GET'],
  '/metrics': ['GET'],
  '/api/openapi.json': ['GET'],
  '/api/docs': ['GET'],
  '/api/docs/': ['GET'],
  '/api/docs/{file}': ['GET'],
};

/** Swagger UI brings inline style attributes; its scripts are files. */
const DOCS_CSP = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"; // prettier-ignore

const DOCS_PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>kaika API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/api/docs/swagger-ui.css"></head>
<body><div id="swagger-ui"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script><script src="/api/docs/start.js"></script></body></html>
`;
const DOCS_SCRIPT = `SwaggerUIBundle({ url: '/api/openapi.json', dom_id: '#swagger-ui', deepLinking: true });\n`;

export interface OwnEndpointsOptions {
  document: OpenAPIObject;
  services: readonly RunningService[];
  /** Whether a service can reach its database. */
  ready: (service: string) => Promise<boolean>;
  /** Sets the clock; only in a throw-away instance. @throws CaError invalidRequest */
  moveClock?: ((at: Date) => Promise<void>) | undefined;
}

export function ownEndpoints({ document, services, ready, moveClock }: OwnEndpointsOptions): Express {
  const app = express().disable('x-powered-by');
  app.get('/healthz', (_request, response) => void response.json({ status: 'alive' }));
  app.get('/readyz', async (_request, response) => {
    const states = await Promise.all(
      services.map(async ({ name }) => [name, (await ready(name)) ? 'ready' : 'not ready'] as const),
    );
    const allReady = states.every(([, state]) => state === 'ready');
    response
      .status(allReady ? 200 : 503)
      .setHeader('cache-control', 'no-store')
      .json({ services: Object.fromEntries(states) });
  });
  processMetrics();
  app.get('/metrics', async (_request, response) => {
    const { contentType, text } = await scrape();
    response.setHeader('content-type', contentType).setHeader('cache-control', 'no-store').end(text);
  });
  app.get('/api/openapi.json', (_request, response) => void response.json(document));
  const docs = (response: Response) => response.setHeader('content-security-policy', DOCS_CSP);
  app.get(/^\/api\/docs\/?$/, (_request, response) => void docs(response).type('html').send(DOCS_PAGE));
  app.get('/api/docs/start.js', (_request, response) => void docs(response).type('text/javascript').send(DOCS_SCRIPT));
  app.use('/api/docs', express.static(absolutePath(), { index: false, fallthrough: false }));
  if (moveClock) {
    app.put('/throwaway/clock', express.json(), async (request, response) => {
      const body = z.strictObject({ at: z.iso.datetime({ offset: true }) }).safeParse(request.body);
      if (!body.success) throw new CaError('invalidRequest', 'at: must be an RFC 3339 time');
      await moveClock(new Date(body.data.at));
      response.status(204).end();
    });
  }
  const problems: ErrorRequestHandler = (error: { status?: number }, _request, response, _next) => {
    const named =
      error instanceof CaError ? error : error.status === 404 ? new CaError('notFound', 'no such file') : error;
    const problem = toProblem(named);
    response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  };
  app.use(problems);
  return app;
}
