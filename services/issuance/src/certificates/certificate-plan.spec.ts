import { describe, expect, it } from '@jest/globals';
import type { Authority } from '#libs/pki';
import { CARD_CERTIFICATES, CARD_SLOTS, cardValidity, issuerOf } from './certificate-plan.js';

const authority = (issuing: string, card: string) =>
  ({ issuing: { notAfter: new Date(issuing) }, card: { notAfter: new Date(card) } }) as Authority;
const FAR = '2046-11-20T15:59:59Z';
const endOf = (notBefore: string, of: Authority) => cardValidity(of, new Date(notBefore)).notAfter.toISOString();

describe('the life of a card’s certificates', () => {
  it('is five years to the end of that Taipei day', () => {
    expect(endOf('2026-11-21T12:00:00Z', authority(FAR, FAR))).toBe('2031-11-21T15:59:59.000Z');
    expect(endOf('2026-11-21T16:00:00Z', authority(FAR, FAR))).toBe('2031-11-22T15:59:59.000Z');
    expect(endOf('2028-02-29T00:00:00Z', authority(FAR, FAR))).toBe('2033-02-28T15:59:59.000Z');
  });

  it('never outlives either of the two CAs, and still ends with a Taipei day', () => {
    expect(endOf('2026-11-21T12:00:00Z', authority('2029-06-30T12:00:00Z', FAR))).toBe('2029-06-29T15:59:59.000Z');
    expect(endOf('2026-11-21T12:00:00Z', authority(FAR, '2029-06-30T15:59:59Z'))).toBe('2029-06-30T15:59:59.000Z');
  });
});

it('has 9E from the card CA on P-256, the business certificates from the issuing CA on RSA', () => {
  const both = authority(FAR, FAR);
  expect(
    CARD_SLOTS.map((slot) => [slot, issuerOf(slot, both) === both.card, CARD_CERTIFICATES[slot].algorithm]),
  ).toEqual([
    ['9E', true, 'p-256'],
    ['9C', false, 'rsa-2048'],
    ['9D', false, 'rsa-2048'],
  ]);
});
