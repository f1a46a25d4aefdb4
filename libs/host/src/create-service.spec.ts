import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, Ip, Module, Param, Post, Query, Req } from '@nestjs/common';
import type { Request } from 'express';
import { z } from 'zod';
import { systemClock } from '#libs/clock';
import { Endpoint, issueToken, type SigningKey } from '#libs/doors';
import { createLogger } from './logger.js';
import { scrape } from '#libs/metrics';
import { createService, type RunningService } from './create-service.js';
import { readHostConfig } from './host.config.js';

const ISSUER = 'http://issuer.example';

@Controller('api/v1/things')
class ThingsController {
  @Get(':n')
  @Endpoint({
    allow: 'anyone',
    summary: 'Read',
    params: z.object({ n: z.string().regex(/^\d+$/) }),
    query: z.object({ page: z.coerce.number().optional(), text: z.string().optional() }),
  })
  read(@Param('n') n: string, @Query() query: object) {
    return { n, query };
  }

  @Post()
  @Endpoint({
    allow: ['ca-officer'],
    summary: 'Make',
    status: 201,
    body: z.object({ name: z.string().max(5, 'at most 5 characters') }),
    returns: z.object({ name: z.string() }),
  })
  make(@Body() body: { name: string }) {
    if (body.name === 'crash') throw new Error('with a secret');
    if (body.name === 'away') throw Object.assign(new Error('with a secret'), { code: '57P01' });
    return body;
  }

  @Post('signed')
  @Endpoint({ allow: 'anyone', summary: 'Take in', status: 200, body: z.object({ name: z.string(), n: z.number() }) })
  signed(@Req() { rawBody }: Request) {
    return { octets: rawBody?.toString('base64') ?? null };
  }

  @Get('caller/address')
  @Endpoint({ allow: 'anyone', summary: 'Whose attempts are counted' })
  address(@Ip() ip: string) {
    return { ip };
  }

  @Get()
  undeclared() {
    return 'an endpoint that forgot its door';
  }
}

@Module({ controllers: [ThingsController] })
class ThingsModule {}

