import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RunningService } from '#libs/host';
import { Gateway } from './gateway.js';

/** A service with these paths, each answering who it is and what it was sent. */
function service(name: string, paths: Record<string, object>): RunningService {
  const listener = (request: { method: string; url: string }, response: { end(text: string): void }) =>
    response.end(`${name} ${request.method} ${request.url}`);
  return { name, document: { paths }, app: { getHttpAdapter: () => ({ getInstance: () => listener }) } } as never;
}

const gateway = new Gateway();
let url: string;
const ask = async (method: string, path: string) => {
  const response = await fetch(url + path, { method });
  return response.status === 200 ? response.text() : response.status;
};

beforeAll(async () => {
  await new Promise<void>((done) => gateway.server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(gateway.server.address() as AddressInfo).port}`;
});
afterAll(() => void gateway.server.close());

describe('the gateway', () => {
  it('says that the services are starting until they are there', async () => {
    expect(await ask('GET', '/a/1')).toBe(503);
    gateway.open(
      [
        service('one', { '/a/{id}': { get: {} }, '/a/{id}.cer': { get: {} }, '/ocsp': { post: {} } }),
        service('two', { '/a/next': { get: {} }, '/ocsp/{request}': { get: { 'x-kaika-rest': true } } }),
      ],
      [{ name: 'own', listener: (_request, response) => void response.end('own'), paths: { '/': ['GET'] } }],
    );
  });

  it('gives a request to the service that has its path, a literal one before a parameter', async () => {
    expect(await ask('GET', '/')).toBe('own');
    expect(await ask('GET', '/a/1?x=/y')).toBe('one GET /a/1?x=/y');
    expect(await ask('GET', '/a/next')).toBe('two GET /a/next');
    expect(await ask('GET', '/a/1/2')).toBe(404);
    expect(await ask('DELETE', '/a/1')).toBe(405);
  });

  it('gives the rest of a path, slashes and all, to a parameter that takes it, untouched', async () => {
    for (const path of ['/ocsp/MFQ', '/ocsp/MF/Q+a==', '/ocsp//MFQ', '/ocsp/%2F%zz', '/ocsp/a/b?c']) {
      expect(await ask('GET', path)).toBe(`two GET ${path}`);
    }
    expect(await ask('POST', '/ocsp')).toBe('one POST /ocsp');
    expect(await ask('POST', '/ocsp/MFQ')).toBe(405);
    expect(await ask('GET', '/ocsp/')).toBe(404);
    expect(await ask('GET', '/ocspx/MFQ')).toBe(404);
  });

  it('refuses two services that claim one path', () => {
    const twice = [service('one', { '/x/{a}': { get: {} } }), service('two', { '/x/{b}': { get: {} } })];
    expect(() => new Gateway().open(twice, [])).toThrow('claimed by one and two');
  });
});
