import type { Request, RequestHandler } from 'express';
import { beginSpan, fail, within } from '#libs/trace';
import { methodOf, routeOf } from './http-metrics.js';

/** A trace header comes once (two are joined by Node, and no valid value any more). */
const header = ({ headers }: Request, name: string): string | undefined => headers[name] as string | undefined;

/** Every request is handled in the trace its caller names, or in a new one. Spans tell the route's template, never the path. */
export function httpTrace(service: string): RequestHandler {
  return (request, response, next) => {
    const carrier = { traceparent: header(request, 'traceparent'), tracestate: header(request, 'tracestate') };
    const method = methodOf(request);
    const span = beginSpan(carrier, { service, name: method, kind: 'http' });
    if (span.isRecording()) {
      response.once('close', () => {
        const route = routeOf(request);
        span.updateName(`${method} ${route}`);
        span.setAttributes({ 'http.request.method': method, 'http.route': route });
        if (!response.writableFinished) fail(span, 'aborted');
        else {
          span.setAttribute('http.response.status_code', response.statusCode);
          if (response.statusCode >= 500) fail(span, String(response.statusCode));
        }
        span.end();
      });
    }
    within(span, next);
  };
}
