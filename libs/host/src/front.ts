import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sleep } from '#libs/clock';
import { CaError, toProblem } from '#libs/errors';

/** How long a connection may have opened without a request on it, when nothing else is under way. */
const GRACE_MS = 500;

/**
 * A process's port. It listens before anything else is reached, answers the process's own paths at once and every other
 * with 503 until the application is there; it is closed without cutting a request.
 */
export class Front {
  readonly #server: Server = createServer((request, response) => this.#dispatch(request, response));
  readonly #underWay = new Set<ServerResponse>();
  #application: RequestListener | undefined;
  #closing = false;

  constructor(private readonly own: { listener: RequestListener; paths: readonly string[] }) {}

  /** @returns the port @throws Error saying what is wrong with address or port */
  async listen(port: number, host: string, variable = 'PORT'): Promise<number> {
    await new Promise<void>((done, fail) => {
      this.#server.once('error', (error) => fail(named(error, port, host, variable)));
      this.#server.listen(port, host, done);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  open(application: RequestListener): void {
    this.#application = application;
  }

  get state(): 'starting' | 'serving' | 'stopping' {
    if (this.#closing) return 'stopping';
    return this.#application ? 'serving' : 'starting';
  }

  /** Takes no new connection; requests under way get their whole answer, and their connections are closed after it. */
  async close(): Promise<void> {
    this.#closing = true;
    const ended = new AbortController();
    this.#server.close(() => ended.abort());
    for (const response of this.#underWay) if (!response.headersSent) response.setHeader('Connection', 'close');
    // A connection on which no request ever came is not idle to Node: without this it would be waited for.
    while (!ended.signal.aborted) {
      await sleep(GRACE_MS, ended.signal);
      if (this.#underWay.size === 0) this.#server.closeAllConnections();
    }
  }

  #dispatch(request: IncomingMessage, response: ServerResponse): void {
    this.#underWay.add(response);
    if (this.#closing) response.setHeader('Connection', 'close');
    response.once('close', () => {
      this.#underWay.delete(response);
      // One that was promised to be kept open when its answer began.
      if (this.#closing) setImmediate(() => this.#server.closeIdleConnections());
    });
    const path = (request.url ?? '/').split('?', 1)[0]!;
    if (this.own.paths.includes(path)) return this.own.listener(request, response);
    if (this.#application) return this.#application(request, response);
    const problem = toProblem(new CaError('starting', 'this service is starting'));
    response.writeHead(problem.status, {
      'content-type': 'application/problem+json; charset=utf-8',
      'cache-control': 'no-store',
      'retry-after': '1',
    });
    response.end(JSON.stringify(problem));
  }
}

function named(error: NodeJS.ErrnoException, port: number, host: string, variable: string): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new Error(`port ${port} is in use: stop what uses it, or set ${variable}`);
    case 'EACCES':
      return new Error(`port ${port} may not be listened on by this user: set ${variable}`);
    case 'EADDRNOTAVAIL':
      return new Error(`this machine has no address ${host}: set KAIKA_HOST`);
    default:
      return error;
  }
}
