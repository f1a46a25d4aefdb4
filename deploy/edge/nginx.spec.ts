import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RunningService } from '#libs/host';
import { Gateway } from '../../services/all-in-one/src/gateway.js';
import { describeWith } from '../tools/tool.fixture.js';
import { edgeConfig } from './nginx.js';
import { ask, freePort, type Nginx, newDir, selfSigned, startNginx, type Upstream, upstream } from './nginx.fixture.js';
import { type ApiDocument, routeTable, servicesOf } from './route-table.js';

const document = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as ApiDocument;
const routes = routeTable(document);
/** A path as a client sends it: each parameter one segment, the rest of OCSP's GET as base64 has it. */
const sample = (path: string) => path.replace('{request}', 'MF/Q+a%2Fb==').replace(/\{[^}]+\}/g, 'x1');

const BASE64 = ['MFQ', 'MF/Q+a==', '/MFQ', '%2F%2bQ', 'a/b?c', 'a//b', './a', 'a/../b', 'a%3D', 'a;b=c'];

/** The same operations behind the embedded default's listener, to be asked the same. */
function gatewayOf(table: ApiDocument): Gateway {
  const gateway = new Gateway();
  const services = servicesOf(routeTable(table)).map((name): RunningService => {
    const paths = Object.fromEntries(
      Object.entries(table.paths).flatMap(([path, item]) => {
        const own = Object.entries(item).filter(([, operation]) => (operation as { tags: string[] }).tags[0] === name);
        return own.length > 0 ? [[path, Object.fromEntries(own)]] : [];
      }),
    );
    const listener: RequestListener = (_request, response) => void response.setHeader('x-service', name).end();
    return { name, document: { paths }, app: { getHttpAdapter: () => ({ getInstance: () => listener }) } } as never;
  });
  gateway.open(services, []);
  return gateway;
}

describe('the route table of the edge', () => {
  it('asks literal paths before those with a parameter', () => {
    const firstWithParameter = routes.findIndex(({ isLiteral }) => !isLiteral);
    expect(routes.slice(firstWithParameter).every(({ isLiteral }) => !isLiteral)).toBe(true);
    expect(routes.slice(0, firstWithParameter).every(({ isLiteral }) => isLiteral)).toBe(true);
  });

  it('never has what belongs to each process itself', () => {
    const get = { get: { tags: ['one'] } };
    const paths = { '/metrics': get, '/readyz': get, '/healthz': get, '/throwaway/clock': get, '/metricsx': get };
    expect(routeTable({ paths }).map(({ path }) => path)).toEqual(['/metricsx']);
  });

  it('refuses two services for one operation, an operation without a service, and a service without an upstream', () => {
    const [one, two] = [{ get: { tags: ['one'] } }, { get: { tags: ['two'] } }];
    expect(() => routeTable({ paths: { '/x/{a}': one, '/x/{b}': two } })).toThrow('claimed by one and two');
    expect(() => routeTable({ paths: { '/x': { get: {} } } })).toThrow('one tag');
    expect(() => routeTable({ paths: { '/x': { get: { tags: ['one', 'two'] } } } })).toThrow('one tag');
    expect(() => routeTable({ paths: { '/x y': one } })).toThrow('does not quote');
    const options = { document: { paths: { '/x': one } }, upstreams: {}, listen: { plain: '1' } };
    expect(() => edgeConfig(options)).toThrow('no upstream for one');
  });
});

