export { FAMILY_NAMES, type FamilyName } from './families.js';
export { type Fault, type FaultAt, withFaults } from './faults.js';
export {
  type FixtureCard,
  type FixtureName,
  FIXTURE_NAMES,
  type FixtureOptions,
  FIXTURES,
  HOLDER_PIN,
  makeFixture,
} from './fixtures.js';
export { ForeignCard } from './foreign-card.js';
export { sampleCard, type SampleCard, type SampleOptions } from './sample-card.js';
export { type PowerOptions, VirtualCard } from './virtual-card.js';
export { type CardOptions, VirtualCardStore } from './virtual-card-store.js';
export { ATR, type PlugOptions, type PlugState, VPCD_PORT, VpcdPlug } from './vpcd-plug.js';
