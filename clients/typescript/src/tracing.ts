// How does a trace go from the caller into Tutti, and from Tutti into a handler?
//
// With @opentelemetry/api alone: without a registered provider all of this does nothing but hand the
// trace context on.

import {
  type Context,
  context,
  isSpanContextValid,
  propagation,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { Assignment } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';

/** The span of one attempt. */
export interface AttemptSpan {
  /** Of this span, or of the assignment if no provider is registered. */
  readonly traceparent: string;
  within<T>(perform: () => T): T;
  end(outcome: string, error: { code: string; message: string } | undefined): void;
}

const TRACER = '@tutti/client';

/** A consumer span, child of the span that published the assignment. */
export function startAttemptSpan(assignment: Assignment, executorId: string): AttemptSpan {
  const parent = parseTraceparent(assignment.traceparent);
  const parentContext =
    parent === undefined ? context.active() : trace.setSpanContext(context.active(), parent);
  const span = trace.getTracer(TRACER).startSpan(
    `attempt ${assignment.capability}`,
    {
      kind: SpanKind.CONSUMER,
      attributes: {
        'tutti.run_id': assignment.runId,
        'tutti.task_key': assignment.taskKey,
        'tutti.attempt': assignment.attempt,
        'tutti.executor_id': executorId,
      },
    },
    parentContext,
  );
  const ownContext = trace.setSpan(parentContext, span);
  return {
    traceparent: formatTraceparent(span.spanContext()) || assignment.traceparent,
    within: (perform) => context.with(ownContext, perform),
    end(outcome, error) {
      span.setAttribute('tutti.outcome', outcome);
      if (error !== undefined) {
        span.setAttribute('error.type', error.code);
        span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      }
      span.end();
    },
  };
}

/**
 * Runs a call inside a client span of its own; a rejection marks the span and goes on. The call is
 * given the span's context, so that it is right without a registered context manager too.
 */
export async function withClientSpan<T>(
  name: string,
  call: (traceContext: Context) => Promise<T>,
): Promise<T> {
  const parent = context.active();
  const span = trace.getTracer(TRACER).startSpan(name, { kind: SpanKind.CLIENT }, parent);
  try {
    return await call(trace.setSpan(parent, span));
  } catch (error) {
    span.recordException(error instanceof Error ? error : String(error));
    span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
    throw error;
  } finally {
    span.end();
  }
}

/** Calls `set` with the headers that carry the trace context. */
export function injectTrace(traceContext: Context, set: (name: string, value: string) => void): void {
  let hasTraceparent = false;
  propagation.inject(traceContext, undefined, {
    set(_carrier, name, value) {
      hasTraceparent ||= name === 'traceparent';
      set(name, value);
    },
  });
  if (hasTraceparent) return;
  // No propagator is registered.
  const spanContext = trace.getSpanContext(traceContext);
  if (spanContext === undefined || !isSpanContextValid(spanContext)) return;
  set('traceparent', formatTraceparent(spanContext));
  const tracestate = spanContext.traceState?.serialize();
  if (tracestate) set('tracestate', tracestate);
}

/** Undefined for what is no W3C traceparent of version 00. */
export function parseTraceparent(traceparent: string): SpanContext | undefined {
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent);
  if (match?.[1] === undefined || match[2] === undefined || match[3] === undefined) return undefined;
  const spanContext: SpanContext = {
    traceId: match[1],
    spanId: match[2],
    traceFlags: Number.parseInt(match[3], 16),
    isRemote: true,
  };
  return isSpanContextValid(spanContext) ? spanContext : undefined;
}

/** What a line of the log says of the span that it belongs to, as OpenTelemetry names it; nothing without one. */
export function traceFields(traceparent: string): { readonly trace_id?: string; readonly span_id?: string } {
  const span = parseTraceparent(traceparent);
  return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId };
}

/** Empty for an invalid context. */
export function formatTraceparent(spanContext: SpanContext): string {
  if (!isSpanContextValid(spanContext)) return '';
  const flags = spanContext.traceFlags.toString(16).padStart(2, '0');
  return `00-${spanContext.traceId}-${spanContext.spanId}-${flags}`;
}
