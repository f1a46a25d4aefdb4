import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { type TestService, withTestDatabase } from '#libs/database';
import { TOPICS } from '#libs/events';
import { startKafka } from '../../../../deploy/stack/kafka.js';
import { kafkaHere } from '../../../../deploy/stack/test-parts.js';
import { eventually } from '../../test/eventually.js';
import { withKafka } from '../../test/kafka-under-test.js';
import { type Behaviour, effects, MEMBER_MIGRATIONS, numbered, startMember } from '../../test/member.js';
import { Outbox, partitionOf, Relay } from '../index.js';
import { kafkaClient, withAdmin } from './client.js';

const DEADLINE_MS = 90_000;
const upTo = (n: number) => [...Array(n).keys()];

kafkaHere.describe('a bus that has forgotten', () => {
  const kafka = withKafka();
  const database = withTestDatabase();
  const apps: INestApplication[] = [];
  let tests = 0;
  let [writer, reader]: TestService[] = [];
  let producer: INestApplication;
  let keys: string[];

  const member = async (service: TestService, behaviour?: Behaviour) => {
    const transport = { kind: 'kafka' as const, ...kafka.connection };
    const app = await startMember(service, { service: service.schema, transport }, behaviour);
    apps.push(app);
    return app;
  };
  const close = async (app: INestApplication) => {
    apps.splice(apps.indexOf(app), 1);
    await app.close();
  };
  /** The next number of every key, each in a transaction of its own. */
  const publish = async (n: number) => {
    const outbox = producer.get(Outbox);
    await writer!.source.transaction(async (tx) => outbox.add(tx, keys.map((key) => numbered(key, n)))); // prettier-ignore
  };
  const sent = () =>
    eventually(async () => {
      const rows = await writer!.source.query<unknown[]>('select 1 from outbox where dispatched_at is null');
      expect(rows).toHaveLength(0);
    }, DEADLINE_MS);
  const complete = (n: number) =>
    eventually(async () => {
      const had = await effects(reader!);
      for (const key of keys) expect(had.get(key)).toEqual(upTo(n));
    }, DEADLINE_MS);
  const sentAgain = () => producer.get(Relay).sentAgain;

  beforeEach(async () => {
    tests++;
    writer = await database.service(`writer_${tests}`, MEMBER_MIGRATIONS);
    reader = await database.service(`reader_${tests}`, MEMBER_MIGRATIONS);
    producer = await member(writer);
    keys = upTo(12).map((k) => `${reader!.schema}:${k}`);
  });
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });

  it('by topics made anew gets again what it had, in order, and a consumer that had not read it all misses nothing', async () => {
    const first = await member(reader!);
    for (const n of upTo(5)) await publish(n);
    await complete(5);
    await close(first);
    for (const n of upTo(5)) await publish(5 + n);
    await sent();
    await kafka.makeTopicsAnew();
    for (const n of upTo(5)) await publish(10 + n);
    await sent();
    expect(sentAgain()).toBe(10 * keys.length);
    await member(reader!);
    await complete(15);
  }, 120_000);

  it('under load, with the consumer at work', async () => {
    await member(reader!, { before: () => new Promise((done) => setImmediate(done)) });
    let more = true;
    let n = 0;
    const load = (async () => {
      while (more) await publish(n++);
    })();
    await eventually(
      async () => expect((await effects(reader!)).get(keys[0]!)?.length).toBeGreaterThan(10),
      DEADLINE_MS,
    );
    await kafka.makeTopicsAnew();
    const before = n;
    await eventually(() => expect(n).toBeGreaterThan(before + 5), DEADLINE_MS);
    more = false;
    await load;
    await complete(n);
    expect(sentAgain()).toBeGreaterThan(0);
  }, 120_000);

  it('wholly, while everybody is away and nothing new happens', async () => {
    const first = await member(reader!);
    await publish(0);
    await complete(1);
    await close(first);
    await publish(1);
    await sent();
    await kafka.restartEmpty();
    await member(reader!);
    await complete(2);
  }, 120_000);

  it('and a position that is from another log: beyond its end, or within', async () => {
    for (const n of upTo(4)) await publish(n);
    await sent();
    const key = keys[0]!;
    const partition = partitionOf(key);
    const behind = keys.filter((other) => partitionOf(other) === partition).length * 2;
    await goesOnAt(partition, String(behind), 'stored-at=1700000000000');
    const other = (partition + 1) % 6;
    await goesOnAt(other, '1000000', 'stored-at=1700000000000');
    await member(reader!);
    await complete(4);
  }, 120_000);

  it('never: a restart, or topics that were emptied, send nothing again', async () => {
    const first = await member(reader!);
    await publish(0);
    await complete(1);
    await kafka.broker.kill();
    kafka.broker = await startKafka({ dir: kafka.dir });
    await publish(1);
    await complete(2);
    await close(first);
    await kafka.empty(TOPICS.issuance);
    const ends = await withAdmin(kafka.connection, 'test', (admin) => admin.fetchTopicOffsets(TOPICS.issuance));
    expect(ends.every(({ low, high }) => low === high)).toBe(true);
    await member(reader!);
    await publish(2);
    await complete(3);
    expect(sentAgain()).toBe(0);
  }, 120_000);

  /** As if the group had read up to there, in a log of which this is left. */
  async function goesOnAt(partition: number, offset: string, metadata: string): Promise<void> {
    const consumer = (await kafkaClient(kafka.connection, 'test')).consumer({ groupId: reader!.schema });
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [TOPICS.issuance] });
      const joined = new Promise((done) => consumer.on('consumer.group_join', done));
      await consumer.run({ autoCommit: false, eachMessage: () => Promise.resolve() });
      await joined;
      await consumer.commitOffsets([{ topic: TOPICS.issuance, partition, offset, metadata }]);
    } finally {
      await consumer.disconnect();
    }
  }
});
