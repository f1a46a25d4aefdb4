import express, { type ErrorRequestHandler, type Express } from 'express';
import { z } from 'zod';
import { CaError, toProblem } from '#libs/errors';
import { processMetrics, scrape } from '#libs/metrics';

export interface ProcessEndpointsOptions {
  /** Whether requests should be sent here, and why not: small JSON. */
  readiness: () => Promise<{ ready: boolean; body: object }>;
  /** Serves `/metrics` too. */
  metrics: boolean;
  /** Sets the clock; only in a throw-away process. @throws CaError invalidRequest */
  moveClock?: ((at: Date) => void | Promise<void>) | undefined;
}

/** Paths every process answers itself, whatever its services are. */
export const processPaths = ({ metrics, moveClock }: ProcessEndpointsOptions): Record<string, string[]> => ({
  '/healthz': ['GET'],
  '/readyz': ['GET'],
  ...(metrics && { '/metrics': ['GET'] }),
  ...(moveClock && { '/throwaway/clock': ['PUT'] }),
});

/** `/healthz` (the process lives), `/readyz`, `/metrics`, and a throw-away process's clock. */
export function processEndpoints({ readiness, metrics, moveClock }: ProcessEndpointsOptions): Express {
  const app = express().disable('x-powered-by');
  app.use((_request, response, next) => {
    response.setHeader('cache-control', 'no-store');
    next();
  });
  app.get('/healthz', (_request, response) => void response.json({ status: 'alive' }));
  app.get('/readyz', async (_request, response) => {
    const { ready, body } = await readiness();
    response.status(ready ? 200 : 503).json(body);
  });
  if (metrics) app.use(metricsEndpoint());
  if (moveClock) {
    app.put('/throwaway/clock', express.json(), async (request, response) => {
      const body = z.strictObject({ at: z.iso.datetime({ offset: true }) }).safeParse(request.body);
      if (!body.success) throw new CaError('invalidRequest', 'at: must be an RFC 3339 time');
      await moveClock(new Date(body.data.at));
      response.status(204).end();
    });
  }
  app.use(problems);
  return app;
}

/** `/metrics` in Prometheus' text format, those of Node with it. */
export function metricsEndpoint(): Express {
  processMetrics();
  const app = express().disable('x-powered-by');
  app.get('/metrics', async (_request, response) => {
    const { contentType, text } = await scrape();
    response.setHeader('content-type', contentType).setHeader('cache-control', 'no-store').end(text);
  });
  return app;
}

const problems: ErrorRequestHandler = (error: { status?: number }, _request, response, _next) => {
  const named = error.status === 400 ? new CaError('invalidRequest', 'the body is not JSON') : error;
  const problem = toProblem(named);
  response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
};
