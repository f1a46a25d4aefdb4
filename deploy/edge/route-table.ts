/** One operation of the API document: who answers which method at which path. */
export interface Route {
  method: string;
  /** As in the document, `/api/v1/cards/{n}/hold`. */
  path: string;
  service: string;
  /** Regular expression of the raw path, without anchors: PCRE and JavaScript read it alike. */
  pattern: string;
  /** Without a parameter: beats those with one, so that /crls/next is not the list called "next". */
  isLiteral: boolean;
}

/** What is read of the merged document (docs/openapi.json): each operation under the tag of its one service. */
export interface ApiDocument {
  paths: Record<string, object>;
}

interface Operation {
  tags?: string[];
  'x-kaika-rest'?: boolean;
}

/** Paths that belong to each process itself and are never forwarded from outside. */
const OF_THE_PROCESS = /^\/(healthz|readyz|metrics|throwaway)(\/|$)/;

/**
 * The route table in the order in which it is asked: literal paths first, then those with parameters, as in the document.
 * A parameter is one segment, except in an operation that says `x-kaika-rest` (base64 in OCSP's GET has slashes).
 *
 * @throws Error when an operation has no service of its own, or when two services claim the same method and path
 */
export function routeTable(document: ApiDocument): Route[] {
  const routes = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Operation>).map(([method, operation]) => {
      const [service, ...others] = operation.tags ?? [];
      if (!service || others.length > 0) throw new Error(`${method} ${path} must have one tag, its service`);
      return { method: method.toUpperCase(), path, service, ...patternOf(path, operation['x-kaika-rest'] === true) };
    }),
  );
  const table = routes.filter(({ path }) => !OF_THE_PROCESS.test(path));
  table.sort((a, b) => Number(b.isLiteral) - Number(a.isLiteral));
  refuseDoubles(table);
  return table;
}

export const servicesOf = (routes: readonly Route[]): string[] => [...new Set(routes.map(({ service }) => service))];

function patternOf(path: string, rest: boolean): Pick<Route, 'pattern' | 'isLiteral'> {
  if (!/^\/[\w\-./{}~]*$/.test(path)) throw new Error(`${path} has characters that this table does not quote`);
  const pattern = path
    .split(/(\{[^}]+\})/)
    .map((part) => (part.startsWith('{') ? (rest ? '[^?]+' : '[^/?]+') : part.replace(/[.~]/g, '\\$&')))
    .join('');
  return { pattern, isLiteral: !path.includes('{') };
}

function refuseDoubles(routes: readonly Route[]): void {
  const seen = new Map<string, string>();
  for (const { method, pattern, path, service } of routes) {
    const key = `${method} ${pattern}`;
    if (seen.has(key)) throw new Error(`${method} ${path} is claimed by ${seen.get(key)} and ${service}`);
    seen.set(key, service);
  }
}
