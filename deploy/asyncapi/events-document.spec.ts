import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import { EVENTS, newEvent, type EventType } from '#libs/events';
import { EVENTS_DOCUMENT, eventsDocument, textOf } from './events-document.js';

const kept = readFileSync(EVENTS_DOCUMENT, 'utf8');
const document = JSON.parse(kept) as ReturnType<typeof eventsDocument>;

describe('docs/asyncapi.json', () => {
  it('is what the code says (else: npm run asyncapi)', () => {
    expect(textOf(eventsDocument()) === kept).toBe(true);
  });

  it('is AsyncAPI 3.0, as its own schema says', () => {
    const schema = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0.json') as object;
    // It brings the schema of schemas along, which ajv has as well.
    const ajv = new Ajv({ strict: false, meta: false, validateSchema: false, validateFormats: false });
    const valid = ajv.compile(schema);
    valid(document);
    expect(valid.errors ?? []).toEqual([]);
    valid({ ...document, channels: { 'kaika.status.v1': { address: 1 } } });
    expect(valid.errors).not.toHaveLength(0);
  });

  it('has every event in one channel, and whoever receives something has somebody who sends it', () => {
    const types = Object.keys(EVENTS) as EventType[];
    expect(Object.keys(document.components.messages)).toEqual(types);
    expect(Object.values(document.channels).flatMap(({ messages }) => Object.keys(messages))).toEqual(types);
    const operations = Object.values(document.operations) as { action: string; messages: { $ref: string }[] }[];
    const of = (action: string) =>
      operations.filter((o) => o.action === action).flatMap(({ messages }) => messages.map(({ $ref }) => $ref));
    expect(of('receive').length).toBeGreaterThan(10);
    expect(new Set(of('send')).size).toBe(types.length);
    expect(of('receive').filter((message) => !of('send').includes(message))).toEqual([]);
    expect([...of('send'), ...of('receive')].filter((path) => resolve(path) === undefined)).toEqual([]);
  });

  it('describes an event as it is sent, and refuses another', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    const fits = ajv.compile(document.components.messages['card.dispatched']!.payload);
    const at = '2026-11-22T00:00:00Z';
    const data = { cardNumber: 'MT00000000000017', at };
    const event = newEvent('card.dispatched', data.cardNumber, data, { source: 'issuance', now: new Date(at) });
    expect([fits(event), fits.errors]).toEqual([true, null]);
    expect(fits({ ...event, type: 'card.activated' })).toBe(false);
    expect(fits({ ...event, data: { cardNumber: data.cardNumber } })).toBe(false);
  });
});

function resolve(path: string): unknown {
  const steps = path.slice(2).split('/');
  return steps.reduce((at: unknown, step) => (at as Record<string, unknown>)[step], document);
}
