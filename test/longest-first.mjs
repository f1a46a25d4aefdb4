import TestSequencer from '@jest/test-sequencer';

const LONG = [
  'kills-and-fuzz.e2e-spec.ts',
  'browser.e2e-spec.ts',
  '.e2e-spec.ts',
  'setup.db.spec.ts',
  'conformance.db.spec.ts',
  'forgotten-bus.db.spec.ts',
  'faults.db.spec.ts',
];

/** A fresh clone has no times of runs before: what takes minutes starts first, so that no worker waits for it at the end. */
export default class LongestFirst extends TestSequencer {
  sort(tests) {
    const rank = ({ path }) => LONG.findIndex((end) => path.endsWith(end)) >>> 0; // -1: last
    return super.sort(tests).sort((one, other) => rank(one) - rank(other));
  }
}
