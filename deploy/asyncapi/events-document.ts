import { z } from 'zod';
import { EVENTS, eventSchema, type EventType, type Topic, TOPICS, topicOf } from '#libs/events';
import { PARTITIONS } from '#libs/messaging';
import { TOPIC_ACCESS } from '../kafka/access.js';
import { type EventLine, eventsPage } from '../kafka/events-page.js';

export const EVENTS_DOCUMENT = 'docs/asyncapi.json';

/** Every topic, every event with its schema, and who sends and receives what: AsyncAPI 3.0. */
export function eventsDocument() {
  const page = eventsPage();
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
      Object.entries(TOPIC_ACCESS).flatMap(([topic, { writers, readers }]) => {
        const lines = page.filter((line) => line.topic === topic);
        const of = (side: 'from' | 'to', service: string) => lines.filter((line) => line[side].includes(service));
        return [
          ...writers.map((service) => operation('send', service, topic, of('from', service))),
          ...readers.map((service) => operation('receive', service, topic, of('to', service))),
        ];
      }),
    ),
    components: { messages: Object.fromEntries(page.map((line) => [line.type, message(line)])) },
  };
}

export const textOf = (document: object): string => `${JSON.stringify(document, null, 2)}\n`;

function operation(action: 'send' | 'receive', service: string, topic: string, lines: EventLine[]) {
  const messages = lines.map(({ type }) => ref(`channels/${topic}/messages/${type}`));
  const tags = [{ name: service }];
  const group = action === 'receive' && {
    bindings: { kafka: { groupId: { type: 'string', enum: [service] }, bindingVersion: '0.5.0' } },
  };
  return [`${service}.${action}.${topic}`, { action, channel: ref(`channels/${topic}`), messages, tags, ...group }];
}

function message({ type, key, says, sealed }: EventLine) {
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
