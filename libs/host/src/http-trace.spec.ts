import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, Inject, Module, Param, Post } from '@nestjs/common';
import type { Logger } from 'pino';
import { z } from 'zod';
import { systemClock } from '#libs/clock';
import { Endpoint, ServiceClient } from '#libs/doors';
import { currentTrace } from '#libs/trace';
import { createService, type RunningService } from './create-service.js';
import { createLogger } from './logger.js';
import { LOG } from './root-module.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = `00-${TRACE}-b7ad6b7169203331-01`;
const dir = mkdtempSync(join(tmpdir(), 'kaika-trace-'));
const seen = z.object({ traceparent: z.string(), tracestate: z.string().optional() });
let service: RunningService;
let base: string;
let lines: string[] = [];

@Controller('api/v1')
class TracedController {
  constructor(@Inject(LOG) private readonly log: Logger) {}

  @Post('cards/:n/hold')
  @Endpoint({ allow: 'anyone', summary: 'Hold', status: 200, params: z.object({ n: z.string() }), body: z.object({}) })
  async hold(@Param('n') _n: string, @Body() _body: object) {
    this.log.info('held');
    return currentTrace();
  }

  /** Asks another service, as this one's own first endpoint. */
  @Get('peer/:n')
  @Endpoint({ allow: 'anyone', summary: 'Ask a peer', params: z.object({ n: z.string() }) })
  async peer(@Param('n') n: string) {
    return new ServiceClient(base, async () => 'none').call('POST', `/api/v1/cards/${n}/hold`, seen, {});
  }

  @Get('broken')
  @Endpoint({ allow: 'anyone', summary: 'Fail' })
  broken(): void {
    throw new Error('broken');
  }
}

@Module({ controllers: [TracedController] })
class TracedModule {}

beforeAll(async () => {
  const { publicKey } = generateKeyPairSync('ed25519');
  const jwksFile = join(dir, 'jwks.json');
  writeFileSync(jwksFile, JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'test' }] }));
  const log = createLogger('info', { write: (line: string) => void lines.push(line) });
  const tokens = { issuer: 'http://issuer.example', jwksFile };
  service = await createService('traced', TracedModule, { log, clock: systemClock(), tokens });
  await service.app.listen(0, '127.0.0.1');
  base = `http://127.0.0.1:${(service.app.getHttpServer().address() as AddressInfo).port}`;
});
beforeEach(() => {
  lines = [];
});
afterAll(async () => {
  await service.close();
  rmSync(dir, { recursive: true });
});

async function hold(headers: Record<string, string> = {}) {
  const response = await fetch(`${base}/api/v1/cards/1/hold`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: '{}',
  });
  return { response, ...seen.parse(await response.json()) };
}
const traceIds = () => lines.map((line) => (JSON.parse(line) as { traceId?: string }).traceId);

describe('a request', () => {
  it('goes on in the trace of its caller, and so do the lines of the log', async () => {
    const { traceparent, tracestate } = await hold({ traceparent: PARENT, tracestate: 'rojo=1' });
    expect(traceparent.slice(0, 36)).toBe(PARENT.slice(0, 36));
    expect(traceparent).not.toBe(PARENT);
    expect(tracestate).toBe('rojo=1');
    expect(traceIds()).toEqual([TRACE]);
  });

  it.each<Record<string, string>>([
    {},
    { traceparent: 'sesame' },
    { traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` },
  ])('begins one otherwise: %j', async (headers) => {
    const { response, traceparent } = await hold(headers);
    expect(response.status).toBe(200);
    const [, traceId] = traceparent.split('-');
    expect(traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
    expect(traceIds()).toEqual([traceId]);
    expect((await hold()).traceparent).not.toContain(traceId);
  });

  it('is answered without a word about traces', async () => {
    const { response } = await hold({ traceparent: PARENT });
    expect([...response.headers.keys()].filter((name) => /trace/i.test(name))).toEqual([]);
    const broken = await fetch(`${base}/api/v1/broken`, { headers: { traceparent: PARENT } });
    expect(broken.status).toBe(500);
    expect(await broken.text()).not.toContain(TRACE);
    expect(traceIds()).toContain(TRACE); // the error's line
  });

  it('goes on in the same trace at another service', async () => {
    const headers = { traceparent: PARENT, tracestate: 'rojo=1' };
    const answer = seen.parse(await (await fetch(`${base}/api/v1/peer/1`, { headers })).json());
    expect(answer.traceparent.slice(0, 36)).toBe(PARENT.slice(0, 36));
    expect(answer.tracestate).toBe('rojo=1');
    expect(traceIds()).toEqual([TRACE]);
  });

  it('keeps its trace beside others at the same time', async () => {
    const wanted = Array.from({ length: 50 }, (_, i) => i.toString(16).padStart(32, 'a'));
    const got = await Promise.all(wanted.map((id) => hold({ traceparent: `00-${id}-b7ad6b7169203331-01` })));
    expect(got.map(({ traceparent }) => traceparent.split('-')[1])).toEqual(wanted);
    expect(traceIds().sort()).toEqual(wanted.sort());
  });
});