describeWith('nginx', 'apt-get install nginx-light', 'the edge on one plain listener', (binary) => {
  const services = new Map<string, Upstream>();
  let clock: Upstream;
  let gateway: Gateway;
  let nginx: Nginx;
  let at: { port: number };
  let embedded: { port: number };

  beforeAll(async () => {
    for (const name of servicesOf(routes)) {
      services.set(name, await upstream(name, { 'cache-control': 'max-age=7, must-revalidate' }));
    }
    clock = await upstream('clock');
    at = { port: await freePort() };
    const config = edgeConfig({
      document,
      upstreams: Object.fromEntries([...services].map(([name, { address }]) => [name, address])),
      listen: { plain: `127.0.0.1:${at.port}` },
      throwawayClock: clock.address,
    });
    nginx = await startNginx(binary, config, at.port);
    gateway = gatewayOf(document);
    await new Promise<void>((done) => gateway.server.listen(0, '127.0.0.1', done));
    embedded = { port: (gateway.server.address() as AddressInfo).port };
  });
  afterAll(async () => {
    await nginx?.stop();
    for (const { server } of [...services.values(), ...(clock ? [clock] : [])]) server.close();
    gateway?.server.close();
  });
  const allSeen = () => [...services.values(), clock].reduce((sum, { seen }) => sum + seen.length, 0);
  const allowed = (value: string | undefined) => (value ?? '').split(', ').sort();

  it('forwards each operation of the document to its service, as it came', async () => {
    for (const { method, path, service } of routes) {
      const url = `${sample(path)}?a=%2F&b`;
      const { headers } = await ask(at, method, url);
      expect([method, path, headers['x-service']]).toEqual([method, path, service]);
      expect(services.get(service)!.seen.at(-1)).toMatchObject({ method, url });
    }
  });

  it('takes HEAD as GET', async () => {
    expect((await ask(at, 'HEAD', '/crl/complete.crl')).headers['x-service']).toBe('crl-publisher');
    expect((await ask(at, 'HEAD', '/api/v1/activations')).status).toBe(405);
  });

  it.each(BASE64)('passes OCSP’s GET on octet for octet: %s', async (base64) => {
    await ask(at, 'GET', `/ocsp/${base64}`);
    expect(services.get('status-query')!.seen.at(-1)!.url).toBe(`/ocsp/${base64}`);
  });

  it('forwards nothing else', async () => {
    const before = allSeen();
    const others = ['/metrics', '/readyz', '/throwaway', '/throwaway/clocks', '/identity', '/api', '/api/v1', '/ocsp/', '/ocspx/MFQ', '/crl', '/crl/', '/crl//complete.crl', '/CRL/complete.crl', '/crl/archive/1/2.crl', '/crl/archive/7xcrl', '/api/v1/cards/a/b/hold', '/api/v1/cards//hold', '/x/../crl/complete.crl', '/%63rl/complete.crl', '/nginx.conf', '/edge/unreadable']; // prettier-ignore
    for (const path of others) {
      const { status, headers, body } = await ask(at, 'GET', path);
      expect([path, status, headers['content-type']]).toEqual([path, 404, 'application/problem+json; charset=utf-8']);
      expect(JSON.parse(body)).toEqual({
        type: 'urn:kaika:error:notFound',
        title: 'There is nothing here',
        status: 404,
        detail: 'no such path',
        legacyCode: null,
      });
    }
    expect(allSeen()).toBe(before);
  });

  it('decides each path and method as the embedded default does', async () => {
    const paths = [...new Set(routes.map(({ path }) => path))].flatMap((path) => {
      const made = sample(path);
      return [made, `${made}/`, `${made}/x`, `${made}x`, made.toUpperCase(), made.slice(0, -1) || '/x', `/${made}`];
    });
    const differences: unknown[] = [];
    for (const path of new Set([...paths, ...BASE64.map((text) => `/ocsp/${text}`)])) {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS']) {
        const [edge, direct] = await Promise.all([ask(at, method, path), ask(embedded, method, path)]);
        const seen = ({ status, headers }: typeof edge) =>
          JSON.stringify([headers['x-service'] ?? status, allowed(headers.allow)]);
        if (seen(edge) !== seen(direct)) differences.push([method, path, seen(edge), seen(direct)]);
      }
    }
    expect(differences).toEqual([]);
  }, 120_000);

  it('answers a wrong method with 405 and what is allowed', async () => {
    const { status, headers, body } = await ask(at, 'DELETE', '/api/v1/crls/next');
    expect([status, headers.allow, headers['cache-control']]).toEqual([405, 'GET', 'no-store']);
    expect(JSON.parse(body)).toMatchObject({
      type: 'urn:kaika:error:methodNotAllowed',
      detail: 'DELETE is not offered at this path',
    });
  });

  it('takes a body of 256 KiB and no octet more', async () => {
    const send = (size: number, headers = {}) =>
      ask(at, 'POST', '/api/v1/activations', { body: 'a'.repeat(size), headers });
    expect((await send(256 * 1024)).status).toBe(200);
    expect(services.get('acceptance')!.seen.at(-1)!.body.length).toBe(256 * 1024);
    const before = allSeen();
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
      const { status, body } = await send(256 * 1024 + 1, headers);
      expect(status).toBe(413);
      expect(JSON.parse(body)).toMatchObject({ type: 'urn:kaika:error:bodyTooLarge', detail: 'at most 256 KiB' });
    }
    expect(allSeen()).toBe(before);
  });

  it('says itself whom a request is from, and passes host, trace and request id on', async () => {
    const claims = { 'x-forwarded-for': '9.9.9.9', forwarded: 'for=9.9.9.9', 'x-forwarded-host': 'evil' };
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const headers = { ...claims, traceparent, host: 'ca.example:8443', 'x-request-id': 'r-1' };
    await ask(at, 'GET', '/', { headers });
    const seen = services.get('portal')!.seen.at(-1)!.headers;
    expect(seen).toMatchObject({
      ...{ host: 'ca.example:8443', traceparent, 'x-request-id': 'r-1' },
      ...{ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': 'ca.example:8443', 'x-forwarded-proto': 'http' },
    });
    expect(seen['forwarded']).toBeUndefined();
    await ask(at, 'GET', '/', { headers: { 'x-request-id': 'a b"}' } });
    expect(services.get('portal')!.seen.at(-1)!.headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/);
  });

  it('leaves Cache-Control and answers with errors as the service sent them, and caches nothing', async () => {
    const before = services.get('crl-publisher')!.seen.length;
    for (let i = 0; i < 2; i += 1) {
      const { headers } = await ask(at, 'GET', '/crl/complete.crl');
      expect([headers['cache-control'], headers.server, headers['expires']]).toEqual(['max-age=7, must-revalidate', 'nginx', undefined]); // prettier-ignore
    }
    expect(services.get('crl-publisher')!.seen.length).toBe(before + 2);
    const { status, body } = await ask(at, 'GET', '/api/v1/site');
    expect([status, body]).toEqual([404, 'portal GET /api/v1/site']);
  });

  it('answers /healthz itself and moves the clock of a throw-away instance', async () => {
    expect(await ask(at, 'GET', '/healthz')).toMatchObject({ status: 200, body: '{"status":"alive"}' });
    expect((await ask(at, 'POST', '/healthz')).headers.allow).toBe('GET');
    expect((await ask(at, 'PUT', '/throwaway/clock', { body: '{}' })).headers['x-service']).toBe('clock');
    expect((await ask(at, 'GET', '/throwaway/clock')).status).toBe(405);
  });

  it('answers what it cannot read, and for a service that is down, with a problem', async () => {
    for (const path of ['/ocsp/%2F%zz', `/${'a'.repeat(17_000)}`]) {
      const { status, headers, body } = await ask(at, 'GET', path);
      expect([status, headers['content-type']]).toEqual([400, 'application/problem+json; charset=utf-8']);
      expect(JSON.parse(body)).toMatchObject({ type: 'urn:kaika:error:invalidRequest' });
    }
    services.get('issuance')!.server.close();
    services.get('issuance')!.server.closeAllConnections();
    const { status, headers, body } = await ask(at, 'GET', '/ca/00.cer');
    expect([status, headers['retry-after']]).toEqual([503, '5']);
    expect(JSON.parse(body)).toMatchObject({ type: 'urn:kaika:error:serviceUnavailable', status: 503 });
    expect((await ask(at, 'GET', '/ocsp/MFQ')).status).toBe(200);
  });

  it('logs no query: search criteria are personal data', async () => {
    await ask(at, 'GET', '/api/v1/certificates?email=somebody');
    await ask(at, 'GET', '/api/v1/issued-certificates?email=somebody'); // its service is down
    const logs = nginx.logs();
    expect(logs).toContain('"path":"/api/v1/certificates"');
    expect(logs).toContain('"serviceStatus":"502"');
    expect(logs).not.toContain('somebody');
  });
});

