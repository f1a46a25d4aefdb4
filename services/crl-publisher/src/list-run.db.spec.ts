import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import { PeerUnreachable } from '#libs/doors';
import { newCard } from './owner.fixture.js';
import { MIDNIGHTS, OVERLAP_SECONDS, PublisherFixture, setClock } from './publisher.fixture.js';

const database = withTestDatabase();
const at = new PublisherFixture(database);
beforeAll(() => at.start(), 120_000);
beforeEach(() => at.reset());
afterAll(() => at.stop());

const [TONIGHT, NEXT] = MIDNIGHTS;
const plus = (date: Date, seconds: number) => new Date(date.getTime() + seconds * 1_000);

describe('the first list', () => {
  it('is empty, at once, and lasts until the next midnight and the overlap', async () => {
    const { run, lists, files } = at.runner();
    expect(await run.perform()).toBe('published');
    const list = (await lists.highest(at.issuer.skiHex))!;
    expect(list).toMatchObject({ number: 1n, kind: 'first', markerSeq: 0, entryCount: 0 });
    expect(list.thisUpdate).toEqual(list.cut);
    expect(list.cut.getTime() % 1_000).toBe(0);
    expect(at.clock.nowMs() - list.cut.getTime()).toBeLessThan(10_000);
    expect(list.nextUpdate).toEqual(plus(TONIGHT, OVERLAP_SECONDS));
    expect(await at.entries(await files.ensure(list))).toEqual(new Map());
    expect(await run.perform()).toBe('idle');
    expect(await at.service.source.query('select topic, key from outbox')).toEqual([
      { topic: 'kaika.crl.v1', key: at.issuer.skiHex },
    ]);
  });

  it('is the one of the last midnight when the log has rows already', async () => {
    const row = at.owner.suspend(newCard(), '2026-01-09T01:00:00Z');
    at.owner.cut(new Date('2026-01-09T16:00:00Z'));
    const { run, lists, files } = at.runner();
    expect(await run.perform()).toBe('published');
    const list = (await lists.highest(at.issuer.skiHex))!;
    expect(list).toMatchObject({ kind: 'scheduled', cut: new Date('2026-01-09T16:00:00Z'), markerSeq: 2 });
    expect([...(await at.entries(await files.ensure(list))).keys()].sort()).toEqual(
      [row.serials.signature, row.serials.encryption].sort(),
    );
  });
});

describe('the list of a midnight', () => {
  it('says what the rows below its marker say, and not what came early from above it', async () => {
    const { run, feed, lists, files } = at.runner();
    await run.perform();
    const [before, after] = [newCard(), newCard()];
    const early = at.owner.suspend(before);
    setClock(at.clock, plus(TONIGHT, 5));
    const marker = at.owner.cut(TONIGHT);
    const late = at.owner.suspend(after, '2026-01-10T16:00:02Z');
    const lifted = at.owner.change(before, null);
    await at.deliver(feed, early, marker, late, lifted);
    await feed.applyReady();
    expect(await run.perform()).toBe('published');
    const list = (await lists.highest(at.issuer.skiHex))!;
    expect(list).toMatchObject({ number: 2n, kind: 'scheduled', cut: TONIGHT, markerSeq: marker.seq, entryCount: 2 });
    expect(list.nextUpdate).toEqual(plus(NEXT, OVERLAP_SECONDS));
    expect(await at.entries(await files.ensure(list))).toEqual(at.owner.listBelow(marker.seq));
    setClock(at.clock, plus(NEXT, 5));
    expect(await run.perform()).toBe('published');
    const next = (await lists.highest(at.issuer.skiHex))!;
    expect([...(await at.entries(await files.ensure(next))).keys()].sort()).toEqual(
      Object.values(after.serials).sort(),
    );
  });

  it('waits for rows that the bus lost, and fetches them', async () => {
    const { run, feed, lists, files } = at.runner();
    await run.perform();
    const cards = [newCard(), newCard(), newCard()];
    const rows = cards.map((card) => at.owner.suspend(card));
    await at.deliver(feed, rows[2]!, rows[0]!, rows[0]!);
    setClock(at.clock, plus(TONIGHT, 5));
    expect(await run.perform()).toBe('published');
    const list = (await lists.highest(at.issuer.skiHex))!;
    expect(await at.entries(await files.ensure(list))).toEqual(at.owner.listBelow(4));
  });

  it('is made for the newest midnight alone after several were missed', async () => {
    const { run, lists } = at.runner();
    await run.perform();
    setClock(at.clock, plus(TONIGHT, 5));
    at.owner.unreachable = true;
    await expect(run.perform()).rejects.toThrow(PeerUnreachable);
    at.owner.unreachable = false;
    setClock(at.clock, plus(MIDNIGHTS[3], 3_600));
    expect(await run.perform()).toBe('published');
    expect(await run.perform()).toBe('idle');
    expect((await lists.page(at.issuer.skiHex, 10)).map(({ cut }) => cut)).toEqual([MIDNIGHTS[3], expect.any(Date)]);
    expect(await at.service.source.query('select cut, state from due_run order by cut')).toEqual([
      expect.objectContaining({ state: 'published' }),
      { cut: TONIGHT, state: 'superseded' },
      { cut: MIDNIGHTS[3], state: 'published' },
    ]);
  });

  it('burns no number while the owner of the log cannot be reached', async () => {
    const { run, lists, files } = at.runner();
    await run.perform();
    await files.reconcile(at.issuer);
    setClock(at.clock, plus(TONIGHT, 5));
    at.owner.unreachable = true;
    for (let i = 0; i < 3; i += 1) await expect(run.perform()).rejects.toThrow(PeerUnreachable);
    expect(files.served(at.issuer.skiHex)?.number).toBe(1n);
    at.owner.unreachable = false;
    expect(await run.perform()).toBe('published');
    expect((await lists.highest(at.issuer.skiHex))?.number).toBe(2n);
  });

  it('verifies with openssl, entries, number and dates', async () => {
    const { run, lists, files } = at.runner();
    await run.perform();
    at.owner.suspend(newCard());
    const revoked = newCard();
    at.owner.change(revoked, { reason: 'keyCompromise', since: '2026-01-10T03:04:05Z' });
    setClock(at.clock, plus(TONIGHT, 5));
    await run.perform();
    const file = await files.ensure((await lists.highest(at.issuer.skiHex))!);
    const ca = join(at.dir, 'ca.pem');
    writeFileSync(ca, at.issuer.pem);
    const text = execFileSync('openssl', ['crl', '-inform', 'der', '-in', file, '-CAfile', ca, '-text', '-noout'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(text).toContain('X509v3 CRL Number: \n                2');
    expect(text).toContain('Last Update: Jan 10 16:00:00 2026 GMT');
    expect(text).toContain('Next Update: Jan 12 00:00:00 2026 GMT');
    expect(text).toMatch(new RegExp(`${revoked.serials.encryption}\\s+Revocation Date: Jan 10 03:04:05 2026 GMT`));
    expect(text.match(/Key Compromise/g)).toHaveLength(2);
    expect(text.match(/Certificate Hold/g)).toHaveLength(2);
  });
});
