import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { TOPICS } from '#libs/events';
import { kafkaHere } from '../../../../deploy/stack/test-parts.js';
import { eventually } from '../../test/eventually.js';
import { withKafka } from '../../test/kafka-under-test.js';
import type { Delivery } from '../bus-record.js';
import { type KafkaConnection, KafkaSink, KafkaStrategy, type KafkaStrategyOptions, partitionOf, Watchdog } from '../index.js'; // prettier-ignore
import { kafkaClient, withAdmin } from './client.js';
import type { GroupMember } from './group-member.js';

/** Longer than brokers wait for a member without heartbeats. */
const SESSION_MS = 6_000;

kafkaHere.describe('consuming from Kafka', () => {
  const kafka = withKafka();
  const strategies: KafkaStrategy[] = [];
  let group = '';
  let groups = 0;
  let sink: KafkaSink;
  let ends: string[];
  let had: string[];

  beforeEach(() => {
    Logger.overrideLogger(false);
    group = `group-${++groups}`;
    sink = new KafkaSink(kafka.connection, 'test');
    [ends, had] = [[], []];
  });
  afterEach(async () => {
    await Promise.all(strategies.splice(0).map((strategy) => strategy.close()));
    await sink.close();
  });

  /** Topics outlive a test, keys don't. */
  const send = (...names: string[]) =>
    sink.send(names.map((name) => ({ topic: TOPICS.issuance, key: `${group} ${name}`, value: name, id: name })));
  const note = async ({ value }: Delivery) => void had.push(value);
  const listen = (handler: (delivery: Delivery) => Promise<void>, options: Partial<KafkaStrategyOptions> = {}) => {
    const watchdog = new Watchdog({ answers: () => Promise.resolve(true), onStandstill: (why) => ends.push(why) });
    const strategy = new KafkaStrategy({ connection: kafka.connection, group, watchdog, ...options });
    strategy.addHandler(TOPICS.issuance, (d: Delivery) => (d.key.startsWith(`${group} `) ? handler(d) : Promise.resolve()), true); // prettier-ignore
    const problems: unknown[] = [];
    strategy.listen((problem) => void problems.push(problem));
    expect(problems).toEqual([undefined]);
    strategies.push(strategy);
    return strategy;
  };
  const gate = () => {
    let open!: () => void;
    const opened = new Promise<void>((done) => (open = done));
    return { open, opened };
  };
  const positions = () =>
    withAdmin(kafka.connection, 'test', async (admin) => {
      const [topic] = await admin.fetchOffsets({ groupId: group, topics: [TOPICS.issuance] });
      return new Map(topic!.partitions.map(({ partition, offset }) => [partition, offset]));
    });

  it('holds back no other partition while one waits, and stays a member for as long as that takes', async () => {
    const { open, opened } = gate();
    const calls: string[] = [];
    listen(async (delivery) => {
      calls.push(delivery.value);
      if (delivery.value === 'slow') await opened;
      await note(delivery);
    });
    await send('slow');
    await eventually(() => expect(calls).toContain('slow'));
    const others = [...Array(100).keys()].map((n) => `n${n}`).filter((name) => partitionOf(`${group} ${name}`) !== partitionOf(`${group} slow`)); // prettier-ignore
    for (
      const started = performance.now();
      performance.now() - started < SESSION_MS + 2_000;
      others.push(others.shift()!)
    ) {
      const before = had.length;
      await send(others[0]!);
      await eventually(() => expect(had).toHaveLength(before + 1));
    }
    open();
    await eventually(() => expect(had).toContain('slow'));
    expect(calls.filter((value) => value === 'slow')).toHaveLength(1);
  });

  it('finishes the record under way when it is closed, tells it, stores its position and leaves', async () => {
    const { open, opened } = gate();
    const signals: AbortSignal[] = [];
    const first = listen(async (delivery) => {
      signals.push(delivery.signal!);
      await opened;
      await note(delivery);
    });
    const [mark] = await send('one');
    await eventually(() => expect(signals).toHaveLength(1));
    const closed = first.close();
    await eventually(() => expect(signals[0]!.aborted).toBe(true));
    open();
    await closed;
    expect(had).toEqual(['one']);
    expect((await positions()).get(mark!.partition)).toBe(String(mark!.offset + 1n));
    await withAdmin(kafka.connection, 'test', async (admin) => {
      expect((await admin.describeGroups([group])).groups[0]!.members).toEqual([]);
    });
  });

  it('tries a record again whose handler fails in whatever way, and the next ones only then', async () => {
    let failures = 3;
    listen(async (delivery) => {
      if (failures-- > 0) throw new TypeError('kafkajs would give up at this one');
      await note(delivery);
    });
    await send('same', 'same', 'same');
    await eventually(() => expect(had).toEqual(['same', 'same', 'same']));
    expect(failures).toBe(-3);
  });

  it('is taken up again when the consumer ends by itself', async () => {
    const strategy = listen(note);
    await send('one');
    await eventually(() => expect(had).toEqual(['one']));
    strategy.unwrap<GroupMember>().abandon('as a crash does');
    await send('two');
    await eventually(() => expect(had.slice(-1)).toEqual(['two']));
    expect(ends).toEqual([]);
  });

  it('goes on with what it had not read, when much more comes than it keeps in memory', async () => {
    const { open, opened } = gate();
    listen(async (delivery) => {
      await opened;
      await note(delivery);
    });
    const value = 'x'.repeat(2_000);
    const all = [...Array(4_000).keys()].map((n) => ({ topic: TOPICS.issuance, key: `${group} one`, value: `${n} ${value}`, id: `${n}` })); // prettier-ignore
    await sink.send(all);
    open();
    await eventually(() => expect(had).toHaveLength(all.length));
    expect(had.map((text) => parseInt(text, 10))).toEqual([...all.keys()]);
  });

  it('that cannot be taken up ends the process, when the broker answers', async () => {
    const { AssignerProtocol } = await import('kafkajs');
    const other = (await kafkaClient(kafka.connection, 'test')).consumer({
      groupId: group,
      partitionAssigners: [
        () => ({
          ...{ name: 'another', version: 1 },
          assign: () => Promise.resolve([]),
          protocol: ({ topics }) => ({ name: 'another', metadata: AssignerProtocol.MemberMetadata.encode({ version: 1, topics, userData: Buffer.of() }) }), // prettier-ignore
        }),
      ],
    });
    await other.connect();
    await other.subscribe({ topics: [TOPICS.issuance] });
    const joined = new Promise((done) => other.on('consumer.group_join', done));
    await other.run({ eachMessage: () => Promise.resolve() });
    await joined;
    listen(note, { limitMs: 400, everyMs: 50 });
    await eventually(() => expect(ends).toHaveLength(1));
    expect(ends[0]).toBe('nothing was fetched for 0.4 s while the broker answers');
    await other.disconnect();
  });

  it('waits for a broker that is not there, and for topics that are not', async () => {
    const told: string[] = [];
    Logger.overrideLogger({ log: () => {}, error: () => {}, warn: (line: string) => told.push(line) });
    const nowhere: KafkaConnection = { brokers: ['127.0.0.1:1'] };
    listen(note, { connection: nowhere, limitMs: 20, everyMs: 5 });
    const strategy = new KafkaStrategy({
      ...{ connection: kafka.connection, group, limitMs: 20, everyMs: 5 },
      watchdog: new Watchdog({ answers: () => Promise.resolve(true), onStandstill: (why) => ends.push(why) }),
    });
    strategies.push(strategy);
    strategy.addHandler('kaika.nothing.v1', note, true);
    strategy.listen(() => {});
    const members = new Set<GroupMember>();
    await eventually(() => {
      members.add(strategy.unwrap<GroupMember>());
      expect(members.size).toBeGreaterThan(3);
    });
    expect(ends).toEqual([]);
    expect(told).toEqual(expect.arrayContaining([expect.stringMatching(/waiting for the bus: .*(ECONNREFUSED|does not host)/)])); // prettier-ignore
  });
});
