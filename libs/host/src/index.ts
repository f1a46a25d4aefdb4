export { createService, type RunningService, type ServiceDefinition, type Shared } from './create-service.js';
export { createLogger, nestLogger } from './logger.js';
export { ProblemFilter } from './problem.filter.js';
