import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Body, Controller, Inject, Module, Param, Post } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import type { Logger } from 'pino';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { systemClock } from '#libs/clock';
import { DatabaseModule, migrate, provision, type TestService, withTestDatabase } from '#libs/database';
import { Endpoint } from '#libs/doors';
import { type KaikaEvent, newEvent, TOPICS } from '#libs/events';
import { createLogger, createService, LOG, type RunningService } from '#libs/host';
import { currentTraceId, exportTraces } from '#libs/trace';
import { Collector } from '../../trace/test/collector.js';
import { MEMBER_MIGRATIONS } from '../test/member.js';
import { eventually } from '../test/eventually.js';
import { BUS_MIGRATIONS, Consumer, DeadLetters, type Delivery, EmbeddedLog, type Handlers, MessagingModule, Outbox } from './index.js'; // prettier-ignore

const CARD = 'MI0012345678901234';
const SECRET = 'sesame';
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = `00-${TRACE}-b7ad6b7169203331-01`;
const about = { source: 'test', now: new Date('2026-11-21T12:00:00Z') };
const dir = mkdtempSync(join(tmpdir(), 'kaika-trace-'));
const database = withTestDatabase();
/** Of each event that was handled: its type and the trace it was handled in. */
let handled: [type: string, traceId: string | undefined][] = [];
let lines: Record<string, unknown>[] = [];
let broken = false;
let db: TestService;
let bus: EmbeddedLog;
let service: RunningService;
let base: string;

@Controller('api/v1')
class HoldController {
  constructor(
    private readonly source: DataSource,
    private readonly outbox: Outbox,
  ) {}

  @Post('cards/:n/hold')
  @Endpoint({
    allow: 'anyone',
    summary: 'Hold',
    status: 200,
    params: z.object({ n: z.string() }),
    query: z.object({ email: z.string().optional() }),
    body: z.object({ userCode: z.string() }),
  })
  async hold(@Param('n') n: string, @Body() { userCode }: { userCode: string }) {
    if (userCode === 'crash') throw new TypeError(`${SECRET} ${n}`);
    const event = newEvent('application.received', n, { caseNumber: n }, about);
    await this.source.transaction((tx) => this.outbox.add(tx, event));
    return {};
  }
}

@Controller()
class HoldHandlers {
  readonly on: Handlers = {
    'application.received': async (event, tx) => {
      this.#note(event);
      if (broken) throw new RangeError(`${SECRET} ${event.subject}`);
      await this.outbox.add(tx, newEvent('application.rejected', event.subject, { caseNumber: event.subject, reason: SECRET } as never, about)); // prettier-ignore
    },
    'application.rejected': (event) => this.#note(event),
  };
  constructor(
    private readonly consumer: Consumer,
    private readonly outbox: Outbox,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  #note({ type }: KaikaEvent): void {
    handled.push([type, currentTraceId()]);
    this.log.info(`handled ${type}`);
  }

  @EventPattern(TOPICS.issuance)
  receive(@Payload() delivery: Delivery): Promise<void> {
    return this.consumer.receive(delivery, this.on);
  }
}

beforeAll(async () => {
  const { publicKey } = generateKeyPairSync('ed25519');
  const jwksFile = join(dir, 'jwks.json');
  writeFileSync(jwksFile, JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'test' }] }));
  db = await database.service('things', MEMBER_MIGRATIONS);
  const urls = await provision(database.url, 'bus', { owner: 'o', app: 'a' });
  await migrate({ ownerUrl: urls.ownerUrl, schema: 'bus', migrations: BUS_MIGRATIONS });
  bus = new EmbeddedLog(urls.appUrl);

  @Module({
    imports: [
      DatabaseModule.forService({ appUrl: db.appUrl, schema: 'things' }),
      MessagingModule.forService({
        ...{ service: 'things', transport: { kind: 'embedded', busUrl: urls.appUrl }, maxAttempts: 1 },
      }),
    ],
    controllers: [HoldController, HoldHandlers],
  })
  class HoldModule {}
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
  const log = createLogger('info', { write });
  const tokens = { issuer: 'http://issuer.example', jwksFile };
  service = await createService('things', HoldModule, { log, clock: systemClock(), tokens });
  await service.app.listen(0, '127.0.0.1');
  base = `http://127.0.0.1:${(service.app.getHttpServer().address() as AddressInfo).port}/api/v1`;
}, 60_000);
beforeEach(() => {
  [handled, lines, broken] = [[], [], false];
});
afterAll(async () => {
  await service.close();
  await bus.close();
  rmSync(dir, { recursive: true });
});

const hold = (card: string, headers: Record<string, string> = {}, userCode = SECRET) =>
  fetch(`${base}/cards/${card}/hold?email=${SECRET}@example.com`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ userCode }),
  });
const bothHandled = (traceId: unknown) =>
  eventually(() =>
    expect(handled).toEqual([
      ['application.received', traceId],
      ['application.rejected', traceId],
    ]),
  );
const send = (event: object & { id: string; subject: string }) =>
  bus.send([{ topic: TOPICS.issuance, key: event.subject, id: event.id, value: JSON.stringify(event) }]);
const received = (subject: string) => newEvent('application.received', subject, { caseNumber: subject }, about);

