export { beginSpan, currentTrace, currentTraceId, fail, traced, within, type Carrier, type Work } from './trace.js';
export { exportTraces, type ExportOptions } from './export-traces.js';
export { traceSettings } from './trace-settings.js';
