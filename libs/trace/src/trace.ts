import { randomFillSync } from 'node:crypto';
import { type Attributes, type Context, defaultTextMapGetter, defaultTextMapSetter, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace, TraceFlags, type Tracer } from '@opentelemetry/api'; // prettier-ignore
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';

/** Where a trace comes from or goes on: the fields of W3C Trace Context, as header or event have them. */
export interface Carrier {
  traceparent?: string | undefined;
  tracestate?: string | undefined;
}

/** One piece of work of a trace. Nothing in it may name a card, a case or a person: it leaves for whoever keeps traces. */
export interface Work {
  service: string;
  /** Of the kind of work, never of one: a route's template, a topic. */
  name: string;
  kind: 'http' | 'event';
  attributes?: Attributes;
}

/** Gives the tracer of a service, where spans are exported. */
export type TracerOf = (service: string) => Tracer;

const KIND = { http: SpanKind.SERVER, event: SpanKind.CONSUMER };
const contexts = new AsyncLocalStorageContextManager().enable();
const propagator = new W3CTraceContextPropagator();
let tracerOf: TracerOf | undefined;

/** Without it spans have ids and nothing else: no name, no time, no cost. */
export function recordWith(tracers: TracerOf | undefined): void {
  tracerOf = tracers;
}

/**
 * Begins a piece of work in the trace of `carrier`. A carrier without a valid traceparent is no error: a new trace begins
 * (W3C Trace Context §2.2.1, §4.2).
 */
export function beginSpan({ traceparent, tracestate }: Carrier, { service, name, kind, attributes }: Work): Span {
  const carrier = { traceparent, ...(tracestate !== undefined && { tracestate }) };
  const parent = traceparent === undefined ? ROOT_CONTEXT : propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter); // prettier-ignore
  if (tracerOf)
    return tracerOf(service).startSpan(name, { kind: KIND[kind], ...(attributes && { attributes }) }, parent);
  return idsOnly(parent);
}

/** What `work` does, and whatever it starts, belongs to the span. */
export function within<T>(span: Span, work: () => T): T {
  return contexts.with(trace.setSpan(ROOT_CONTEXT, span), work);
}

/** Does `work` as a piece of work of the trace of `carrier`. An error is told by its name: what it says may be secret. */
export async function traced<T>(carrier: Carrier, about: Work, work: () => Promise<T>): Promise<T> {
  const span = beginSpan(carrier, about);
  try {
    return await within(span, work);
  } catch (error) {
    if (span.isRecording()) fail(span, error instanceof Error ? error.name : 'unknown');
    throw error;
  } finally {
    span.end();
  }
}

export function fail(span: Span, type: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', type);
}

/** 32 hexadecimal digits; undefined outside any trace. */
export function currentTraceId(): string | undefined {
  return trace.getSpanContext(contexts.active())?.traceId;
}

/** Of the work under way, for whom it asks next; empty outside any trace. */
export function currentTrace(): Carrier {
  const carrier: Carrier = {};
  propagator.inject(contexts.active(), carrier, defaultTextMapSetter);
  const { traceparent, tracestate } = carrier;
  return { ...(traceparent && { traceparent }), ...(tracestate && { tracestate }) };
}

const POOL = Buffer.alloc(24 * 256);
let used = POOL.length;

function idsOnly(parent: Context): Span {
  if (used === POOL.length) {
    randomFillSync(POOL);
    used = 0;
  }
  const [traceId, spanId] = [POOL.toString('hex', used, used + 16), POOL.toString('hex', used + 16, used + 24)];
  used += 24;
  const from = trace.getSpanContext(parent);
  return trace.wrapSpanContext(from ? { ...from, spanId, isRemote: false } : { traceId, spanId, traceFlags: TraceFlags.SAMPLED }); // prettier-ignore
}
