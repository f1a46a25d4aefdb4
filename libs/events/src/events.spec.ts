import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EVENTS, newEvent, parseEvent, topicOf } from './events.js';
import { SEALED_PAYLOADS, sealedContext, type SealedType } from './sealed.js';
import {
  changeDigest,
  EMPTY_DIGEST,
  FIRST_PREV_HASH,
  REASON_CODES,
  statusRowHash,
  type ReasonCode,
} from './status-row.js';

const now = new Date('2026-11-21T15:50:00.123Z');
const row = {
  epoch: '2f1e6b0e-6d0a-4d53-9f0b-6f5f0b8f3f11',
  seq: 1,
  prevHash: FIRST_PREV_HASH,
  hash: FIRST_PREV_HASH,
  at: now.toISOString(),
  kind: 'suspended' as const,
  cardNumber: 'TT00000000000051',
  serials: { signature: '1CCF90E050BDB8405D2B9856AB8AB282', encryption: '470A93DECF12690532787E8EA81DC132' },
  issuerSki: 'A'.repeat(40),
  notAfter: '2031-11-21T15:59:59Z',
  partition: null,
  holder: 'subscriber' as const,
  acceptedAt: null,
  holds: ['subscriber' as const],
  listed: { reason: 'certificateHold' as const, since: '2026-11-21T15:50:00Z' },
};

describe('events', () => {
  it('come back as they were sent', () => {
    const event = newEvent('certificate.suspended', row.cardNumber, row, { source: 'suspension', now });
    expect(parseEvent(JSON.stringify(event))).toEqual(event);
    expect(topicOf(event.type)).toBe('kaika.status.v1');
  });

  it('of an unknown type are nothing, unknown fields are dropped, and a status row keeps them', () => {
    const event = newEvent(
      'card.dispatched',
      row.cardNumber,
      { cardNumber: row.cardNumber, at: now.toISOString() },
      { source: 'x', now },
    );
    expect(parseEvent(JSON.stringify({ ...event, type: 'card.painted' }))).toBeUndefined();
    expect(parseEvent(JSON.stringify({ ...event, type: 'constructor' }))).toBeUndefined();
    expect(parseEvent(JSON.stringify({ ...event, data: { ...event.data, colour: 'red' } }))).toEqual(event);
    const suspended = newEvent(
      'certificate.suspended',
      row.cardNumber,
      { ...row, colour: 'red' },
      { source: 'x', now },
    );
    expect(parseEvent(JSON.stringify(suspended))).toEqual(suspended);
  });

  it('that are malformed name the field and never its value', () => {
    const event = newEvent(
      'certificate.suspended',
      row.cardNumber,
      { ...row, cardNumber: 'secret' },
      { source: 'x', now },
    );
    expect(() => parseEvent(JSON.stringify(event))).toThrow(/certificate.suspended: cardNumber$/);
    expect(() => parseEvent('{')).toThrow('the event is not JSON');
    expect(() => parseEvent('null')).toThrow(/envelope/);
  });

  it('about credentials are about user codes unless they say otherwise', () => {
    const of = (kind: object) => {
      const data = { cardNumber: row.cardNumber, generation: 1, jwe: {}, ...kind };
      const event = newEvent('credential.set', row.cardNumber, data as never, { source: 'x', now });
      return parseEvent(JSON.stringify(event))?.data;
    };
    expect(of({})).toMatchObject({ kind: 'user-code' });
    expect(of({ kind: 'representative' })).toMatchObject({ kind: 'representative' });
    expect(() => of({ kind: 'pin' })).toThrow('kind');
  });

  it('with a sealed part belong to one kind and one card', () => {
    const contexts = Object.keys(SEALED_PAYLOADS).flatMap((type) =>
      ['TT00000000000051', 'TT00000000000052'].map((card) => sealedContext(type as SealedType, card)),
    );
    expect(new Set(contexts).size).toBe(6);
    for (const type of Object.keys(SEALED_PAYLOADS)) expect(Object.keys(EVENTS)).toContain(type);
  });

  it('have topics of the form kaika.<subject>.v1', () => {
    for (const { topic } of Object.values(EVENTS)) expect(topic).toMatch(/^kaika\.[a-z]+\.v1$/);
  });
});

describe('status rows', () => {
  it('hash every field but the hash itself, in any order of fields', () => {
    const reversed = Object.fromEntries(Object.entries(row).reverse());
    expect(statusRowHash(reversed)).toBe(statusRowHash(row));
    expect(statusRowHash({ ...row, hash: 'x' })).toBe(statusRowHash(row));
    expect(statusRowHash({ ...row, seq: 2 })).not.toBe(statusRowHash(row));
  });

  it('have a digest of the list that does not depend on order and can be undone', () => {
    const entry = fc.tuple(
      fc.stringMatching(/^[0-9A-F]{32}$/),
      fc.constantFrom(...(Object.keys(REASON_CODES) as ReasonCode[])),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 10 }), (entries) => {
        const add = (list: typeof entries) => list.reduce((d, [s, r]) => changeDigest(d, 1, s, r), EMPTY_DIGEST);
        const digest = add(entries);
        expect(add([...entries].reverse())).toBe(digest);
        expect(entries.reduce((d, [s, r]) => changeDigest(d, -1, s, r), digest)).toBe(EMPTY_DIGEST);
      }),
    );
  });
});
