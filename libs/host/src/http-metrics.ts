import type { Request, RequestHandler } from 'express';
import { histogram } from '#libs/metrics';

const BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Time and status of every request, by the template of its route: never by its path, which holds card numbers. */
export function httpMetrics(service: string): RequestHandler {
  const seconds = histogram(
    'kaika_http_request_seconds',
    'From the request to the end of its answer, by route template',
    ['service', 'method', 'route', 'status'],
    BUCKETS_SECONDS,
  );
  return (request, response, next) => {
    const startedMs = performance.now();
    response.once('close', () => {
      const status = response.writableFinished ? String(response.statusCode) : 'aborted';
      const labels = { service, method: methodOf(request), route: routeOf(request), status };
      seconds.observe(labels, (performance.now() - startedMs) / 1_000);
    });
    next();
  };
}

/** Any word can be a method: those that we offer nowhere are one. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
export const methodOf = ({ method }: Request): string => (METHODS.has(method) ? method : 'other');

/** The template of the route that answers, `none` for no such path. */
export function routeOf({ route }: Request): string {
  const path = (route as { path?: unknown } | undefined)?.path;
  return typeof path === 'string' ? path : 'none';
}
