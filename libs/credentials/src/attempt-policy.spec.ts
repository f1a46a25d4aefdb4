import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ATTEMPT_POLICIES, judge, type AttemptPolicy } from './attempt-policy.js';
import { sourceOf } from './attempt-store.js';

const policies = Object.entries(ATTEMPT_POLICIES) as [keyof typeof ATTEMPT_POLICIES, AttemptPolicy][];
const NOW = Date.parse('2026-11-22T00:00:00Z');
const wait = (policy: AttemptPolicy, failures: number, lastAtMs = NOW) => {
  const verdict = judge(policy, { failures, lastAtMs }, NOW);
  if (verdict.allowed) return 0;
  return 'locked' in verdict ? Infinity : verdict.waitSeconds;
};

describe('attempts', () => {
  it.each(policies)('at %s never get easier with more failures', (_, policy) => {
    for (let failures = 0; failures < 200; failures += 1) {
      expect(wait(policy, failures + 1)).toBeGreaterThanOrEqual(wait(policy, failures));
    }
    expect(wait(policy, policy.free - 1)).toBe(0);
    expect(wait(policy, policy.free)).toBe(policy.firstDelaySeconds);
  });

  it('at suspension, acceptance and the progress of a case are never locked, whatever happens', () => {
    for (const purpose of ['suspend', 'accept', 'progress', 'source'] as const) {
      const policy = ATTEMPT_POLICIES[purpose];
      fc.assert(
        fc.property(fc.nat(), fc.integer({ min: -1e12, max: 1e12 }), (failures, agoMs) => {
          expect(wait(policy, failures, NOW - agoMs)).toBeLessThanOrEqual(policy.maxDelaySeconds);
        }),
      );
    }
  });

  it('at resumption, PIN reset and change of the user code are locked for good', () => {
    for (const purpose of ['resume', 'pin-reset', 'user-code'] as const) {
      const policy = ATTEMPT_POLICIES[purpose];
      expect(wait(policy, policy.lockAfter! - 1)).toBeLessThan(Infinity);
      expect(wait(policy, policy.lockAfter!)).toBe(Infinity);
      expect(wait(policy, policy.lockAfter!, 0)).toBe(Infinity);
    }
  });

  it('are delayed longer by source than by card at suspension', () => {
    expect(wait(ATTEMPT_POLICIES.source, 50)).toBeGreaterThan(wait(ATTEMPT_POLICIES.suspend, 50));
  });

  it('count the delay from the last failure, and forget after a quiet time', () => {
    const { suspend } = ATTEMPT_POLICIES;
    expect(wait(suspend, 50, NOW - 100_000)).toBe(20);
    expect(wait(suspend, 50, NOW - 120_000)).toBe(0);
    expect(wait(suspend, 50, NOW + 9_999_999)).toBe(120);
    expect(wait({ ...suspend, maxDelaySeconds: 1e9, firstDelaySeconds: 1e9 }, 50, NOW - 86_400_000)).toBe(0);
  });
});

describe('sourceOf', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:DB8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['not an address', 'unknown'],
    ['', 'unknown'],
    [undefined, 'unknown'],
  ])('counts %s as %s', (address, source) => expect(sourceOf(address)).toBe(source));
});
