import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { type Topic, TOPICS, topicOf, type EventType } from '#libs/events';
import { TOPIC_ACCESS } from './access.js';
import { eventsPage } from './events-page.js';

const SERVICES = ['acceptance', 'crl-publisher', 'issuance', 'status-query', 'suspension'];

const sorted = (values: Iterable<string>) => [...new Set(values)].sort();
const sources = (service: string) =>
  readdirSync(`services/${service}/src`, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/\.(spec|fixture)\.ts$/.test(file))
    .map((file) => readFileSync(`services/${service}/src/${file}`, 'utf8'));

describe('who may write and read a topic', () => {
  it.each(Object.values(TOPICS))('is what docs/EVENTS.md says of %s', (topic) => {
    const lines = eventsPage().filter((line) => line.topic === topic);
    expect(sorted(TOPIC_ACCESS[topic]!.writers)).toEqual(sorted(lines.flatMap(({ from }) => from)));
    expect(sorted(TOPIC_ACCESS[topic]!.readers)).toEqual(sorted(lines.flatMap(({ to }) => to)));
  });

  it.each(SERVICES)('is what %s handles', (service) => {
    const patterns = sources(service).flatMap((text) =>
      [...text.matchAll(/@EventPattern\(([^)]*)\)/g)].map(([, p]) => p!),
    );
    const topics = patterns.flatMap((p) => [...p.matchAll(/TOPICS\.(\w+)/g)].map(([, name]) => TOPICS[name as keyof typeof TOPICS])); // prettier-ignore
    expect(topics.length).toBeGreaterThan(0);
    const granted = Object.entries(TOPIC_ACCESS).flatMap(([topic, { readers }]) => (readers.includes(service) ? [topic] : [])); // prettier-ignore
    expect(sorted(granted)).toEqual(sorted(topics));
  });

  it('covers each event that a service’s text makes', () => {
    for (const service of SERVICES) {
      const types = sources(service).flatMap((text) => [...text.matchAll(/newEvent\(\s*'([\w.-]+)'/g)].map(([, type]) => type as EventType)); // prettier-ignore
      for (const type of types) expect([type, TOPIC_ACCESS[topicOf(type)]!.writers]).toEqual([type, expect.arrayContaining([service])]); // prettier-ignore
    }
    expect(sorted(Object.keys(TOPIC_ACCESS))).toEqual(sorted(Object.values(TOPICS) as Topic[]));
  });
});
