import createClient from 'openapi-fetch';
import type { paths } from '../api/schema.js';
import { currentToken, signInAgain } from './login/session.js';

/** Every call of the console carries the token; one that has expired is asked for again, and the call is sent once more. */
async function withToken(request: Request): Promise<Response> {
  const again = request.clone();
  const response = await send(request);
  if (response.status !== 401) return response;
  try {
    await signInAgain();
  } catch {
    return response; // the person did not sign in again: 401 is the answer
  }
  return send(again);
}

const send = (request: Request): Promise<Response> => {
  request.headers.set('authorization', `Bearer ${currentToken() ?? ''}`);
  return fetch(request);
};

export const api = createClient<paths>({
  baseUrl: location.origin,
  credentials: 'omit',
  cache: 'no-store',
  headers: { accept: 'application/json' },
  fetch: withToken,
});

/** One for each thing that is sent: however often it arrives, it is done once. */
export const once = () => ({ 'Idempotency-Key': crypto.randomUUID() });
