import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Response } from 'express';
import type { Logger } from 'pino';
import { isSurroundingsError } from '#libs/database';
import { CaError, toProblem } from '#libs/errors';

/** A database that was killed is back in about that time. */
const RETRY_AFTER_SECONDS = 2;

/** The edge: turns what was thrown into application/problem+json (RFC 9457). Unknown errors are logged once, here. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    // An event's error belongs to its consumer, which decides between a retry and a dead letter.
    if (host.getType() !== 'http') throw error;
    const response = host.switchToHttp().getResponse<Response>();
    const named = nameOf(error);
    const problem = toProblem(named);
    if (problem.status >= 500) this.log.error({ err: named }, 'request failed');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const { retryAfterSeconds } = problem;
    if (typeof retryAfterSeconds === 'number') response.setHeader('Retry-After', String(retryAfterSeconds));
    if (problem.status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="kaika"');
    response.setHeader('Cache-Control', 'no-store');
    response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  }
}

/** Nest's router and the body parser throw errors of their own; these are their names here. */
function nameOf(error: unknown): unknown {
  if (error instanceof CaError) return error;
  const status =
    error instanceof HttpException ? error.getStatus() : (error as { status?: number } | undefined)?.status;
  switch (status) {
    case 404:
      return new CaError('notFound', 'no such path');
    case 405:
      return new CaError('methodNotAllowed', 'no such method');
    case 413:
      return new CaError('bodyTooLarge', 'at most 256 KiB');
    case 415:
      return new CaError('unsupportedMediaType', 'send JSON in UTF-8');
    default:
      if (status !== undefined && status >= 400 && status < 500) {
        return new CaError('invalidRequest', 'the request cannot be read: is the body JSON?');
      }
      // It passes by waiting: whoever asks again gets the answer, and no alarm is raised for a bug that is none.
      if (isSurroundingsError(error)) {
        const retryAfterSeconds = RETRY_AFTER_SECONDS;
        return new CaError(
          'serviceUnavailable',
          'what it needs does not answer',
          { retryAfterSeconds },
          { cause: error },
        );
      }
      return error;
  }
}
