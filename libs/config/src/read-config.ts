import { accessSync, constants } from 'node:fs';
import { z } from 'zod';

/** Settings that cannot be used. Names every wrong variable at once, and never shows a value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: { variable: string; problem: string }[]) {
    super(['The settings cannot be used:', ...problems.map((p) => `  ${p.variable}: ${p.problem}`)].join('\n'));
  }
}

/**
 * Reads settings from the environment by a zod object whose keys are the variables' names.
 * An empty variable counts as not set, as in a compose file with `KAIKA_X=`.
 */
export function readConfig<T extends z.ZodType>(schema: T, env: NodeJS.ProcessEnv): z.output<T> {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const result = schema.safeParse(present);
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues.map((issue) => ({
      variable: issue.path.join('.') || '(several)',
      problem: issue.code === 'invalid_type' && issue.input === undefined ? 'is not set' : issue.message,
    })),
  );
}

/** The path of a file that holds a secret: secrets are files, so that they are in no process list and no dump of settings. */
export const secretFile = () =>
  z.string().refine((path) => readable(path), { message: 'names a file that cannot be read' });

export const seconds = (least = 0, most = Number.MAX_SAFE_INTEGER) => z.coerce.number().int().min(least).max(most);

/** 0 lets the system choose a free one. */
export const port = () => z.coerce.number().int().min(0).max(65_535);

export const flag = () => z.enum(['true', 'false', '1', '0']).transform((value) => value === 'true' || value === '1');

/** An http(s) base address without a trailing slash. */
export const httpUrl = () =>
  z
    .url({ protocol: /^https?$/, message: 'is not an http or https address' })
    .transform((value) => value.replace(/\/+$/, ''));

function readable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