describeWith('nginx', 'apt-get install nginx-light', 'the edge in production', (binary) => {
  const services = new Map<string, Upstream>();
  let nginx: Nginx;
  let plain: { port: number };
  let tls: { port: number; ca: Buffer };

  beforeAll(async () => {
    for (const name of servicesOf(routes)) services.set(name, await upstream(name));
    const dir = newDir();
    const { certificate, key } = selfSigned(dir);
    plain = { port: await freePort() };
    tls = { port: await freePort(), ca: readFileSync(certificate) };
    const config = edgeConfig({
      document,
      upstreams: Object.fromEntries([...services].map(([name, { address }]) => [name, address])),
      listen: { tls: `127.0.0.1:${tls.port}`, http: `127.0.0.1:${plain.port}`, certificate, key },
      runDir: join(dir, '.'),
      resolver: '127.0.0.1:9',
      connections: 1500,
    });
    nginx = await startNginx(binary, config, plain.port, dir);
  });
  afterAll(async () => {
    await nginx?.stop();
    for (const { server } of services.values()) server.close();
  });

  it('serves everything under TLS', async () => {
    for (const { method, path, service } of routes) {
      const { headers } = await ask(tls, method, sample(path));
      expect([method, path, headers['x-service']]).toEqual([method, path, service]);
      expect(headers['strict-transport-security']).toBe('max-age=31536000');
    }
    const { status, headers } = await ask(tls, 'GET', '/nothing');
    expect([status, headers['strict-transport-security']]).toEqual([404, 'max-age=31536000']);
  });

  it('serves lists, OCSP and CA certificates alone by plain http, and never redirects those', async () => {
    for (const { method, path, service } of routes) {
      const { status, headers } = await ask(plain, method, sample(path), { headers: { host: 'ca.example' } });
      if (/^\/(crl\/|ca\/|ocsp$|ocsp\/)/.test(path)) expect([path, headers['x-service']]).toEqual([path, service]);
      else if (method !== 'GET') expect([path, status]).toEqual([path, 404]);
      else {
        expect([path, status, headers.location]).toEqual([path, 308, `https://ca.example${sample(path)}`]);
      }
      expect(headers['strict-transport-security']).toBeUndefined();
    }
    for (const [method, path, status] of [
      ['GET', '/crl/none', 404],
      ['POST', '/crl/complete.crl', 405],
      ['GET', '/crlx', 308],
      ['GET', '/healthz', 200],
      ['GET', '/metrics', 308],
      ['PUT', '/throwaway/clock', 404],
    ] as const) {
      expect([path, (await ask(plain, method, path)).status]).toEqual([path, status]);
    }
  });

  it.each(BASE64)('passes OCSP’s GET on octet for octet: %s', async (base64) => {
    await ask(plain, 'GET', `/ocsp/${base64}`);
    expect(services.get('status-query')!.seen.at(-1)!.url).toBe(`/ocsp/${base64}`);
  });
});
