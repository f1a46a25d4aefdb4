import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, systemClock } from '#libs/clock';

const START_SECONDS = 20;

export const newDir = () => mkdtempSync(join(tmpdir(), 'kaika-edge-'));

/** A port nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

export interface Upstream {
  address: string;
  server: Server;
  /** What came, oldest first; the raw request line's path. */
  seen: { method: string; url: string; headers: IncomingHttpHeaders; body: string }[];
}

/** A service that says who it is and remembers what it was sent. */
export async function upstream(name: string, headers: Record<string, string> = {}): Promise<Upstream> {
  const seen: Upstream['seen'] = [];
  const server = createServer((message, response) => {
    let body = '';
    message.on('data', (part: Buffer) => (body += part.toString('latin1')));
    message.on('end', () => {
      seen.push({ method: message.method!, url: message.url!, headers: message.headers, body });
      response.writeHead(message.url === '/api/v1/site' ? 404 : 200, { 'x-service': name, ...headers });
      response.end(message.method === 'HEAD' ? undefined : `${name} ${message.method} ${message.url}`);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, server, seen };
}

export interface Nginx {
  dir: string;
  /** Its output and both logs. */
  logs(): string;
  stop(): Promise<void>;
}

/** Runs nginx as whoever runs this, in a folder of its own, until it takes connections at `port`. */
export async function startNginx(binary: string, config: string, port: number, dir = newDir()): Promise<Nginx> {
  const file = join(dir, 'nginx.conf');
  writeFileSync(file, config);
  const child = spawn(binary, ['-p', dir, '-e', 'stderr', '-c', file, '-g', 'daemon off;'], { stdio: 'pipe' });
  let output = '';
  child.stderr.on('data', (part: Buffer) => (output += part.toString()));
  const ended = once(child, 'exit');
  const until = systemClock().nowMs() + START_SECONDS * 1_000;
  while (!(await answers(port))) {
    if (child.exitCode !== null || systemClock().nowMs() > until) throw new Error(`nginx: ${output}`);
    await sleep(20);
  }
  const logs = () =>
    [output, ...['access.log', 'error.log'].map((name) => readFileSync(join(dir, name), 'utf8'))].join('');
  const stop = async () => {
    child.kill('SIGQUIT');
    await ended;
    rmSync(dir, { recursive: true, force: true });
  };
  return { dir, logs, stop };
}

const answers = (port: number) =>
  new Promise<boolean>((done) => {
    const socket = connect(port, '127.0.0.1', () => done(true)).on('error', () => done(false));
    socket.on('connect', () => socket.destroy());
  });

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Sends a path as it is: `fetch` would rewrite it. */
export function ask(
  at: { port: number; ca?: Buffer },
  method: string,
  path: string,
  { headers = {}, body = '' }: { headers?: Record<string, string | string[]>; body?: string } = {},
): Promise<Answer> {
  const options = { host: '127.0.0.1', port: at.port, method, path, headers, agent: false, servername: 'localhost' };
  return new Promise((done, fail) => {
    const receive = (response: IncomingMessage) => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.on('end', () => done({ status: response.statusCode!, headers: response.headers, body: text }));
    };
    const outgoing = at.ca ? tlsRequest({ ...options, ca: at.ca }, receive) : request(options, receive);
    outgoing.on('error', fail);
    outgoing.end(body);
  });
}

/** A self-signed certificate for `localhost`, P-256. */
export function selfSigned(dir: string): { certificate: string; key: string } {
  const [certificate, key] = [join(dir, 'tls.crt'), join(dir, 'tls.key')];
  const arguments_ = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -out ${certificate} -keyout ${key}`; // prettier-ignore
  execFileSync('openssl', arguments_.split(' '), { stdio: 'pipe' });
  return { certificate, key };
}
