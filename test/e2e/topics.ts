import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type EventType, EVENTS, parseEvent, TOPICS, type Topic, WATERMARK_KEY } from '#libs/events';
import { partitionOf } from '#libs/messaging';
import { application, combinedApplication, storyCards } from '../demo/cards.js';
import type { TestStack } from './test-stack.js';

interface KafkaRecord {
  topic: Topic;
  partition: number;
  offset: number;
  key: string;
  headers: string;
  value: string;
}

/** Suite: what the demo left in Kafka, read from the start by a client that is not ours. */
export function topics(stack: TestStack): void {
  let records: KafkaRecord[] = [];

  beforeAll(async () => {
    for (const topic of Object.values(TOPICS)) records = [...records, ...(await read(topic))];
  }, 60_000);

  async function read(topic: Topic): Promise<KafkaRecord[]> {
    const { brokers } = stack;
    const format = '%p\\t%o\\t%k\\t%h\\t%s\\n';
    const { stdout } = await promisify(execFile)(
      'kcat',
      ['-b', brokers, '-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-f', format],
      { maxBuffer: 64 * 2 ** 20 },
    );
    return stdout.split('\n').flatMap((line) => {
      if (line === '') return [];
      const [partition, offset, key, headers, ...value] = line.split('\t');
      return [{ topic, partition: Number(partition), offset: Number(offset), key: key!, headers: headers!, value: value.join('\t') }]; // prettier-ignore
    });
  }

  it('have six partitions each, and hold what docs/EVENTS.md says they hold', async () => {
    const { stdout } = await promisify(execFile)('kcat', ['-b', stack.brokers, '-L', '-J']);
    const { topics } = JSON.parse(stdout) as { topics: { topic: string; partitions: unknown[] }[] };
    for (const topic of Object.values(TOPICS)) {
      expect({ topic, partitions: topics.find((one) => one.topic === topic)?.partitions.length }).toEqual({ topic, partitions: 6 }); // prettier-ignore
    }
    const seen = new Map<string, string>();
    for (const { topic, value } of records) seen.set((JSON.parse(value) as { type: string }).type, topic);
    for (const [type, topic] of seen) expect([type, topic]).toEqual([type, EVENTS[type as EventType].topic]);
    // All but those that the story has no reason for; a slow machine may raise an alarm.
    const missing = Object.keys(EVENTS).filter((type) => !seen.has(type) && !type.startsWith('alarm.'));
    expect(missing.sort()).toEqual([
      'application.rejected',
      'application.returned',
      'card.acceptance-due',
      'card.defective',
      'card.locked',
      'card.unlocked',
      'certificate.refused',
      'one-time-code.requested',
    ]);
  });

  it('are keyed by the event’s subject, in the partition of that key, in CloudEvents of the documented form', () => {
    expect(records.length).toBeGreaterThan(50);
    for (const { key, partition, headers, value } of records) {
      const event = parseEvent(value);
      expect(event).toMatchObject({ specversion: '1.0', subject: key });
      expect(partition).toBe(partitionOf(key));
      expect(headers).toContain('content-type=application/cloudevents+json');
      expect(headers).toContain(event!.id);
    }
  });

  it('have a card’s status changes in the order of the log, each once', () => {
    const rows = records.filter(({ topic, key }) => topic === TOPICS.status && key !== WATERMARK_KEY);
    const byCard = new Map<string, number[]>();
    for (const { key, value } of rows) {
      const { data } = JSON.parse(value) as { data: { seq?: number } };
      if (data.seq !== undefined) byCard.set(key, [...(byCard.get(key) ?? []), data.seq]);
    }
    expect(byCard.size).toBeGreaterThanOrEqual(3);
    for (const seqs of byCard.values()) expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
  });

  describe('hold in clear', () => {
    const everything = () => records.map(({ value, headers }) => value + headers).join('\n');
    const strings = (value: unknown): string[] =>
      typeof value === 'string' ? [value] : value && typeof value === 'object' ? Object.values(value).flatMap(strings) : []; // prettier-ignore

    it('no user code, national ID, birth date or PIN', () => {
      const secrets = storyCards().flatMap(({ userCode, pin, representative }) => [userCode, pin, ...strings(representative)]); // prettier-ignore
      expect(secrets.length).toBeGreaterThan(8);
      for (const secret of secrets) {
        expect(everything()).not.toContain(secret);
        expect(everything()).not.toContain(Buffer.from(secret).toString('base64').replace(/=+$/, ''));
        expect(everything()).not.toContain(Buffer.from(secret).toString('hex'));
      }
    });

    it('no contact: neither e-mail for notices nor address, telephone or who to ask', () => {
      const contacts = storyCards().flatMap((card) => [
        ...strings(application(card).contact),
        ...strings(combinedApplication(card).contact),
        ...(card.email ? [card.email] : []),
      ]);
      for (const contact of contacts) expect(everything()).not.toContain(contact);
    });
  });
}
