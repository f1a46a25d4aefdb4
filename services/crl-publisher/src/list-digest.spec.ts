import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { changeDigest, EMPTY_DIGEST, REASON_CODES, type ReasonCode } from '#libs/events';
import { newSerial } from '#libs/pki';
import { ListDigest } from './list-digest.js';

const reasons = Object.keys(REASON_CODES) as ReasonCode[];

describe('the digest of a list', () => {
  it('is the owner’s, in whatever order the entries come', () => {
    const entry = fc.record({ serial: fc.constant(0).map(newSerial), reason: fc.constantFrom(...reasons) });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 50 }), (entries) => {
        const ours = new ListDigest();
        for (const { serial, reason } of [...entries].reverse()) ours.add(serial, reason);
        const owners = entries.reduce((d, { serial, reason }) => changeDigest(d, 1, serial, reason), EMPTY_DIGEST);
        expect(ours.value()).toBe(owners);
      }),
    );
  });

  it('is zeros for an empty list, and may be asked for between additions', () => {
    const digest = new ListDigest();
    expect(digest.value()).toBe(EMPTY_DIGEST);
    const serial = newSerial();
    digest.add(serial, 'certificateHold');
    digest.value();
    digest.add(serial, 'superseded');
    const one = changeDigest(EMPTY_DIGEST, 1, serial, 'certificateHold');
    expect(digest.value()).toBe(changeDigest(one, 1, serial, 'superseded'));
  });
});
