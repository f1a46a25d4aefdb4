import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import type { StatusRow } from '#libs/events';
import { Alarms } from './alarms.js';
import { Midnight } from './midnight.js';
import { newCard } from './owner.fixture.js';
import { eventually, MIDNIGHTS, PublisherFixture, setClock } from './publisher.fixture.js';
import { PublisherService } from './publisher-service.fixture.js';

const database = withTestDatabase();
const at = new PublisherFixture(database);
let publisher: PublisherService;

beforeAll(async () => {
  await at.start();
  publisher = await PublisherService.start(at, database);
  await eventually(async () => expect((await get('/crl/complete.crl')).status).toBe(200));
}, 120_000);
afterAll(async () => {
  await publisher?.close();
  await at.stop();
});

async function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await fetch(publisher.base + path, { method, headers });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, bytes };
}
const json = async (path: string) => JSON.parse((await get(path)).bytes.toString()) as Record<string, unknown>;
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

async function send(...rows: StatusRow[]): Promise<void> {
  const events = rows.map((row) => at.owner.event(row));
  await publisher.bus.send(
    events.map((e) => ({ topic: 'kaika.status.v1', key: e.subject, id: e.id, value: JSON.stringify(e) })),
  );
}

async function served(number: string): Promise<void> {
  await eventually(async () => expect((await json('/api/v1/crls?limit=1'))['items']).toMatchObject([{ number }]));
}

describe('the crl-publisher', () => {
  it('publishes what the bus told it, after the midnight, and serves it', async () => {
    const card = newCard();
    const row = at.owner.suspend(card);
    await send(row, row);
    setClock(at.clock, MIDNIGHTS[0]);
    await served('2');
    const { bytes, headers, status } = await get('/crl/g1/complete.crl');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/pkix-crl');
    expect(headers.get('content-length')).toBe(`${bytes.length}`);
    expect(headers.get('etag')).toBe(`"${sha256(bytes)}"`);
    expect(Date.parse(headers.get('last-modified')!)).toBeLessThanOrEqual(at.clock.nowMs());
    expect((await get('/crl/complete.crl')).bytes).toEqual(bytes);
    expect((await get('/crl/archive/2.crl')).bytes).toEqual(bytes);

    writeFileSync(join(at.dir, 'served.crl'), bytes);
    writeFileSync(join(at.dir, 'ca.pem'), at.issuer.pem);
    const args = [
      'crl',
      '-inform',
      'der',
      '-in',
      join(at.dir, 'served.crl'),
      '-CAfile',
      join(at.dir, 'ca.pem'),
      '-text',
    ];
    const text = execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    for (const serial of Object.values(card.serials)) expect(text).toContain(`Serial Number: ${serial}`);
  });

  it('answers a conditional GET, and HEAD with everything but the bytes', async () => {
    const { headers, bytes } = await get('/crl/complete.crl');
    const etag = headers.get('etag')!;
    for (const condition of [
      { 'if-none-match': etag },
      { 'if-none-match': `"x", W/${etag}` },
      { 'if-none-match': '*' },
    ]) {
      expect(await get('/crl/complete.crl', condition)).toMatchObject({ status: 304, bytes: Buffer.alloc(0) });
    }
    const since = headers.get('last-modified')!;
    expect((await get('/crl/complete.crl', { 'if-modified-since': since })).status).toBe(304);
    expect((await get('/crl/complete.crl', { 'if-none-match': '"x"', 'if-modified-since': since })).status).toBe(200);
    const head = await get('/crl/complete.crl', {}, 'HEAD');
    expect(head).toMatchObject({ status: 200, bytes: Buffer.alloc(0) });
    expect(head.headers.get('content-length')).toBe(`${bytes.length}`);
    expect(head.headers.get('etag')).toBe(etag);
  });

  it('lets nobody keep a list past the moment its successor is due', async () => {
    const cacheControl = async (path: string) => (await get(path)).headers.get('cache-control');
    expect(await cacheControl('/crl/complete.crl')).toBe('max-age=300, must-revalidate');
    setClock(at.clock, new Date(MIDNIGHTS[1].getTime() - 100_000));
    const [, seconds] = /^max-age=(\d+), must-revalidate$/.exec((await cacheControl('/crl/complete.crl'))!)!;
    expect(Number(seconds)).toBeLessThanOrEqual(100);
    expect(Number(seconds)).toBeGreaterThan(80);
    expect(await cacheControl('/crl/archive/1.crl')).toBe('public, max-age=31536000, immutable');
    expect(await cacheControl('/crl/root.crl')).toBe('max-age=300, must-revalidate');
  });

  it('serves the root’s own list', async () => {
    const { bytes, headers } = await get('/crl/root.crl');
    expect(bytes).toEqual(readFileSync(at.authority.rootCrlFile));
    expect((await get('/crl/root.crl', { 'if-none-match': headers.get('etag')! })).status).toBe(304);
  });

  it('tells what was published, page by page, and what comes next', async () => {
    const first = await json('/api/v1/crls?limit=1');
    expect(first).toMatchObject({ next: '2', items: [{ number: '2', kind: 'scheduled', entryCount: 2 }] });
    const second = await json('/api/v1/crls?limit=1&before=2');
    expect(second).toMatchObject({ next: null, items: [{ number: '1', kind: 'first', entryCount: 0 }] });
    expect((await json('/api/v1/crls'))['items']).toHaveLength(2);
    const next = await json('/api/v1/crls/next');
    expect(next).toMatchObject({ cut: MIDNIGHTS[1].toISOString(), kind: 'scheduled', state: 'waiting' });
    expect(next['seconds']).toBeGreaterThan(80);
    for (const query of ['limit=0', 'limit=101', 'before=-1', 'before=x', 'page=2']) {
      expect((await get(`/api/v1/crls?${query}`)).status).toBe(400);
    }
    expect((await get('/crl/archive/99.crl')).status).toBe(404);
    expect((await get('/crl/archive/0.crl')).status).toBe(400);
    expect((await get('/crl/archive/..%2f..%2fauthority%2froot.key.crl')).status).toBe(400);
  });

  it('tells that a list is due while its owner cannot be reached, and goes on serving the one before', async () => {
    at.owner.unreachable = true;
    setClock(at.clock, MIDNIGHTS[1]);
    await eventually(async () =>
      expect(await json('/api/v1/crls/next')).toMatchObject({
        cut: MIDNIGHTS[1].toISOString(),
        seconds: 0,
        state: 'due',
      }),
    );
    const { status, headers } = await get('/crl/complete.crl');
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('max-age=0, must-revalidate');
    at.owner.unreachable = false;
    publisher.running.app.get(Midnight).poke();
    await served('3');
  });
});

