import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { EVENTS, eventSchema, type EventType, type Topic, TOPICS, topicOf } from '#libs/events';
import { PARTITIONS } from '#libs/messaging';
import { TOPIC_ACCESS } from '../kafka/access.js';

export const EVENTS_DOCUMENT = 'docs/asyncapi.json';
const EVENTS_PAGE = 'docs/EVENTS.md';

/** Every topic, every event with its schema, and who sends and receives what: AsyncAPI 3.0. */
export function eventsDocument() {
  const page = readPage();
  const types = Object.keys(EVENTS) as EventType[];
  const ofTopic = (topic: Topic) => types.filter((type) => topicOf(type) === topic);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'kaika',
      version: '1',
      description: 'What the services of kaika tell each other (docs/EVENTS.md). Not affiliated with MOEACA.',
    },
    defaultContentType: 'application/cloudevents+json',
    channels: Object.fromEntries(
      Object.values(TOPICS).map((topic) => [
        topic,
        {
          address: topic,
          messages: Object.fromEntries(ofTopic(topic).map((type) => [type, ref(`components/messages/${type}`)])),
          bindings: { kafka: { topic, partitions: PARTITIONS, bindingVersion: '0.5.0' } },
        },
      ]),
    ),
    operations: Object.fromEntries(
      Object.entries(TOPIC_ACCESS).flatMap(([topic, { writers, readers }]) => [
        ...writers.map((service) =>
          operation(
            'send',
            service,
            topic,
            page.filter((row) => row.from.includes(service)),
          ),
        ),
        ...readers.map((service) =>
          operation(
            'receive',
            service,
            topic,
            page.filter((row) => row.to.includes(service)),
          ),
        ),
      ]),
    ),
    components: { messages: Object.fromEntries(page.map((row) => [row.type, message(row)])) },
  };
}

export const textOf = (document: object): string => `${JSON.stringify(document, null, 2)}\n`;

/** A line of the page's table, which says in words what the schemas cannot. */
interface Row {
  type: EventType;
  topic: string;
  key: string;
  from: string[];
  to: string[];
  says: string;
  sealed: string;
}

function readPage(): Row[] {
  const lines = readFileSync(EVENTS_PAGE, 'utf8').split('\n');
  return lines
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const [type, topic, key, from, to, says, sealed] = line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim().replaceAll('`', ''));
      return {
        type: type as EventType,
        topic: topic!,
        key: key!,
        from: from!.split(', '),
        to: to!.split(', '),
        says: says!,
        sealed: sealed!,
      };
    });
}

function operation(action: 'send' | 'receive', service: string, topic: string, rows: Row[]) {
  const messages = rows
    .filter((row) => row.topic === topic)
    .map(({ type }) => ref(`channels/${topic}/messages/${type}`));
  const tags = [{ name: service }];
  const group = action === 'receive' && {
    bindings: { kafka: { groupId: { type: 'string', enum: [service] }, bindingVersion: '0.5.0' } },
  };
  return [`${service}.${action}.${topic}`, { action, channel: ref(`channels/${topic}`), messages, tags, ...group }];
}

function message({ type, key, says, sealed }: Row) {
  return {
    name: type,
    title: type,
    summary: says,
    ...(sealed !== '–' && { description: `Sealed (JWE): ${sealed}` }),
    headers: {
      type: 'object',
      properties: {
        'content-type': { type: 'string', const: 'application/cloudevents+json' },
        ce_id: { type: 'string', description: 'the id of the event, the same for a duplicate' },
      },
      required: ['content-type', 'ce_id'],
    },
    payload: z.toJSONSchema(eventSchema(type), { target: 'draft-7', io: 'output' }),
    bindings: { kafka: { key: { type: 'string', description: key }, bindingVersion: '0.5.0' } },
  };
}

const ref = (path: string) => ({ $ref: `#/${path}` });
