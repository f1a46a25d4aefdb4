import { Agent, request as httpsRequest } from 'node:https';
import { CaError, ERRORS, type ErrorCode, type Problem } from '#libs/errors';
import type { CardConnection } from '#libs/piv';
import type { Station } from './station.js';

/** Where a station is, and by what both sides know each other. */
export interface RemoteStationSettings {
  readonly name: string;
  /** `https://host:port` */
  readonly url: string;
  /** PEM: this service's certificate and key for stations, and the CA of their certificates: no other is trusted. */
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}

/** A card looks for RSA primes for two minutes; the card's own time-out is shorter than this one. */
const APDU_MS = 130_000;
const SESSION_MS = 15_000;
const MAX_ANSWER_BYTES = 8_192;

/**
 * A card agent in station mode: its card, over mutual TLS. One connection a session, since the agent resets the card
 * when that closes; a command whose answer is lost is never sent again by itself.
 */
export class RemoteStation implements Station {
  constructor(private readonly settings: RemoteStationSettings) {}

  get name(): string {
    return this.settings.name;
  }

  async open(): Promise<CardConnection> {
    const { certificate: cert, key, ca } = this.settings;
    const agent = new Agent({ keepAlive: true, maxSockets: 1, cert, key, ca, minVersion: 'TLSv1.3' });
    const ask = (method: string, path: string, timeoutMs: number, body?: Uint8Array) =>
      this.ask({ agent, method, path, timeoutMs, body });
    try {
      await ask('POST', '/v1/session', SESSION_MS);
    } catch (error) {
      agent.destroy();
      throw error;
    }
    let unanswered = 0;
    return {
      transmit: (apdu) => {
        unanswered += 1;
        return ask('POST', '/v1/apdu', APDU_MS, apdu).finally(() => (unanswered -= 1));
      },
      close: async () => {
        // Closing the connection resets the card as well. A request would wait behind a command that has no answer.
        if (unanswered === 0) await ask('DELETE', '/v1/session', SESSION_MS).catch(() => undefined);
        agent.destroy();
      },
    };
  }

  private ask({ agent, method, path, timeoutMs, body }: Ask): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const lost = (cause: unknown) =>
        reject(new CaError('stationUnreachable', `station ${this.name} does not answer`, {}, { cause }));
      const request = httpsRequest(new URL(path, this.settings.url), {
        ...{ agent, method, timeout: timeoutMs },
        headers: { 'content-type': 'application/octet-stream', 'content-length': body?.length ?? 0 },
      });
      request.once('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
      request.once('error', lost);
      request.once('response', (response) => {
        const parts: Buffer[] = [];
        let total = 0;
        response.on('data', (part: Buffer) => {
          total += part.length;
          if (total > MAX_ANSWER_BYTES) response.destroy(new Error('the answer is too long'));
          parts.push(part);
        });
        response.once('error', lost);
        response.once('close', () => lost(new Error('the answer broke off')));
        response.once('end', () => {
          const answer = Buffer.concat(parts);
          if (response.statusCode === 200) resolve(answer);
          else reject(this.problem(answer));
        });
      });
      request.end(body);
    });
  }

  /** What the station named; a session it does not know any more was lost with its connection. */
  private problem(answer: Buffer): CaError {
    const { type, detail } = parsed(answer);
    const code = type?.replace('urn:kaika:error:', '') ?? '';
    if (!Object.hasOwn(ERRORS, code) || code === 'sessionExpired' || code === 'internal') {
      return new CaError('stationUnreachable', `station ${this.name} has lost the session, or failed`);
    }
    return new CaError(code as ErrorCode, `station ${this.name}: ${detail ?? ''}`);
  }
}

interface Ask {
  agent: Agent;
  method: string;
  path: string;
  timeoutMs: number;
  body?: Uint8Array | undefined;
}

function parsed(answer: Buffer): Partial<Problem> {
  try {
    return (JSON.parse(answer.toString()) ?? {}) as Partial<Problem>;
  } catch {
    return {};
  }
}
