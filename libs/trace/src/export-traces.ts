import type { ExportResult } from '@opentelemetry/core';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import { sleep } from '#libs/clock';
import { recordWith } from './trace.js';

export interface ExportOptions {
  /** `OTEL_EXPORTER_OTLP_ENDPOINT`: spans go to `<endpoint>/v1/traces`. */
  endpoint: string;
  warn: (message: string) => void;
}

const SEND_MS = 5_000;
const STOP_MS = 3_000;

/**
 * Records spans from now on and sends them by OTLP over HTTP, in batches, in the background; `service.name` is that of
 * each service. What cannot be sent is lost, with a warning. The answer sends what is left and ends it.
 */
export async function exportTraces({ endpoint, warn }: ExportOptions): Promise<() => Promise<void>> {
  // Loaded here: who exports nothing does not pay for it.
  const { BasicTracerProvider, BatchSpanProcessor } = await import('@opentelemetry/sdk-trace-base');
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const { defaultResource, resourceFromAttributes } = await import('@opentelemetry/resources');
  const telling = oncePerOutage(warn);
  const providers = new Map<string, InstanceType<typeof BasicTracerProvider>>();
  const providerOf = (service: string) => {
    let provider = providers.get(service);
    if (!provider) {
      const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: SEND_MS });
      const processor = new BatchSpanProcessor(telling(exporter), { exportTimeoutMillis: SEND_MS });
      const own = resourceFromAttributes({ 'service.name': service, 'service.namespace': 'kaika' });
      provider = new BasicTracerProvider({ resource: defaultResource().merge(own), spanProcessors: [processor] });
      providers.set(service, provider);
    }
    return provider;
  };
  recordWith((service) => providerOf(service).getTracer('kaika'));
  return async () => {
    recordWith(undefined);
    const done = new AbortController();
    const all = Promise.allSettled([...providers.values()].map((provider) => provider.shutdown()));
    await Promise.race([all.finally(() => done.abort()), sleep(STOP_MS, done.signal)]);
  };
}

/** Of what can't be sent nobody is told but the log, and once until it can be again. */
function oncePerOutage(warn: (message: string) => void): (exporter: SpanExporter) => SpanExporter {
  let away = false;
  const told = (result: ExportResult) => {
    const failed = result.code !== 0;
    if (failed && !away) warn(`traces cannot be exported: ${result.error?.message ?? 'no answer'}`);
    away = failed;
  };
  return (exporter) => ({
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        told(result);
        done({ code: 0 });
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  });
}
