import { Agent, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { sleep } from '#libs/clock';

export interface Answer {
  status: number;
  body: Record<string, unknown> & { type?: string };
  bytes: Buffer;
}

export interface Asked {
  token?: string;
  json?: unknown;
  form?: Record<string, string>;
  /** Octets as they are, of media type `type`. */
  body?: Uint8Array;
  type?: string;
  headers?: Record<string, string>;
}

const PATIENCE_MS = 60_000;

/** node:http and not fetch, which takes three times the CPU: under load, that is the services'. */
const agent = new Agent({ keepAlive: true });

/** "Not now": of a service, or of the edge whose service is being started again. */
const NOT_NOW = new Set([502, 503, 504]);

/**
 * One HTTP request, repeated while nobody answers or the answer says "not now": what a careful client does, and
 * what makes it safe to kill the server at any moment. Every command it is used for is idempotent.
 */
export async function ask(
  method: string,
  url: string,
  { token, json, form, body, type, headers }: Asked = {},
): Promise<Answer> {
  for (const until = performance.now() + PATIENCE_MS; ; await sleep(100)) {
    try {
      const response = await send(
        method,
        url,
        {
          ...headers,
          ...(token && { authorization: `Bearer ${token}` }),
          ...(json !== undefined && { 'content-type': 'application/json' }),
          ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
          ...(type && { 'content-type': type }),
        },
        json !== undefined ? JSON.stringify(json) : form ? new URLSearchParams(form).toString() : body,
      );
      const [bytes, status] = [await buffer(response), response.statusCode!];
      if (NOT_NOW.has(status) && performance.now() < until) continue;
      const isJson = /json/.test(response.headers['content-type'] ?? '');
      return { status, bytes, body: isJson ? (JSON.parse(bytes.toString()) as Answer['body']) : {} };
    } catch (error) {
      if (performance.now() >= until) throw new Error(`${method} ${url}: no answer`, { cause: error });
    }
  }
}

function send(method: string, url: string, headers: Record<string, string>, body?: string | Uint8Array) {
  return new Promise<IncomingMessage>((answered, fail) => {
    const sent = request(url, { method, headers, agent, timeout: PATIENCE_MS }, answered);
    sent.on('error', fail).on('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.end(body);
  });
}

/**
 * Asks again until `good`, for what follows a moment later: events and lists.
 *
 * @throws Error with the last answer when it hasn't come in a minute
 */
export async function askUntil(good: (answer: Answer) => boolean, ...request: Parameters<typeof ask>): Promise<Answer> {
  for (const until = performance.now() + PATIENCE_MS; ; await sleep(50)) {
    const answer = await ask(...request);
    if (good(answer)) return answer;
    if (performance.now() >= until) {
      throw new Error(`${request[0]} ${request[1]}: ${answer.status} ${answer.bytes.toString().slice(0, 500)}`);
    }
  }
}
