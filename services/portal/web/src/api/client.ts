import createClient from 'openapi-fetch';
import { Problem, problemOf } from './problem.js';
import type { paths } from './schema.js';

/** Calls typed by docs/openapi.json. A form is never sent with credentials, and never from a cache. */
export const api = createClient<paths>({
  baseUrl: location.origin,
  credentials: 'omit',
  cache: 'no-store',
  headers: { accept: 'application/json' },
});

/**
 * The answer of a call, or a Problem by name: offline when nobody answered, cancelled when the person gave up.
 *
 * @throws Problem
 */
export async function answerOf<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<NonNullable<T>> {
  let result;
  try {
    result = await call;
  } catch (error) {
    throw error instanceof DOMException && error.name === 'AbortError'
      ? new Problem('cancelled')
      : new Problem('offline');
  }
  const { data, error, response } = result;
  if (!response.ok || data === undefined || data === null) throw problemOf(response.status, error);
  return data;
}
