import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { CaError, toProblem } from '#libs/errors';
import type { RunningService } from '#libs/host';

interface Route {
  service: string;
  listener: RequestListener;
  methods: Set<string>;
  pattern: RegExp;
  /** Without a parameter: beats those with one, so that /crls/next is not the list called "next". */
  isLiteral: boolean;
}

/** What answers without a document of its own. */
export interface Listening {
  name: string;
  listener: RequestListener;
  /** Methods by path. */
  paths: Record<string, string[]>;
}

/**
 * One http listener in front of several Nest applications. A request goes to the service whose OpenAPI document has its
 * path; the table is exact, so that no service's 404 hides another's endpoint. It listens before the services exist and
 * answers 503 until they do.
 */
export class Gateway {
  readonly server: Server = createServer((request, response) => this.dispatch(request, response));
  #routes: Route[] | undefined;

  /** @throws Error when two services claim the same method and path */
  open(services: readonly RunningService[], own: readonly Listening[]): void {
    const routes = [
      ...services.flatMap(({ name, app, document }) =>
        Object.entries(document.paths).map(([path, item]) =>
          route(name, app.getHttpAdapter().getInstance() as RequestListener, path, methodsOf(item), takesRest(item)),
        ),
      ),
      ...own.flatMap(({ name, listener, paths }) =>
        Object.entries(paths).map(([path, methods]) => route(name, listener, path, methods)),
      ),
    ];
    routes.sort((a, b) => Number(b.isLiteral) - Number(a.isLiteral));
    refuseDoubles(routes);
    this.#routes = routes;
  }

  private dispatch(request: IncomingMessage, response: ServerResponse): void {
    if (!this.#routes) return sendProblem(response, new CaError('starting', 'the services are starting'));
    const path = (request.url ?? '/').split('?', 1)[0]!;
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
    const fitting = this.#routes.filter((candidate) => candidate.pattern.test(path));
    const found = fitting.find((candidate) => candidate.methods.has(method));
    if (found) return found.listener(request, response);
    if (fitting.length === 0) return sendProblem(response, new CaError('notFound', 'no such path'));
    response.setHeader('Allow', [...new Set(fitting.flatMap((candidate) => [...candidate.methods]))].join(', '));
    sendProblem(response, new CaError('methodNotAllowed', `${method} is not offered at this path`));
  }
}

/** @param rest  the parameter takes the rest of the path, slashes and all */
function route(service: string, listener: RequestListener, path: string, methods: string[], rest = false): Route {
  const source = path
    .split(/(\{[^}]+\})/)
    .map((part) => (part.startsWith('{') ? (rest ? '.+' : '[^/]+?') : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join('');
  const isLiteral = !path.includes('{');
  return { service, listener, methods: new Set(methods), pattern: new RegExp(`^${source}$`), isLiteral };
}

/** An operation says so with `x-kaika-rest` (OpenAPI has no word for it): base64 in OCSP's GET has slashes. */
function takesRest(item: object): boolean {
  return Object.values(item).some((operation: { 'x-kaika-rest'?: boolean }) => operation['x-kaika-rest'] === true);
}

function methodsOf(item: object): string[] {
  return Object.keys(item).map((method) => method.toUpperCase());
}

function refuseDoubles(routes: Route[]): void {
  const seen = new Map<string, string>();
  for (const { service, methods, pattern } of routes) {
    for (const method of methods) {
      const key = `${method} ${pattern.source}`;
      if (seen.has(key)) throw new Error(`${key} is claimed by ${seen.get(key)} and ${service}`);
      seen.set(key, service);
    }
  }
}

function sendProblem(response: ServerResponse, error: CaError): void {
  const problem = toProblem(error);
  response.writeHead(problem.status, {
    'content-type': 'application/problem+json; charset=utf-8',
    'cache-control': 'no-store',
  });
  response.end(JSON.stringify(problem));
}
