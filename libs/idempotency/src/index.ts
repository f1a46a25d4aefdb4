export { Idempotency, idempotencyKey, type Answer, type IdempotentRequest } from './idempotency.js';
export { IDEMPOTENCY_MIGRATION } from './idempotency.migration.js';
