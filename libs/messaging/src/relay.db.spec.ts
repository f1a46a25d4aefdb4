import { beforeAll, beforeEach, afterEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type TestService, withTestDatabase } from '#libs/database';
import { eventually } from '../test/eventually.js';
import { MEMBER_MIGRATIONS, numbered } from '../test/member.js';
import { type BusRecord, type EventSink, Outbox, Relay } from './index.js';

const database = withTestDatabase();
let service: TestService;
let outbox: Outbox;
let relays: Relay[];
let n = 0;

beforeAll(() => Logger.overrideLogger(false));
beforeEach(async () => {
  service = await database.service(`service_${++n}`, MEMBER_MIGRATIONS);
  outbox = new Outbox();
  relays = [];
});
afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.stop()));
});

function relay(send: (records: BusRecord[]) => Promise<void>, pollMs = 10): Relay {
  const sink: EventSink = { send, close: async () => {} };
  const it = new Relay({ service: service.schema, url: service.appUrl, sink, pollMs });
  relays.push(it);
  it.start();
  return it;
}
const publish = (key: string, ...numbers: number[]) =>
  service.source.transaction((tx) => outbox.add(tx, numbers.map((i) => numbered(key, i)))); // prettier-ignore
const unsent = async () =>
  (await service.source.query<unknown[]>('select 1 from outbox where dispatched_at is null')).length;
const numberOf = (record: BusRecord) =>
  Number((JSON.parse(record.value) as { data: { caseNumber: string } }).data.caseNumber);

describe('the outbox', () => {
  it('refuses events outside a transaction, and drops those of one that is rolled back', async () => {
    await expect(outbox.add(service.source.manager, numbered('a', 1))).rejects.toThrow(/transaction/);
    let committed = 0;
    outbox.onCommit(() => committed++);
    const failed = service.source.transaction(async (tx) => {
      await outbox.add(tx, numbered('a', 1));
      throw new Error('rolled back');
    });
    await expect(failed).rejects.toThrow('rolled back');
    expect([await unsent(), committed]).toEqual([0, 0]);
    await publish('a', 1);
    expect([await unsent(), committed]).toEqual([1, 1]);
  });

  it('numbers the events of a key in the order of their commits, however the transactions race', async () => {
    await service.source.query(`insert into effect (key, n) values ('card', 0)`);
    await Promise.all(
      [...Array(60).keys()].map(() =>
        service.source.transaction(async (tx) => {
          const [card] = await tx.query<{ n: number }[]>(`select n from effect where key = 'card' for update`);
          await tx.query(`update effect set n = n + 1`);
          await outbox.add(tx, [numbered('card', 2 * card!.n), numbered('card', 2 * card!.n + 1)]);
        }),
      ),
    );
    const rows = await service.source.query<BusRecord[]>('select value from outbox order by id');
    expect(rows.map(numberOf)).toEqual([...Array(120).keys()]);
  });
});

describe('the relay', () => {
  it('sends everything in order of id, in batches, and marks it', async () => {
    const sent: number[] = [];
    const sizes: number[] = [];
    await publish('a', ...Array(1_203).keys());
    relay(async (records) => {
      sizes.push(records.length);
      sent.push(...records.map(numberOf));
    });
    await eventually(async () => expect(await unsent()).toBe(0));
    expect(sizes).toEqual([500, 500, 203]);
    expect(sent).toEqual([...Array(1_203).keys()]);
  });

  it('is woken by a commit of its own process', async () => {
    const sent: number[] = [];
    const it = relay(async (records) => void sent.push(...records.map(numberOf)), 3_600_000);
    outbox.onCommit(() => it.wake());
    for (const i of [1, 2, 3]) {
      await publish('a', i);
      await eventually(() => expect(sent).toHaveLength(i));
    }
  });

  it('is one a service: another stands by, and takes over when it ends', async () => {
    const by: string[] = [];
    const first = relay(async (records) => void by.push(...records.map(() => 'first')));
    await publish('a', 1);
    await eventually(() => expect(by).toEqual(['first']));
    relay(async (records) => void by.push(...records.map(() => 'second')));
    await publish('a', 2);
    await eventually(() => expect(by).toEqual(['first', 'first']));
    await first.stop();
    await publish('a', 3);
    await eventually(() => expect(by).toEqual(['first', 'first', 'second']));
  });

  it('that has lost its session while sending marks nothing; what it sent is sent again', async () => {
    const sent: number[] = [];
    let strikes = 1;
    await publish('a', 1, 2);
    relay(async (records) => {
      sent.push(...records.map(numberOf));
      if (strikes-- > 0) {
        await service.source.query(
          `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()`,
        );
      }
    });
    await eventually(async () => expect(await unsent()).toBe(0));
    expect(sent).toEqual([1, 2, 1, 2]);
  });

  it('never marks a batch of which not everything is stored', async () => {
    let refuse = true;
    await publish('a', 1, 2, 3);
    relay(async () => {
      if (refuse) throw new Error('two of three are stored');
    });
    await eventually(async () => expect(await unsent()).toBe(3));
    refuse = false;
    await eventually(async () => expect(await unsent()).toBe(0));
  });

  it('starts without a database and works when it is there', async () => {
    await publish('a', 1);
    await database.server.stop();
    const sent: number[] = [];
    relay(async (records) => void sent.push(...records.map(numberOf)));
    await database.restart();
    await eventually(() => expect(sent).toEqual([1]));
  });
});
