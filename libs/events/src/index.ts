export * from './events.js';
export * from './fields.js';
export * from './sealed.js';
export * from './status-row.js';
