export {
  BODY_SIGNATURE_HEADER,
  createService,
  type RunningService,
  type ServiceDefinition,
  type ServiceSurroundings,
} from './create-service.js';
export { describeService } from './document.js';
export { LOG } from './root-module.js';
export { Housekeeping, housekeepingOf, type Prune } from './housekeeping.js';
export { hostSettings, readHostConfig, type HostConfig } from './host.config.js';
export { createLogger, nestLogger } from './logger.js';
export { ProblemFilter } from './problem.filter.js';
export { metricsEndpoint, processEndpoints, processPaths, type ProcessEndpointsOptions } from './process-endpoints.js';
export { processSettings, readProcessConfig, type ProcessConfig } from './process.config.js';
export { runService } from './run-service.js';
export { startProcess, type RunningProcess } from './start-process.js';
export { keepOffset, keptOffset, offsetFor } from './throwaway-clock.js';
