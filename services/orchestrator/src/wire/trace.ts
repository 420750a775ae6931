// How is a W3C Trace Context header read and written? https://www.w3.org/TR/trace-context/

export interface TraceContext {
  /** 32 hexadecimal digits, not all 0. */
  readonly traceId: string;
  /** 16 hexadecimal digits, not all 0. */
  readonly spanId: string;
  readonly sampled: boolean;
}

/** Later versions may append fields after the flags; version 00 may not, and ff is forbidden. */
const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const MAX_LENGTH = 256;

/** Undefined for what is no valid `traceparent`: it is then ignored, as the standard asks. */
export function parseTraceparent(text: string): TraceContext | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const match = TRACEPARENT.exec(text);
  if (match === null) return undefined;
  const [, version = '', traceId = '', spanId = '', flags = '', more] = match;
  if (version === '00' && more !== undefined) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceparent(context: TraceContext): string {
  return `00-${context.traceId}-${context.spanId}-${context.sampled ? '01' : '00'}`;
}

/** The trace id of a `traceparent`, or empty if it is none. */
export function traceIdOf(traceparent: string): string {
  return parseTraceparent(traceparent)?.traceId ?? '';
}

export interface TraceFields {
  readonly trace_id?: string;
  readonly span_id?: string;
}

/** What a line of the log says of the span that it belongs to, as OpenTelemetry names it; nothing without one. */
export function traceFields(traceparent: string | undefined): TraceFields {
  const trace = traceparent === undefined ? undefined : parseTraceparent(traceparent);
  return trace === undefined ? {} : { trace_id: trace.traceId, span_id: trace.spanId };
}
