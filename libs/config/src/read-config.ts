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
  const given = present(env);
  return outcome(schema.safeParse(given), given);
}

/** The same for settings that open files (`opened`). */
export async function openConfig<T extends z.ZodType>(schema: T, env: NodeJS.ProcessEnv): Promise<z.output<T>> {
  const given = present(env);
  return outcome(await schema.safeParseAsync(given), given);
}

const present = (env: NodeJS.ProcessEnv) =>
  Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));

function outcome<T>(result: z.ZodSafeParseResult<T>, given: Record<string, unknown>): T {
  if (result.success) return result.data;
  const problems = new Map<string, string>();
  for (const issue of result.error.issues) {
    const variable = String(issue.path[0] ?? '(several)');
    const isMissing = issue.code === 'invalid_type' && issue.path.length === 1 && !(variable in given);
    const problem = isMissing ? 'is not set' : issue.message;
    if (!problems.has(variable)) problems.set(variable, problem); // a list may have many wrong parts
  }
  throw new ConfigError([...problems].map(([variable, problem]) => ({ variable, problem })));
}

/** The path of a file that holds a secret: secrets are files, so that they are in no process list and no dump of settings. */
export const secretFile = () =>
  z.string().refine((path) => readable(path), { message: 'names a file that cannot be read' });

/**
 * What a secret's file holds. The file must be there already: a secret that is lost is never replaced by a new one.
 *
 * @param open reads it; its error names the file and never shows what is in it
 */
export const opened = <T>(open: (path: string) => T | Promise<T>) =>
  secretFile().transform(async (path, context): Promise<T> => {
    try {
      return await open(path);
    } catch (error) {
      context.addIssue({ code: 'custom', message: `cannot be used: ${(error as Error).message}` });
      return z.NEVER;
    }
  });

/** Of a PostgreSQL database, with user and password. */
export const postgresUrl = () =>
  z.url({ protocol: /^postgres(ql)?$/, message: 'is not an address of a PostgreSQL database (postgres://…)' });

export const seconds = (least = 0, most = Number.MAX_SAFE_INTEGER) => z.coerce.number().int().min(least).max(most);

/** 0 lets the system choose a free one. */
export const port = () => z.coerce.number().int().min(0).max(65_535);

export const flag = () => z.enum(['true', 'false', '1', '0']).transform((value) => value === 'true' || value === '1');

/** Of the log, as pino names them. */
export const logLevel = () => z.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace']);

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
