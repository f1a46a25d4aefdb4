import { describe, expect, it } from '@jest/globals';
import { shownStatus, type StatusFacts } from './shown-status.js';

const notAfter = new Date('2031-11-21T15:59:59Z');
const before = new Date('2026-11-21T02:00:00Z');
const after = new Date('2031-11-21T16:00:00Z');

describe('the status shown', () => {
  it('is the first of revoked, expired, suspended, valid, pending that is true', () => {
    for (const acceptedAt of [null, before]) {
      for (const held of [false, true]) {
        for (const listedReason of [null, 'certificateHold', 'superseded', 'keyCompromise'] as const) {
          for (const now of [before, after]) {
            const revoked = listedReason === 'superseded' || listedReason === 'keyCompromise';
            const truths = {
              revoked,
              expired: now === after,
              suspended: held,
              valid: acceptedAt !== null,
              pending: true,
            };
            const first = Object.entries(truths).find(([, isTrue]) => isTrue)![0];
            expect(shownStatus({ acceptedAt, held, listedReason, notAfter }, now)).toBe(first);
          }
        }
      }
    }
  });

  it('is valid through the whole last second', () => {
    const facts: StatusFacts = { acceptedAt: before, held: false, listedReason: null, notAfter };
    expect(shownStatus(facts, new Date('2031-11-21T15:59:59.999Z'))).toBe('valid');
    expect(shownStatus(facts, after)).toBe('expired');
  });
});
