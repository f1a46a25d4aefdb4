export {
  BODY_SIGNATURE_HEADER,
  createService,
  LOG,
  type RunningService,
  type ServiceDefinition,
} from './create-service.js';
export { createLogger, nestLogger } from './logger.js';
export { ProblemFilter } from './problem.filter.js';
