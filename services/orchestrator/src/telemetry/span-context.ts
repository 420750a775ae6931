// How does a stored `traceparent` become a span context of OpenTelemetry, and back?

import { type Context, ROOT_CONTEXT, type SpanContext, TraceFlags, trace } from '@opentelemetry/api';
import { formatTraceparent, parseTraceparent } from '../wire/trace.ts';

const FLAGS_END = 54;

/**
 * Whether a valid `traceparent` asks for spans. On the hot path of every event, so it only looks at
 * the last bit of the flags.
 */
export function isSampled(traceparent: string): boolean {
  const code = traceparent.charCodeAt(FLAGS_END);
  const digit = code < 97 ? code - 48 : code - 87;
  return (digit & 1) === 1;
}

/** The context in which a span becomes a child of it; without a parent if it is no valid one. */
export function contextOf(traceparent: string): Context {
  const parent = parseTraceparent(traceparent);
  if (parent === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: parent.traceId,
    spanId: parent.spanId,
    traceFlags: parent.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
  });
}

export function traceparentOf(context: SpanContext): string {
  const sampled = (context.traceFlags & TraceFlags.SAMPLED) !== 0;
  return formatTraceparent({ traceId: context.traceId, spanId: context.spanId, sampled });
}
