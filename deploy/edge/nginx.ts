import { type ApiDocument, type Route, routeTable, servicesOf } from './route-table.js';
import { ERROR_PAGES, PROBLEM_LOCATIONS } from './problems.js';

export interface EdgeOptions {
  /** The merged API document, docs/openapi.json. */
  document: ApiDocument;
  /** Where each service of the document listens, `host:port`. */
  upstreams: Record<string, string>;
  /**
   * `plain`: one listener with everything, on this address (`127.0.0.1:8080`), for one machine.
   * `public`: TLS with everything, and plain http with lists, OCSP and CA certificates alone, which are never redirected:
   * who checks a certificate may not need a certificate for that.
   */
  listen: { plain: string } | { tls: string; http: string; certificate: string; key: string };
  /**
   * Name server to ask again each few seconds, `127.0.0.11`: for surroundings in which a service's address changes or is
   * unknown while it is down. Without it names are looked up once, at the start, and connections to services are kept.
   */
  resolver?: string;
  /** Folder of pid and temporary files; relative to nginx' prefix (`-p`). Default: the prefix itself. */
  runDir?: string;
  /** File, or `off`. Default: `access.log` in `runDir`. */
  accessLog?: string;
  /** File, or `stderr`. Default: `error.log` in `runDir`. */
  errorLog?: string;
  /** How many processes; `auto` would be as many as the machine has cores, whatever a container may use. Default 1. */
  workers?: number;
  /** Connections a worker holds, to both sides. Default 1024; beyond it the limit of open files is raised as well. */
  connections?: number;
  /** A throw-away instance: `PUT /throwaway/clock` goes there, `host:port`. */
  throwawayClock?: string;
}

/**
 * What is reached by plain http in production (RFC 5280 §8, RFC 6960 appendix A). Pages are sent to TLS; a form that came
 * without it has been read by others already and is not taken.
 */
const PLAIN_HTTP = `map "$request_method $request_uri" $kaika_not_plain {
  default refused;
  "~^[A-Z_-]+ /(?:crl/|ca/|ocsp(?:[/?]|$)|healthz(?:\\?|$))" "";
  "~^(?:GET|HEAD) /" redirected;
}
`;
const PLAIN_HTTP_ONLY = `if ($kaika_not_plain = redirected) {
  return 308 https://$host$request_uri;
}
if ($kaika_not_plain = refused) {
  return 404;
}`;
/** As libs/host reads at most; nginx keeps it in memory, so that no personal data lies in temporary files. */
const BODY_LIMIT = '256k';
const CLOCK = 'throwaway-clock';
const OWN = 'edge';

/**
 * nginx.conf of the edge: every operation of the document is forwarded to its service, and nothing else. The table is
 * matched against the raw request line (`$request_uri`), never against nginx' decoded and cleaned path, and passed on as it
 * came: OCSP's GET has base64 with `/`, `%2F` and `+` in it. Answers of the edge itself are problems (RFC 9457) as the
 * services send them.
 *
 * @returns for nginx 1.22 and later: `nginx -p <dir> -e stderr -c <file> -g 'daemon off;'`, as an ordinary user
 * @throws Error when the document has a service without an upstream, or two services for one operation
 */
export function edgeConfig(options: EdgeOptions): string {
  const { document, upstreams, throwawayClock } = options;
  const routes = routeTable(document);
  const missing = servicesOf(routes).filter((service) => !upstreams[service]);
  if (missing.length > 0) throw new Error(`no upstream for ${missing.join(', ')}`);
  const own: Route[] = [{ method: 'GET', path: '/healthz', service: OWN, pattern: '/healthz', isLiteral: true }];
  if (throwawayClock) {
    own.push({ method: 'PUT', path: '/throwaway/clock', service: CLOCK, pattern: '/throwaway/clock', isLiteral: true });
  }
  const addresses = [
    ...servicesOf(routes).map((service) => [service, upstreams[service]!] as const),
    ...(throwawayClock ? [[CLOCK, throwawayClock] as const] : []),
  ];
  const table = [...own, ...routes];
  return [
    HEAD,
    processSettings(options),
    'http {',
    indent([HTTP, logSettings(options), tempSettings(options), routeMaps(table), addressing(addresses, options)]),
    indent(servers(options)),
    '}\n',
  ].join('\n');
}

const HEAD = `# Made from docs/openapi.json by deploy/edge: change that and run "npm run edge", not this file.`;

function processSettings({ runDir, workers = 1, connections = 1024, ...options }: EdgeOptions): string {
  // Messages of level "error" quote the request line with its query, and search criteria are personal data: what failed is in
  // the access log, without it.
  return `pid ${inDir(runDir, 'nginx.pid')};
error_log ${options.errorLog ?? inDir(runDir, 'error.log')} crit;
worker_processes ${workers};
${connections > 1024 ? `worker_rlimit_nofile ${connections * 2};\n` : ''}worker_shutdown_timeout 30s;
pcre_jit on;

events {
  worker_connections ${connections};
}
`;
}

