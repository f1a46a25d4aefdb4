export { DUAL_CONTROL_MIGRATION } from './dual-control.migration.js';
export { DualControl, type DualControlRequest, type TwoPersonAct } from './dual-control.js';
export * as requestSchemas from './request-schemas.js';
export { type RequestPage } from './request-rows.js';
export {
  decide,
  LIFETIME_MS,
  REQUEST_STATES,
  stateOf,
  type Decidable,
  type RequestState,
  type Verdict,
} from './rules.js';