describe('a service', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-host-'));
  let service: RunningService;
  let base: string;
  let key: SigningKey;

  beforeAll(async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    key = { privateKey, kid: 'test' };
    writeFileSync(
      join(dir, 'jwks.json'),
      JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'test' }] }),
    );
    service = await createService('things', ThingsModule, {
      log: createLogger('silent'),
      clock: systemClock(),
      tokens: { issuer: ISSUER, jwksFile: join(dir, 'jwks.json') },
    });
    await service.app.listen(0, '127.0.0.1');
    base = `http://127.0.0.1:${(service.app.getHttpServer().address() as AddressInfo).port}/api/v1/things`;
  });
  afterAll(async () => {
    await service.close();
    rmSync(dir, { recursive: true });
  });

  const token = (roles: ('ca-officer' | 'auditor')[], issuer = ISSUER, lifetimeSeconds = 60) =>
    issueToken(key, { issuer, subject: 'wang', roles, lifetimeSeconds });
  const post = async (body: string, bearer?: string, type = 'application/json') => {
    const response = await fetch(base, {
      method: 'POST',
      body,
      headers: { 'content-type': type, ...(bearer && { authorization: `Bearer ${bearer}` }) },
    });
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: (await response.json()) as Record<string, unknown>,
    };
  };

  it('opens a door to its roles only', async () => {
    expect((await post('{"name":"a"}')).status).toBe(401);
    expect((await post('{"name":"a"}', await token(['auditor']))).status).toBe(403);
    expect((await post('{"name":"a"}', await token(['ca-officer'], 'http://other.example'))).status).toBe(401);
    expect((await post('{"name":"a"}', await token(['ca-officer'], ISSUER, -60))).status).toBe(401);
    expect((await post('{"name":"a"}', 'a.b.c')).status).toBe(401);
    expect(await post('{"name":"a"}', await token(['ca-officer']))).toMatchObject({ status: 201, body: { name: 'a' } });
  });

  it('keeps an endpoint closed that declares no door', async () => {
    expect((await fetch(base, { headers: { authorization: `Bearer ${await token(['ca-officer'])}` } })).status).toBe(
      403,
    );
  });

  it('answers every bad input with a problem that names the field and never its value', async () => {
    const officer = await token(['ca-officer']);
    const refused = async (body: string, status: number, at?: string, type?: string) => {
      const answer = await post(body, officer, type);
      expect(answer).toMatchObject({ status, type: 'application/problem+json; charset=utf-8' });
      if (at) expect(answer.body.errors).toEqual([expect.objectContaining({ at })]);
      expect(JSON.stringify(answer.body)).not.toContain('sesame');
    };
    await refused('{"name":"sesame"}', 400, '/name');
    await refused('{"name":"a","sesame2":1}'.replace('sesame2', 'extra'), 400, '/extra');
    await refused('{"name":"a\\u0000b"}', 400, '/name');
    await refused('{"name":"a","~x/y":1}', 400, '/~0x~1y');
    await refused('{}', 400, '/name');
    await refused('[]', 400, '/');
    await refused('{"name":', 400);
    await refused('name=a', 415, undefined, 'application/x-www-form-urlencoded');
    await refused(JSON.stringify({ name: 'x'.repeat(300_000) }), 413);
    await refused('{"name":"crash"}', 500);
    expect((await fetch(`${base}/x`)).status).toBe(400);
    expect((await fetch(`${base}/1?pages=2`)).status).toBe(400);
    expect((await fetch(`${base}/1?text=%00`)).status).toBe(400);
    expect((await fetch(`${base}/1/2`)).status).toBe(404);
  });

  it('says that it cannot answer now, while its database is away', async () => {
    const authorization = `Bearer ${await token(['ca-officer'])}`;
    const headers = { 'content-type': 'application/json', authorization };
    const answer = await fetch(base, { method: 'POST', body: '{"name":"away"}', headers });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2']);
    const text = await answer.text();
    expect(text).toContain('urn:kaika:error:serviceUnavailable');
    expect(text).not.toContain('secret');
  });

  it('gives handlers what the schemas parsed', async () => {
    expect(await (await fetch(`${base}/7?page=3`)).json()).toEqual({ n: '7', query: { page: 3 } });
  });

  it('keeps the octets of a body that is signed, and of no other', async () => {
    const body = '{ "name" : "開卡", "n": 1.0 }\n';
    const send = async (headers: Record<string, string>) => {
      const init = { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } };
      return (await fetch(`${base}/signed`, init)).json();
    };
    expect(await send({ 'X-JWS-Signature': 'x' })).toEqual({ octets: Buffer.from(body).toString('base64') });
    expect(await send({})).toEqual({ octets: null });
  });

  it('times requests by the template of their route, and what has none together', async () => {
    await fetch(`${base}/123456`);
    await fetch(`${base}/123456/7`);
    await fetch(base, { method: 'PROPFIND' });
    const { text } = await scrape();
    expect(text).toMatch(/_count\{service="things",method="GET",route="\/api\/v1\/things\/:n",status="200"\} [1-9]/);
    expect(text).toMatch(/_count\{service="things",method="GET",route="none",status="404"\} [1-9]/);
    expect(text).toContain('_count{service="things",method="other",route="none",status="404"} 1');
    expect(text).not.toContain('123456');
  });

  it('believes no proxy, but for those it was told of', async () => {
    const ask = async (at: string) => {
      const response = await fetch(`${at}/caller/address`, {
        headers: { 'x-forwarded-for': '203.0.113.9, 192.0.2.7' },
      });
      return ((await response.json()) as { ip: string }).ip;
    };
    expect(await ask(base)).toMatch(/127\.0\.0\.1$/);
    for (const [setting, ip] of [
      ['1', '192.0.2.7'],
      ['2', '203.0.113.9'],
      ['127.0.0.0/8', '192.0.2.7'],
      ['loopback, 192.0.2.0/24', '203.0.113.9'],
      ['198.51.100.1', '127.0.0.1'],
    ]) {
      const behind = await createService('things', ThingsModule, {
        ...readHostConfig({ KAIKA_TRUST_PROXY: setting }),
        log: createLogger('silent'),
        clock: systemClock(),
        tokens: { issuer: ISSUER, jwksFile: join(dir, 'jwks.json') },
      });
      await behind.app.listen(0, '127.0.0.1');
      const { port } = behind.app.getHttpServer().address() as AddressInfo;
      expect(await ask(`http://127.0.0.1:${port}/api/v1/things`)).toBe(ip);
      await behind.close();
    }
    for (const wrong of ['true', '0', '6', '10.0.0.0/33', 'proxy.example', '10.0.0.1,', '::1/129']) {
      expect(() => readHostConfig({ KAIKA_TRUST_PROXY: wrong })).toThrow(/KAIKA_TRUST_PROXY: must be/);
    }
    expect(readHostConfig({})).toEqual({ trustProxy: false });
  });

  it('documents door, body, answer and problems of each endpoint', () => {
    const { post: make, get: undeclared } = service.document.paths['/api/v1/things']!;
    expect(make).toMatchObject({
      'x-kaika-allow': ['ca-officer'],
      requestBody: {
        content: { 'application/json': { schema: { properties: { name: { type: 'string', maxLength: 5 } } } } },
      },
      responses: { 201: { content: { 'application/json': {} } }, 401: {}, 403: {}, 413: {}, 415: {} },
    });
    expect(undeclared).not.toHaveProperty('x-kaika-allow');
  });
});
