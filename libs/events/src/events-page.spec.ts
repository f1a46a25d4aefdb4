import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { EVENTS, type EventType, topicOf } from './events.js';
import { SEALED_PAYLOADS } from './sealed.js';

const rows = readFileSync('docs/EVENTS.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.slice(1, -1).split('|'))
  .map((cells) => cells.map((cell) => cell.trim()));
const bare = (cell = '') => cell.replaceAll('`', '');

/** What the handlers of a service's map name. */
const handled = (service: string, type: string) => {
  const file = `services/${service}/src/${service}.handlers.ts`;
  return existsSync(file) && readFileSync(file, 'utf8').includes(`    '${type}': (`);
};

describe('docs/EVENTS.md', () => {
  it('names every event with its topic, and no other', () => {
    const types = Object.keys(EVENTS) as EventType[];
    expect(rows.map(([type, topic]) => [bare(type), bare(topic)])).toEqual(types.map((type) => [type, topicOf(type)]));
    expect(rows.map((cells) => cells.length)).toEqual(rows.map(() => 7));
  });

  it('says who acts on each', () => {
    for (const [name, , , , to] of rows) {
      const type = bare(name);
      const services = readdirSync('services').filter((service) => handled(service, type));
      if (type === 'status.watermark') services.push('status-query'); // taken before the map: it has no place in the inbox
      expect([type, to]).toEqual([type, services.sort().join(', ') || '–']);
    }
  });

  it('says what is sealed', () => {
    for (const [name, , , , , , sealed] of rows) {
      const type = bare(name);
      const payload = SEALED_PAYLOADS[type as keyof typeof SEALED_PAYLOADS];
      const fields = payload ? Object.keys(payload.shape) : type === 'credential.set' ? ['verifier'] : [];
      const shown = /^`\{(.*)\}`, for /.exec(sealed!)?.[1]?.split(', ') ?? [];
      expect([type, shown]).toEqual([type, fields]);
    }
  });
});
