import type { LoggerService } from '@nestjs/common';
import pino, { type DestinationStream, type Logger } from 'pino';
import { currentTraceId } from '#libs/trace';

/** Fields that are never written, wherever they appear two levels deep (DESIGN.md §5, invariant 7). */
const SECRET_FIELDS = [
  'userCode',
  'newUserCode',
  'pin',
  'newPin',
  'nationalId',
  'birthDate',
  'authorization',
  'proof',
  'verifier',
];

/** JSON lines on standard error: standard output belongs to what a person asked for. Work of a trace says so: `traceId`. */
export function createLogger(level: string, destination: DestinationStream = pino.destination(2)): Logger {
  const paths = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);
  const redact = { paths, censor: '[redacted]' };
  const options = { level, base: null, redact, serializers: { err: errorChain }, mixin: ofTrace };
  return pino(options, destination);
}

function ofTrace(): { traceId?: string } {
  const traceId = currentTraceId();
  return traceId === undefined ? {} : { traceId };
}

/**
 * An error as the chain of what was being done. Only name, message, code and stack of each: a database error carries
 * the statement's parameters and the row it broke on, and those may be what nobody may read.
 */
function errorChain(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  const { code } = error as { code?: unknown };
  return {
    name,
    message,
    ...(code !== undefined && { code }),
    stack,
    ...(cause !== undefined && { cause: errorChain(cause) }),
  };
}

/** Nest's own messages, in the same lines. */
export function nestLogger(log: Logger): LoggerService {
  const text = (message: unknown) => (message instanceof Error ? (message.stack ?? message.message) : String(message));
  const context = (rest: unknown[]) => ({ context: rest.at(-1) });
  return {
    log: (message, ...rest) => log.debug(context(rest), text(message)),
    debug: (message, ...rest) => log.trace(context(rest), text(message)),
    verbose: (message, ...rest) => log.trace(context(rest), text(message)),
    warn: (message, ...rest) => log.warn(context(rest), text(message)),
    error: (message, ...rest) => log.error(context(rest), text(message)),
    fatal: (message, ...rest) => log.fatal(context(rest), text(message)),
  };
}