const HTTP = `server_tokens off;
merge_slashes off;
default_type application/json;
tcp_nodelay on;

client_max_body_size ${BODY_LIMIT};
client_body_buffer_size ${BODY_LIMIT};
large_client_header_buffers 4 16k;
client_header_timeout 15s;
client_body_timeout 15s;
send_timeout 30s;
keepalive_timeout 65s;
reset_timedout_connection on;

# Whom a request is from is what this edge saw, never what a stranger says.
proxy_set_header Host $kaika_host;
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Proto $scheme;
proxy_set_header X-Forwarded-Host $kaika_host;
proxy_set_header Forwarded "";
proxy_set_header X-Request-Id $kaika_request_id;
proxy_set_header Connection "";
proxy_http_version 1.1;
proxy_connect_timeout 3s;
proxy_send_timeout 30s;
proxy_read_timeout 60s;
# Nothing is cached: an old revocation list is worse than a slow one. Long answers are not kept in files either.
proxy_cache off;
proxy_max_temp_file_size 0;

map $http_host $kaika_host {
  default $http_host;
  "" $host;
}
map $http_x_request_id $kaika_request_id {
  default $request_id;
  "~^[A-Za-z0-9._-]{1,64}$" $http_x_request_id;
}
map $https $kaika_hsts {
  default "";
  on max-age=31536000;
}
add_header Strict-Transport-Security $kaika_hsts always;
map $request_uri $kaika_path {
  default -;
  "~^(?<kaika_before_query>[^?]*)" $kaika_before_query;
}
`;

/** Without the query: search criteria are names, addresses and numbers of persons. */
const logSettings = ({ runDir, accessLog }: EdgeOptions) =>
  `log_format kaika escape=json '{"time":"$time_iso8601","from":"$remote_addr","method":"$request_method",'
  '"path":"$kaika_path","status":$status,"service":"$kaika_service","seconds":$request_time,'
  '"serviceStatus":"$upstream_status","bytes":$body_bytes_sent,"requestId":"$kaika_request_id"}';
access_log ${accessLog === 'off' ? 'off' : `${accessLog ?? inDir(runDir, 'access.log')} kaika`};
`;

const tempSettings = ({ runDir }: EdgeOptions) =>
  ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${inDir(runDir, `temp-${kind.replace('_', '-')}`)};\n`)
    .join('');

/** Method and raw path to the service, and the methods that a path has at all (for 404, 405 and Allow). */
function routeMaps(table: readonly Route[]): string {
  const methods = [...new Set(table.map(({ method }) => method))];
  const services = table.map(
    ({ method, pattern, service }) =>
      `  "~^${method === 'GET' ? '(?:GET|HEAD)' : method} ${pattern}(?:\\?|$)" ${service};`,
  );
  const offered = methods.map((method) => {
    const lines = table
      .filter((route) => route.method === method)
      .map(({ pattern }) => `  "~^${pattern}(?:\\?|$)" ", ${method}";`);
    return `map $request_uri $kaika_offers_${method.toLowerCase()} {\n  default "";\n${lines.join('\n')}\n}\n`;
  });
  const all = methods.map((method) => `$kaika_offers_${method.toLowerCase()}`).join('');
  return `# The first that fits is taken.
map "$request_method $request_uri" $kaika_service {
  default "";
${services.join('\n')}
}
${offered.join('')}map "${all}" $kaika_allow {
  default "";
  "~^, (?<kaika_offered>.+)$" $kaika_offered;
}
`;
}

function addressing(addresses: (readonly [name: string, address: string])[], { resolver }: EdgeOptions): string {
  if (resolver) {
    const lines = addresses.map(([name, address]) => `  ${name} ${address};`).join('\n');
    return `resolver ${resolver} valid=5s;\nmap $kaika_service $kaika_upstream {\n  default "";\n${lines}\n}\n`;
  }
  // A service closes a connection that was idle for 5 s; a POST sent into that moment could not be sent again.
  return addresses
    .map(([name, address]) => `upstream ${name} {\n  server ${address};\n  keepalive 32;\n  keepalive_timeout 4s;\n}\n`)
    .join('');
}

function servers(options: EdgeOptions): string[] {
  const { listen, resolver } = options;
  const pass = `proxy_pass http://${resolver ? '$kaika_upstream' : '$kaika_service'};`;
  if ('plain' in listen) return [server([`listen ${listen.plain};`], pass, [])];
  const tls = [
    `listen ${listen.tls} ssl;`,
    `ssl_certificate ${listen.certificate};`,
    `ssl_certificate_key ${listen.key};`,
    'ssl_protocols TLSv1.2 TLSv1.3;',
    'ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;',
    'ssl_session_cache shared:kaika:10m;',
    'ssl_session_tickets off;',
  ];
  return [PLAIN_HTTP, server(tls, pass, []), server([`listen ${listen.http};`], pass, [PLAIN_HTTP_ONLY])];
}

function server(own: string[], pass: string, first: string[]): string {
  return `server {
${indent([...own, 'server_name _;', ERROR_PAGES])}
  location / {
${first.length > 0 ? `${indent(first, 4)}\n` : ''}    if ($kaika_allow = "") {
      return 404;
    }
    if ($kaika_service = "") {
      return 405;
    }
    if ($kaika_service = ${OWN}) {
      return 200 '{"status":"alive"}';
    }
    ${pass}
  }
${indent([PROBLEM_LOCATIONS])}
}
`;
}

const inDir = (dir: string | undefined, name: string) => (dir ? `${dir}/${name}` : name);

const indent = (blocks: readonly string[], by = 2) =>
  blocks
    .join('\n')
    .split('\n')
    .map((line) => (line === '' ? line : ' '.repeat(by) + line))
    .join('\n');
