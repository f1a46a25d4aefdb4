import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Logger } from 'pino';
import { CaError, toProblem } from '#libs/errors';
import type { Readers } from '../readers/reader.js';
import { Relay, type RelaySession } from './relay-session.js';
import type { StationConfig } from './station.config.js';

/** Header, Lc, 255 octets, Le: the longest short APDU. */
const MAX_APDU_BYTES = 261;
const MIN_APDU_BYTES = 4;
/** Between two commands: whoever is silent for longer has lost the card. */
const IDLE_MS = 30_000;
const HANDSHAKE_MS = 5_000;
const REQUEST_MS = 10_000;

/**
 * The relay of an agent in station mode: raw APDUs for the centre's personalisation, in HTTP over mutual TLS 1.3. Nobody
 * gets past the handshake without a certificate of the configured CA. A session belongs to its connection: when that
 * closes, for whatever reason, the card is reset and free again.
 *
 * `POST /v1/session` powers the card on, `POST /v1/apdu` sends one command, `DELETE /v1/session` resets the card.
 */
export async function startStation(
  config: StationConfig,
  { readers, log }: { readers: Pick<Readers, 'list'>; log: Logger },
): Promise<{ port: number; close(): Promise<void> }> {
  const relay = new Relay(readers);
  const sessions = new Map<Socket, RelaySession>();
  const server = createServer({
    ...{ cert: config.certificate, key: config.key, ca: config.clientCa },
    ...{ requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3', handshakeTimeout: HANDSHAKE_MS },
    ...{ keepAliveTimeout: IDLE_MS, headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS },
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    void answer(request, response, { relay, sessions, log });
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException) => {
    log.warn({ code: error.code }, 'somebody without the right certificate was refused at the station');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(config.port, config.host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => close(server, sessions) };
}

interface Parts {
  readonly relay: Relay;
  readonly sessions: Map<Socket, RelaySession>;
  readonly log: Logger;
}

async function answer(request: IncomingMessage, response: ServerResponse, parts: Parts): Promise<void> {
  try {
    const body = await handle(request, parts);
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': body.length }).end(body);
  } catch (error) {
    const problem = toProblem(error);
    // Never what was in the command: it may be a PIN.
    if (!(error instanceof CaError)) parts.log.error({ err: error }, 'the station failed');
    const text = JSON.stringify(problem);
    response.writeHead(problem.status, { 'content-type': 'application/problem+json' }).end(text);
  }
}

async function handle(request: IncomingMessage, { relay, sessions, log }: Parts): Promise<Buffer> {
  const { socket } = request;
  const body = await bodyOf(request);
  switch (`${request.method} ${request.url}`) {
    case 'POST /v1/session': {
      if (sessions.has(socket)) throw new CaError('readerBusy', 'this connection has the card already');
      const session = await relay.begin();
      if (socket.destroyed) {
        await session.end();
        throw new CaError('sessionExpired', 'the connection was lost');
      }
      sessions.set(socket, session);
      socket.once('close', () => {
        sessions.delete(socket);
        session.end().catch((error: unknown) => log.warn({ err: error }, 'the card could not be reset'));
      });
      log.info('the centre has the card in this station');
      return Buffer.alloc(0);
    }
    case 'POST /v1/apdu': {
      const session = sessions.get(socket);
      if (!session) throw new CaError('sessionExpired', 'this connection has no card');
      if (body.length < MIN_APDU_BYTES) throw new CaError('invalidRequest', 'an APDU has 4 to 261 octets');
      return session.transmit(body);
    }
    case 'DELETE /v1/session': {
      await sessions.get(socket)?.end();
      sessions.delete(socket);
      return Buffer.alloc(0);
    }
    default:
      throw new CaError('notFound', 'there is nothing here');
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let total = 0;
  for await (const part of request) {
    total += (part as Buffer).length;
    if (total > MAX_APDU_BYTES) throw new CaError('bodyTooLarge', 'an APDU has 4 to 261 octets');
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts);
}

async function close(server: Server, sessions: Map<Socket, RelaySession>): Promise<void> {
  const all = [...sessions.values()];
  await new Promise((resolve) => server.close(resolve).closeAllConnections());
  await Promise.all(all.map((session) => session.end()));
}
