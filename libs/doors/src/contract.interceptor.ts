import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { Request } from 'express';
import type { Observable } from 'rxjs';
import type { z } from 'zod';
import { CaError } from '#libs/errors';
import { endpointOf } from './endpoint.js';

/** Parses body, query and params by the endpoint's schemas, so that a handler sees only what its contract allows. */
@Injectable()
export class ContractInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() === 'http') parse(context);
    return next.handle();
  }
}

function parse(context: ExecutionContext): void {
  const endpoint = endpointOf(context.getHandler());
  const request = context.switchToHttp().getRequest<Request>();
  const errors: { at: string; problem: string }[] = [];
  if (endpoint?.params) {
    const params = check(endpoint.params, request.params, (path) => `path:${path.join('.')}`, errors);
    if (params) request.params = params as Request['params'];
  }
  if (endpoint?.query) {
    const query = check(endpoint.query, request.query, (path) => `query:${path.join('.')}`, errors);
    // Express 5 makes `query` a getter.
    if (query) Object.defineProperty(request, 'query', { value: query });
  }
  if (endpoint?.body) {
    if (!request.is('application/json')) throw new CaError('unsupportedMediaType', 'send application/json');
    const body = check(endpoint.body, request.body, pointer, errors);
    if (body !== undefined) request.body = body;
  }
  if (errors.length > 0)
    throw new CaError('invalidRequest', errors.map((e) => `${e.at}: ${e.problem}`).join('; '), { errors });
}

/** Messages come from the schemas, which name rules and never repeat the value. */
function check(
  schema: z.ZodType,
  value: unknown,
  at: (path: string[]) => string,
  errors: { at: string; problem: string }[],
): unknown {
  const result = schema.safeParse(value);
  if (result.success) {
    const path = pathOfNul(result.data);
    if (!path) return result.data;
    errors.push({ at: at(path), problem: 'has a NUL character' });
    return undefined;
  }
  for (const issue of result.error.issues.slice(0, 20)) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys.slice(0, 20))
        errors.push({ at: at([...issue.path.map(String), key.slice(0, 64)]), problem: 'is not known here' });
    } else {
      errors.push({ at: at(issue.path.map(String)), problem: issue.message });
    }
  }
  return undefined;
}

/** RFC 6901; `/` for the whole. */
const pointer = (path: string[]) =>
  path.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('') || '/';

/** Where a text has a NUL, which PostgreSQL stores in no text: refused for every field of every endpoint. */
function pathOfNul(value: unknown): string[] | undefined {
  if (typeof value === 'string') return value.includes('\u0000') ? [] : undefined;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return undefined;
  for (const [key, member] of Object.entries(value)) {
    const path = key.includes('\u0000') ? [] : pathOfNul(member);
    if (path) return [key.replaceAll('\u0000', ''), ...path];
  }
  return undefined;
}
