import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { lastMidnight, nextMidnight, systemClock } from '#libs/clock';
import { withTestDatabase, type Migration } from '#libs/database';
import { newEvent, topicOf, type StatusRow } from '#libs/events';
import { BUS_MIGRATIONS, EmbeddedLog, PARTITIONS } from '#libs/messaging';
import { RunningSuspension, until, type Answer } from './http.fixture.js';
import { replay } from './replay.fixture.js';
import { CODE } from './suspension.fixture.js';

/** 23:50 in Taipei, ten days ago. */
const NIGHT = new Date(lastMidnight(new Date(systemClock().nowMs() - 10 * 86_400_000)).getTime() - 600_000);
const MIDNIGHT = nextMidnight(NIGHT);
const at = new RunningSuspension(withTestDatabase(), NIGHT);

beforeAll(() => at.open(), 60_000);
afterAll(() => at.close());

describe('with everything else down', () => {
  it('a card is accepted, suspended and resumed, and its receipts are kept', async () => {
    const card = await at.newCard();
    const activation = randomUUID();
    const accepted = await at.ask('PUT', `/cards/${card}/acceptance`, { activation }, 'service');
    expect(accepted).toMatchObject({ status: 200, body: { status: 'valid' } });
    expect(await at.ask('PUT', `/cards/${card}/acceptance`, { activation }, 'service')).toEqual(accepted);

    const suspended = await at.suspend(card.toLowerCase());
    expect(suspended).toMatchObject({
      status: 200,
      body: { cardNumber: card, status: 'suspended', list: null, cut: MIDNIGHT.toISOString().replace('.000', '') },
    });
    expect(await at.suspend(card)).toEqual(suspended);
    expect((await at.ask('GET', `/receipts/${String(suspended.body['id'])}`)).body).toEqual(suspended.body);
    const resumed = await at.ask('POST', `/cards/${card}/resumption`, { userCode: CODE });
    expect(resumed).toMatchObject({ status: 200, body: { status: 'valid', standingHolds: [] } });
    expect(await at.ask('POST', `/cards/${card}/resumption`, { userCode: CODE })).toEqual(resumed);
    replay(await at.rows());
  });

  it('a wrong code and an unknown card get the same answer, 3005', async () => {
    const card = await at.newCard();
    const before = await at.rows();
    const [wrong, unknown] = [await at.suspend(card, 'kaika#2026'), await at.suspend('TT99999999999999')];
    expect(wrong).toMatchObject({ status: 403, body: { legacyCode: '3005' } });
    expect(unknown).toEqual(wrong);
    expect(JSON.stringify(wrong)).not.toContain('2026');
    expect(await at.rows()).toEqual(before);
  });

  it('a hundred identical requests at once leave one row; each is answered with the one receipt or told to wait', async () => {
    const card = await at.newCard();
    const answers = await Promise.all(Array.from({ length: 100 }, () => at.suspend(card)));
    const done = answers.filter(({ status }) => status === 200);
    expect(new Set(done.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    for (const { status } of answers) expect([200, 429, 503]).toContain(status);
    expect((await at.rows()).filter((row) => row.kind !== 'cut' && row.cardNumber === card)).toHaveLength(1);
  });

  it('guessing is slowed down, the holder’s own door is never locked', async () => {
    const card = await at.newCard();
    let last = await at.suspend(card, 'guess-0');
    for (let n = 1; n < 9; n++) last = await at.suspend(card, `guess-${n}`);
    expect(last).toMatchObject({ status: 429 });
    expect(last.body['retryAfterSeconds']).toBeGreaterThan(0);
    await at.moveTo(new Date(at.clock.nowMs() + 130_000));
    expect(await at.suspend(card)).toMatchObject({ status: 200 });
  });

  it('malformed requests name the field and never its value', async () => {
    const named = async (answer: Promise<Answer>) => {
      const { status, body } = await answer;
      expect(status).toBe(400);
      return (body['errors'] as { at: string }[]).map((error) => error.at);
    };
    expect(await named(at.suspend('TT1'))).toEqual(['path:n']);
    expect(await named(at.suspend('TT00000000000051', 'short'))).toEqual(['/userCode']);
    expect(await named(at.ask('GET', '/receipts/1'))).toEqual(['path:id']);
    expect(await named(at.ask('PUT', '/cuts/today', undefined, 'service'))).toEqual(['path:cut']);
    expect(await named(at.ask('PUT', '/cuts/2026-11-21T15:00:00Z', undefined, 'service'))).toEqual(['path:cut']);
    expect(await named(at.ask('GET', '/status-log?after=-1', undefined, 'service'))).toEqual(['query:after']);
    expect(await at.ask('GET', `/receipts/${randomUUID()}`)).toMatchObject({ status: 404 });
  });

  it('acceptance, cuts and the log are for services only', async () => {
    for (const [method, path, body] of [
      ['PUT', '/cards/TT00000000000051/acceptance', { activation: randomUUID() }],
      ['PUT', '/cuts/2026-11-21T16:00:00Z', undefined],
      ['PUT', `/cuts/emergency/${randomUUID()}`, undefined],
      ['GET', '/status-log', undefined],
    ] as const) {
      expect((await at.ask(method, path, body)).status).toBe(401);
      expect((await at.ask(method, path, body, 'ca-officer')).status).toBe(403);
    }
    expect(await at.ask('PUT', '/cuts/emergency/now', undefined, 'service')).toMatchObject({ status: 400 });
    const unknown = await at.ask('PUT', '/cards/TT99999999999999/acceptance', { activation: randomUUID() }, 'service');
    expect(unknown).toMatchObject({ status: 404, body: { type: 'urn:kaika:error:unknownCard' } });
  });

  it('the cut of midnight is refused before, written by the timer after, and carried by receipt', async () => {
    const card = await at.newCard();
    const receipt = (await at.suspend(card)).body;
    const path = `/cuts/${String(receipt['cut'])}`;
    expect(await at.ask('PUT', path, undefined, 'service')).toMatchObject({
      status: 409,
      body: { type: 'urn:kaika:error:cutInFuture' },
    });
    await at.moveTo(MIDNIGHT);
    await until(async () => (await at.rows()).at(-1)!.kind === 'cut');
    const marker = (await at.rows()).at(-1)!;
    expect(await at.ask('PUT', path, undefined, 'service')).toEqual({ status: 200, body: marker });

    const list = { number: '43', sha256: 'ab'.repeat(32) };
    const { issuerSki } = at.issued();
    const published = (number: string, markerSeq: number) =>
      at.tell('crl.published', issuerSki, {
        ...list,
        issuerSki,
        number,
        markerSeq,
        kind: 'scheduled',
        cut: String(receipt['cut']),
        thisUpdate: String(receipt['cut']),
        nextUpdate: '2036-01-01T00:00:00Z',
        entryCount: 4,
      });
    await published('42', 1);
    expect((await at.ask('GET', `/receipts/${String(receipt['id'])}`)).body['list']).toBeNull();
    await published('43', marker.seq);
    expect((await at.ask('GET', `/receipts/${String(receipt['id'])}`)).body['list']).toEqual(list);
  });

  it('the log is read in pages', async () => {
    const all = await at.rows();
    const page = await at.ask('GET', '/status-log?after=1&limit=2', undefined, 'service');
    expect(page.body).toEqual({ epoch: all[0]!.epoch, rows: all.slice(1, 3) });
    expect((await at.ask('GET', '/status-log?after=100000', undefined, 'service')).body['rows']).toEqual([]);
  });
});

describe('when the bus comes', () => {
  it('every row leaves as one event, in order for each card, and events come in from it', async () => {
    const bus = await at.schema('bus', BUS_MIGRATIONS as unknown as Migration[]);
    await at.open(bus.appUrl);
    const log = new EmbeddedLog(bus.appUrl);
    const expected = await at.rows();
    const sent = async () => {
      const records = await Promise.all(
        [...Array(PARTITIONS).keys()].map((partition) => log.read('kaika.status.v1', partition, 0n, 1_000)),
      );
      const events = records.flat().map(({ value }) => JSON.parse(value) as { type: string; data: StatusRow });
      const marks = events.filter(({ type }) => type === 'status.watermark');
      return { marks, rows: events.filter((event) => !marks.includes(event)).map(({ data }) => data) };
    };
    await until(async () => (await sent()).rows.length >= expected.length);
    const { rows: arrived } = await sent();
    expect([...arrived].sort((a, b) => a.seq - b.seq)).toEqual(expected);
    const ofCard = (list: StatusRow[], card: string) =>
      list.filter((row) => row.kind !== 'cut' && row.cardNumber === card).map((row) => row.seq);
    for (const row of expected) {
      if (row.kind !== 'cut') expect(ofCard(arrived, row.cardNumber)).toEqual(ofCard(expected, row.cardNumber));
    }
    // Watermarks are no rows: they come each second, from the first moment that all rows have left.
    await until(async () => (await sent()).marks.length > 1);
    for (const { data } of (await sent()).marks) expect(data.seq).toBe(expected.length);

    const card = at.issued();
    const events = [
      newEvent('credential.set', card.cardNumber, await at.credential(card.cardNumber), {
        source: 'x',
        now: at.clock.now(),
      }),
      newEvent('certificate.issued', card.cardNumber, card, { source: 'x', now: at.clock.now() }),
    ];
    const records = events.map((event) => ({
      topic: topicOf(event.type),
      key: event.subject,
      id: event.id,
      value: JSON.stringify(event),
    }));
    await log.send([...records, ...records]);
    await until(async () => (await at.suspend(card.cardNumber)).status === 200);
    await log.close();
  });
});