describe('a trace', () => {
  it('goes from a request through outbox, bus and handler to what the handler emits', async () => {
    await hold(CARD, { traceparent: PARENT, tracestate: 'rojo=1' });
    await bothHandled(TRACE);
    const rows = await db.source.query<{ value: string }[]>('select value from outbox order by id desc limit 2');
    const events = rows.map(({ value }) => JSON.parse(value) as { traceparent: string });
    expect(events.map(({ traceparent }) => traceparent.split('-')[1])).toEqual([TRACE, TRACE]);
    expect(new Set(events.map(({ traceparent }) => traceparent)).size).toBe(2);
    expect(JSON.stringify(events)).not.toMatch(/tracestate|rojo/);
    const told = lines.filter(({ msg }) => String(msg).startsWith('handled'));
    expect(told.map(({ traceId }) => traceId)).toEqual([TRACE, TRACE]);
  });

  it.each([
    ['has none', {}],
    ['has one of no form', { traceparent: SECRET }],
    ['has one of another kind', { traceparent: 7 }],
    ['has attributes nobody knows', { tracestate: 'x=1', partitionkey: 'y' }],
  ])('begins with an event that %s, and goes on from there', async (name, attributes) => {
    await send({ ...received(`old ${name}`), ...attributes });
    const traceId = await eventually(() => expect(handled).toHaveLength(2)).then(() => handled[0]![1]);
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
    await bothHandled(traceId);
  });

  it('is that of the event when a dead letter is replayed, not of who replays it', async () => {
    broken = true;
    await hold('D1', { traceparent: PARENT });
    const letters = service.app.get(DeadLetters, { strict: false });
    const [letter] = await eventually(async () => {
      const open = await letters.list();
      expect(open).toHaveLength(1);
      return open;
    });
    const buried = lines.filter(({ msg }) => String(msg).startsWith('dead letter'));
    expect(buried.map(({ traceId }) => traceId)).toEqual([TRACE]);
    [handled, broken] = [[], false];
    expect(await letters.replay(letter!.id, 'wang')).toMatchObject({ replayed: 1, freed: true });
    await bothHandled(TRACE);
  });
});

describe('spans', () => {
  const collector = new Collector();
  let endpoint: string;
  beforeAll(async () => {
    endpoint = await collector.listen();
  });
  afterAll(() => collector.close());

  it('are exported, one within the other, and say nothing about a card or a person', async () => {
    const warnings: string[] = [];
    const stop = await exportTraces({ endpoint, warn: (text) => warnings.push(text) });
    await hold(CARD, { traceparent: PARENT });
    await bothHandled(TRACE);
    expect((await hold(CARD, { traceparent: PARENT }, 'crash')).status).toBe(500);
    expect((await fetch(`${base}/${SECRET}/${CARD}`, { headers: { traceparent: PARENT } })).status).toBe(404);
    broken = true;
    handled = [];
    await hold('D2', { traceparent: PARENT });
    await eventually(() => expect(lines.some(({ msg }) => String(msg).includes('D2 is parked'))).toBe(true));
    await stop();
    await stop();

    expect(new Set(collector.requests)).toEqual(new Set(['POST /v1/traces application/json']));
    expect(collector.bodies.join()).not.toMatch(new RegExp(`${SECRET}|${CARD}|D2|userCode|@example`));
    const all = collector.spans();
    expect(new Set(all.map(({ service: name }) => name))).toEqual(new Set(['things']));
    expect(new Set(all.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]));
    const names = all.map(({ name }) => name).sort();
    const ROUTE = 'POST /api/v1/cards/:n/hold';
    const EVENT = `process ${TOPICS.issuance}`;
    expect(names).toEqual(['GET none', ROUTE, ROUTE, ROUTE, EVENT, EVENT, EVENT].sort());
    const parents = all.map(({ parentSpanId }) => all.find(({ spanId }) => spanId === parentSpanId)?.name);
    expect(parents.filter((name) => name === ROUTE)).toHaveLength(2); // two events of requests
    expect(parents.filter((name) => name === EVENT)).toHaveLength(1); // one emitted by a handler
    expect(all.filter(({ status }) => status.code === 2).map(({ name }) => name)).toEqual([ROUTE]);
    expect(warnings).toEqual([]);
  });

  it('that nobody takes cost a warning', async () => {
    const warnings: string[] = [];
    const away = createServer();
    await new Promise<void>((done) => away.listen(0, '127.0.0.1', done));
    const { port } = away.address() as AddressInfo;
    await new Promise((done) => away.close(done));
    const stop = await exportTraces({ endpoint: `http://127.0.0.1:${port}`, warn: (text) => warnings.push(text) });
    expect((await hold('E1')).status).toBe(200);
    await eventually(() => expect(handled).toHaveLength(2));
    await stop();
    await eventually(() => expect(warnings).toEqual([expect.stringContaining('traces cannot be exported')]));
    expect((await hold('E2')).status).toBe(200);
    await eventually(() => expect(handled).toHaveLength(4));
  });

  it('are not made where nobody asked for them, while ids are', async () => {
    const before = collector.bodies.length;
    await hold('F1', { traceparent: PARENT });
    await bothHandled(TRACE);
    expect(collector.bodies).toHaveLength(before);
  });
});
