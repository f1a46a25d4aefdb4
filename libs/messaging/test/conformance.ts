import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { type TestService, withTestDatabase } from '#libs/database';
import type { KaikaEvent } from '#libs/events';
import { TOPICS, topicOf } from '#libs/events';
import { type BusRecord, Consumer, DeadLetters, type EventSink, type MessagingOptions, Outbox, partitionOf, Relay } from '../src/index.js'; // prettier-ignore
import { ChildProcesses } from '../../database/test/child-process.js';
import { eventually } from './eventually.js';
import { type Behaviour, effects, MEMBER_MIGRATIONS, numbered, startMember } from './member.js';

/** A transport under test: its broker, apart from the services' database, and what only it knows how to do. */
export interface TransportUnderTest {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Settings for a service. */
  transport(): MessagingOptions['transport'];
  sink(): EventSink;
  /** The broker goes away at once, and comes back with what it had stored. */
  interrupt(): Promise<void>;
  resume(): Promise<void>;
  /** All records of a topic come again to this group, which has no member at the time. */
  rewind(group: string): Promise<void>;
}

/** What every transport must do (DESIGN.md §1). Each test has a service, schema and group of its own. */
export function transportConformance(name: string, broker: TransportUnderTest): void {
  describe(`transport ${name}`, () => {
    const database = withTestDatabase();
    beforeAll(() => broker.start(), 120_000);
    afterAll(() => broker.stop(), 120_000);

    let tests = 0;
    let group: string;
    let service: TestService;
    let sink: EventSink;
    const apps: INestApplication[] = [];

    beforeEach(async () => {
      group = `service_${++tests}`;
      service = await database.service(group, MEMBER_MIGRATIONS);
      sink = broker.sink();
    });
    afterEach(async () => {
      await Promise.all(apps.splice(0).map((app) => app.close()));
      await sink.close();
    });

    const member = async (behaviour: Behaviour = {}) => {
      const app = await startMember(service, { service: group, transport: broker.transport() }, behaviour);
      apps.push(app);
      return app;
    };
    const close = async (app: INestApplication) => {
      apps.splice(apps.indexOf(app), 1);
      await app.close();
    };
    const record = (event: KaikaEvent): BusRecord => ({
      topic: topicOf(event.type),
      key: event.subject,
      value: JSON.stringify(event),
      id: event.id,
    });
    const send = (...events: KaikaEvent[]) => sink.send(events.map(record));
    /** Keys of this test alone: topics outlive a test. */
    const key = (n: number | string) => `${group}:${n}`;
    const upTo = (n: number) => [...Array(n).keys()];
    const seen = async (k: string) => (await effects(service)).get(k) ?? [];
    const publish = (app: INestApplication, events: KaikaEvent[]) =>
      service.source.transaction(async (tx) => app.get(Outbox).add(tx, events));

    it('keeps the order of each key, from concurrent transactions to the effects', async () => {
      const app = await member();
      const keys = upTo(20).map(key);
      await Promise.all(
        keys.map(async (k) => {
          for (const n of upTo(10)) await publish(app, [numbered(k, 2 * n), numbered(k, 2 * n + 1)]);
        }),
      );
      await eventually(async () => {
        const result = await effects(service);
        for (const k of keys) expect(result.get(k)).toEqual(upTo(20));
      });
    });

    it('has every event’s effect once, however often it comes', async () => {
      const app = await member();
      const events = upTo(5).map((n) => numbered(key('x'), n));
      await send(...events, ...events);
      await send(...[...events].reverse());
      await send(numbered(key('x'), 99));
      await eventually(async () => expect(await seen(key('x'))).toEqual([0, 1, 2, 3, 4, 99]));
      expect(app.get(Consumer).counts).toMatchObject({ handled: 6, duplicate: 10 });
    });

    it('takes an event again whose effect was stored and whose position was not, without a second effect', async () => {
      const first = await member({ after: () => Promise.reject(new Error('crashed before the position was stored')) });
      await send(numbered(key('x'), 1));
      await eventually(async () => expect(first.get(Consumer).counts.duplicate).toBeGreaterThan(0));
      await close(first);
      const second = await member();
      await send(numbered(key('x'), 2));
      await eventually(async () => expect(await seen(key('x'))).toEqual([1, 2]));
      expect(second.get(Consumer).counts.duplicate).toBe(1);
    });

    describe('a poison event', () => {
      const poisoned = async () => {
        const trouble = { broken: true };
        const app = await member({
          before: (_, n) => {
            if (n === 1 && trouble.broken) throw new TypeError('cannot digest 1');
          },
        });
        const [bad, sameKey, other] = [key('bad'), key('bad'), key('other')];
        await send(...upTo(4).flatMap((n) => [numbered(bad, n), numbered(other, n + 10)]));
        await eventually(async () => {
          expect(await seen(other)).toEqual([10, 11, 12, 13]);
          expect(await app.get(DeadLetters).list()).toHaveLength(3);
        });
        expect(await seen(sameKey)).toEqual([0]);
        const letters = await app.get(DeadLetters).list();
        expect(letters.map((l) => [l.state, l.key])).toEqual(['dead', 'waiting', 'waiting'].map((s) => [s, bad]));
        expect(letters[0]).toMatchObject({ reason: 'TypeError: cannot digest 1', attempts: 5 });
        return { app, trouble, bad, letters: app.get(DeadLetters), first: letters[0]! };
      };

      it('parks its key while others go on, and is replayed in order', async () => {
        const { trouble, bad, letters, first } = await poisoned();
        expect(await letters.replay(first.id, 'officer')).toMatchObject({ replayed: 0, freed: false });
        expect(await seen(bad)).toEqual([0]);
        trouble.broken = false;
        expect(await letters.replay(first.id, 'officer')).toEqual({ replayed: 3, freed: true });
        await send(numbered(bad, 4));
        await eventually(async () => expect(await seen(bad)).toEqual([0, 1, 2, 3, 4]));
      });

      it('is discarded, and what waited behind it goes on; the discarded one never comes back', async () => {
        const { app, bad, letters, first, trouble } = await poisoned();
        await service.source.transaction((tx) => letters.discard(tx, first.id, 'officer'));
        expect(await letters.replay(first.id, 'officer')).toEqual({ replayed: 2, freed: true });
        trouble.broken = false;
        await close(app);
        await broker.rewind(group);
        await member();
        await send(numbered(bad, 4));
        await eventually(async () => expect(await seen(bad)).toEqual([0, 2, 3, 4]));
      });

      it('waits for an officer over a restart, and later events wait with it', async () => {
        const { app, bad, first } = await poisoned();
        await close(app);
        const again = await member();
        await send(numbered(bad, 4), numbered(key('third'), 0));
        await eventually(async () => expect(await seen(key('third'))).toEqual([0]));
        await eventually(async () => expect(await again.get(DeadLetters).list()).toHaveLength(4));
        expect(await seen(bad)).toEqual([0]);
        expect(await again.get(DeadLetters).replay(first.id, 'officer')).toEqual({ replayed: 4, freed: true });
        expect(await seen(bad)).toEqual([0, 1, 2, 3, 4]);
      });

      it('that is no event at all parks its key too', async () => {
        const app = await member();
        const not = (value: string, n: number) => ({ topic: TOPICS.issuance, key: key(n), value, id: `${group}-${n}` });
        const wrong = JSON.stringify({ ...numbered(key(1), 1), data: { caseNumber: 7 } });
        await sink.send([not('{"half": ', 0), not(wrong, 1)]);
        await send(numbered(key(0), 1), numbered(key(2), 1));
        await eventually(async () => expect(await seen(key(2))).toEqual([1]));
        await eventually(async () => expect(await app.get(DeadLetters).list()).toHaveLength(3));
        expect(await seen(key(0))).toEqual([]);
      });
    });

    it('has no second effect when everything comes again from the start', async () => {
      const app = await member();
      await send(...upTo(30).map((n) => numbered(key(n % 3), n)));
      await eventually(async () => expect([...(await effects(service)).values()].flat()).toHaveLength(30));
      const before = await effects(service);
      await close(app);
      await broker.rewind(group);
      const again = await member();
      await send(numbered(key('last'), 0));
      await eventually(async () => expect(await seen(key('last'))).toEqual([0]));
      await eventually(() => expect(again.get(Consumer).counts.duplicate).toBeGreaterThanOrEqual(30));
      const after = await effects(service);
      after.delete(key('last'));
      expect(after).toEqual(before);
    });

    it('gives each partition to one member at a time, and a member’s partitions to the others when it leaves', async () => {
      const busy = new Map<number, string>();
      const clashes: string[] = [];
      const doing = new Map<string, Set<number>>();
      const watch = (who: string): Behaviour => ({
        before: async (k) => {
          const partition = partitionOf(k);
          if (busy.has(partition)) clashes.push(`${who} and ${busy.get(partition)} in partition ${partition}`);
          busy.set(partition, who);
          doing.set(who, (doing.get(who) ?? new Set()).add(partition));
          await new Promise((done) => setImmediate(done));
          busy.delete(partition);
        },
      });
      const [a] = [await member(watch('a')), await member(watch('b'))];
      const keys = upTo(40).map(key);
      let n = 0;
      await eventually(async () => {
        const wave = n++;
        await send(...keys.map((k) => numbered(k, wave)));
        await eventually(async () => expect((await seen(keys[0]!)).at(-1)).toBe(wave));
        expect([...doing.keys()].sort()).toEqual(['a', 'b']);
      });
      await close(a);
      await send(...keys.map((k) => numbered(k, n)));
      await eventually(async () => {
        const result = await effects(service);
        for (const k of keys) expect(result.get(k)?.at(-1)).toBe(n);
      });
      for (const numbers of (await effects(service)).values()) expect(numbers).toEqual(upTo(n + 1));
      expect(clashes).toEqual([]);
    });

    it('gives the partitions of a member that was killed in its work to the others', async () => {
      const children = new ChildProcesses([
        ...['clock', 'errors', 'events', 'database', 'messaging'],
        ...['config', 'doors', 'dual-control', 'metrics', 'trace'],
      ]);
      try {
        const options = { service: group, transport: broker.transport() };
        const { appUrl, schema } = service;
        const { child } = await children.start('messaging/test/member-process', {
          service: { appUrl, schema },
          options,
        });
        const keys = upTo(40).map(key);
        let n = 0;
        const wave = () => send(...keys.map((k) => numbered(k, n))).then(() => n++);
        await wave();
        await eventually(async () => expect((await effects(service)).size).toBe(keys.length));
        await member();
        for (let i = 0; i < 5; i++) await wave();
        await children.kill(child);
        await wave();
        await eventually(async () => {
          const result = await effects(service);
          for (const k of keys) expect(result.get(k)).toEqual(upTo(n));
        }, 60_000);
      } finally {
        await children.stop();
      }
    }, 90_000);

    it('sends again, in the same order, what a relay sent and did not mark', async () => {
      const sent: string[] = [];
      let crashes = 2;
      const flaky: EventSink = {
        send: async (records) => {
          sent.push(...records.map((r) => r.id));
          await sink.send(records);
          if (crashes-- > 0) throw new Error('crashed between sending and marking');
        },
        close: async () => {},
      };
      const events = upTo(6).map((n) => numbered(key('x'), n));
      const outbox = new Outbox(service.source);
      await service.source.transaction((tx) => outbox.add(tx, events));
      const relay = new Relay({ service: group, url: service.appUrl, sink: flaky, pollMs: 20 });
      relay.start();
      await eventually(() => expect(sent).toEqual([...events, ...events, ...events].map((e) => e.id)));
      await relay.stop();
      await member();
      await eventually(async () => expect(await seen(key('x'))).toEqual(upTo(6)));
    });

    it('lets services work and start while the broker is away, and carries everything when it is back', async () => {
      const app = await member();
      await publish(app, [numbered(key('x'), 0)]);
      await eventually(async () => expect(await seen(key('x'))).toEqual([0]));
      await broker.interrupt();
      await publish(app, [numbered(key('x'), 1)]);
      const late = await member();
      await publish(late, [numbered(key('x'), 2)]);
      await broker.resume();
      await eventually(async () => expect(await seen(key('x'))).toEqual([0, 1, 2]), 60_000);
    }, 90_000);
  });
}
