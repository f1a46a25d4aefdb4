import { beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { migrate, provision, type TestService, withTestDatabase } from '#libs/database';
import { MEMBER_MIGRATIONS } from '../test/member.js';
import { BUS_MIGRATIONS, EmbeddedLog, type EventSink, partitionOf, Pruner } from './index.js';

const database = withTestDatabase();
let service: TestService;
let n = 0;

beforeEach(async () => {
  service = await database.service(`service_${++n}`, MEMBER_MIGRATIONS);
});

const asOwner = async (url: string, sql: string, values: unknown[] = []) => {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql, values)).rows;
  } finally {
    await client.end();
  }
};
const run = (sql: string) => asOwner(service.ownerUrl, sql);
const idsOf = async (table: string, column: string) =>
  (await run(`select ${column}::text as id from ${table} order by 1`)).map((row) => row['id']);
const noBus: EventSink = { send: async () => {}, close: async () => {} };

describe('daily pruning', () => {
  it('removes sent events, inbox rows and resolved dead letters that are old, in batches, and nothing else', async () => {
    await run(`
      insert into outbox (event_id, topic, key, value, created_at, dispatched_at)
      select 'sent-' || d, 't', 'k', '{}', clock_timestamp() - interval '400 days', clock_timestamp() - d * interval '1 day'
      from generate_series(0, 30) d;
      insert into outbox (event_id, topic, key, value, created_at) values ('unsent', 't', 'k', '{}', clock_timestamp() - interval '400 days');
      insert into inbox select 'e-' || d, clock_timestamp() - d * interval '1 day' from generate_series(30, 60) d;
      insert into dead_letter (topic, key, record_id, value, state, created_at, resolved_at)
      select 't', 'k', s || d, '{}', s, clock_timestamp() - interval '900 days',
             case when s in ('replayed', 'discarded') then clock_timestamp() - d * interval '1 day' end
      from unnest(array['dead', 'waiting', 'replayed', 'discarded']) s, unnest(array[360, 370]) d;`);
    const pruner = new Pruner(service.source, noBus, 4);
    expect(await pruner.run()).toEqual({
      'sent events': 17,
      'inbox rows': 16,
      'resolved dead letters': 2,
      'bus records': 0,
    });
    expect(await idsOf('outbox', 'event_id')).toHaveLength(15);
    expect(await idsOf('outbox', 'event_id')).toEqual(expect.arrayContaining(['sent-13', 'unsent']));
    expect(await idsOf('inbox', 'event_id')).toEqual([...Array(15).keys()].map((d) => `e-${d + 30}`));
    expect(await idsOf('dead_letter', 'record_id')).toEqual(['dead360', 'dead370', 'discarded360', 'replayed360', 'waiting360', 'waiting370']); // prettier-ignore
    expect(Object.values(await pruner.run())).toEqual([0, 0, 0, 0]);
  });

  it('may be done by several replicas at once', async () => {
    await run(
      `insert into inbox select 'e-' || i, clock_timestamp() - interval '50 days' from generate_series(1, 500) i`,
    );
    const pruners = [1, 2, 3].map(() => new Pruner(service.source, noBus, 7).run());
    const gone = (await Promise.all(pruners)).reduce((sum, each) => sum + each['inbox rows']!, 0);
    expect(gone).toBe(500);
  });
});

describe('pruning the embedded log', () => {
  const TOPIC = 'kaika.issuance.v1';
  let urls: { ownerUrl: string; appUrl: string };
  let log: EmbeddedLog;

  beforeEach(async () => {
    urls = await provision(database.url, `bus-${n}`, { owner: 'o', app: 'a' });
    await migrate({ ownerUrl: urls.ownerUrl, schema: `bus_${n}`, migrations: BUS_MIGRATIONS });
    log = new EmbeddedLog(urls.appUrl);
    const of = (key: string, i: number) => ({ topic: TOPIC, key, value: '{}', id: `${key}-${i}` });
    await log.send([...Array(20).keys()].map((i) => of('a', i)));
    const days = `clock_timestamp() - (20 - "offset") * interval '1 day'`;
    await asOwner(urls.ownerUrl, `update record set stored_at = ${days}`);
  });

  const left = async () =>
    (await asOwner(urls.ownerUrl, 'select "offset"::int as o from record order by 1')).map((row) => row['o']);
  const read = (group: string, offset: number) =>
    asOwner(urls.ownerUrl, 'insert into group_offset values ($1, $2, $3, $4)', [group, TOPIC, partitionOf('a'), offset]); // prettier-ignore
  const from = (first: number) => [...Array(20 - first).keys()].map((i) => first + i);

  it('removes records older than 14 days that every group has read, and appends go on behind them', async () => {
    await read('fast', 20);
    await read('slow', 3);
    expect(await log.prune(2)).toBe(3);
    expect(await left()).toEqual(from(3));
    await asOwner(urls.ownerUrl, 'update group_offset set next_offset = 20');
    expect(await log.prune(2)).toBe(4);
    expect(await left()).toEqual(from(7));
    await log.send([{ topic: TOPIC, key: 'a', value: '{}', id: 'next' }]);
    expect((await left()).at(-1)).toBe(20);
    expect((await log.read(TOPIC, partitionOf('a'), 0n, 1)).map(({ offset }) => offset)).toEqual([7n]);
    await log.close();
  });

  it('removes watermarks after an hour once every group has read past them, and nothing else with them', async () => {
    const status = 'kaika.status.v1';
    const partition = partitionOf('log');
    const card = [...Array(100).keys()].map((i) => `card-${i}`).find((key) => partitionOf(key) === partition)!;
    const keys = ['log', card, 'log', 'log', card, 'log', 'log'];
    await log.send(keys.map((key, i) => ({ topic: status, key, value: '{}', id: `s-${i}` })));
    await log.send([{ topic: TOPIC, key: 'log', value: '{}', id: 'another topic' }]);
    await asOwner(urls.ownerUrl, 'delete from record where topic = $1 and key = $2', [TOPIC, 'a']);
    await asOwner(
      urls.ownerUrl,
      `update record set stored_at = clock_timestamp() - case when "offset" = 5 then 59 else 61 end * interval '1 minute'`,
    );
    await asOwner(urls.ownerUrl, 'insert into group_offset values ($1, $2, $3, 7), ($4, $2, $3, 3)', [
      ...['fast', status, partition, 'slow'],
    ]);
    const ids = async () => (await log.read(status, partition, 0n, 100)).map(({ id }) => id);
    expect(await log.prune(1)).toBe(2);
    expect(await ids()).toEqual(['s-1', 's-3', 's-4', 's-5', 's-6']);
    await asOwner(urls.ownerUrl, 'update group_offset set next_offset = 7');
    expect(await log.prune(1)).toBe(2);
    expect(await ids()).toEqual(['s-1', 's-4', 's-5']);
    expect(await log.read(TOPIC, partition, 0n, 100)).toHaveLength(1);
    await log.send([{ topic: status, key: 'log', value: '{}', id: 'next' }]);
    expect((await log.read(status, partition, 0n, 100)).at(-1)).toMatchObject({ id: 'next', offset: 7n });
    await log.close();
  });

  it('keeps what a group has claimed and never read, and by age alone what no group reads', async () => {
    await read('new', 0);
    expect(await log.prune()).toBe(0);
    await asOwner(urls.ownerUrl, 'delete from group_offset');
    expect(await log.prune()).toBe(7);
    await log.close();
  });
});
