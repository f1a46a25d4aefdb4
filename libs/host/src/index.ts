export {
  BODY_SIGNATURE_HEADER,
  createService,
  LOG,
  type RunningService,
  type ServiceDefinition,
  type ServiceSurroundings,
} from './create-service.js';
export { Housekeeping, type Prune } from './housekeeping.js';
export { hostSettings, readHostConfig, type HostConfig } from './host.config.js';
export { createLogger, nestLogger } from './logger.js';
export { ProblemFilter } from './problem.filter.js';