describe('the files of a replica', () => {
  const folder = () => join(at.dir, 'crl', at.issuer.skiHex);
  const reconcile = () => publisher.running.app.get(Midnight).reconcile();
  const repairs = () => publisher.running.app.get(Alarms).counts.get('fileRepaired') ?? 0;

  it('never go out altered, and are repaired from the database', async () => {
    const { bytes } = await get('/crl/complete.crl');
    const file = join(folder(), '3.crl');
    const before = repairs();
    for (const altered of [Buffer.alloc(0), Buffer.from('x'), bytes.subarray(0, -1), Buffer.concat([bytes, bytes])]) {
      for (const path of ['/crl/complete.crl', '/crl/archive/3.crl']) {
        chmodSync(file, 0o644);
        writeFileSync(file, altered);
        expect((await get(path)).bytes).toEqual(bytes);
      }
      chmodSync(file, 0o644);
      writeFileSync(file, altered);
      await reconcile();
      expect(readFileSync(file)).toEqual(bytes);
    }
    expect(repairs()).toBe(before + 12);
    expect((await get('/crl/archive/3.crl')).bytes).toEqual(bytes);
  });

  it('come back when they are gone, and the link when it leads elsewhere', async () => {
    const { bytes } = await get('/crl/complete.crl');
    rmSync(join(at.dir, 'crl'), { recursive: true });
    await reconcile();
    expect((await get('/crl/complete.crl')).bytes).toEqual(bytes);
    for (const target of ['2.crl', 'nowhere.crl', '/etc/passwd']) {
      rmSync(join(folder(), 'complete.crl'));
      symlinkSync(target, join(folder(), 'complete.crl'));
      await reconcile();
      expect(readlinkSync(join(folder(), 'complete.crl'))).toBe('3.crl');
      expect((await get('/crl/complete.crl')).bytes).toEqual(bytes);
    }
  });

  it('stay when the database was restored to a time before them, and their number is not used again', async () => {
    const { bytes } = await get('/crl/complete.crl');
    await at.asOwner('delete from published_part where number = 3');
    await at.asOwner('delete from published_list where number = 3');
    await at.asOwner('delete from attempt where number = 3');
    await at.asOwner(`delete from due_run where number = 3`);
    await at.asOwner('update issuer set last_number = 2');
    await reconcile();
    expect(publisher.running.app.get(Alarms).counts.get('databaseBehind')).toBeGreaterThan(0);
    expect((await get('/crl/complete.crl')).bytes).toEqual(bytes);
    publisher.running.app.get(Midnight).poke();
    await served('4');
    const [newest] = (await json('/api/v1/crls'))['items'] as { cut: string }[];
    expect(newest!.cut).toBe(MIDNIGHTS[1].toISOString());
  });

  it('that cannot be written are an alarm, and the list before stays', async () => {
    const { bytes } = await get('/crl/complete.crl');
    rmSync(folder(), { recursive: true });
    mkdirSync(join(at.dir, 'crl'), { recursive: true });
    writeFileSync(folder(), 'a file where the folder should be');
    await reconcile();
    expect(publisher.running.app.get(Alarms).counts.get('reconcileFailed')).toBeGreaterThan(0);
    rmSync(folder());
    await reconcile();
    expect((await get('/crl/complete.crl')).bytes).toEqual(bytes);
  });
});
