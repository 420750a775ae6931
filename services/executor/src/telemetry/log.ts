// How does an executor process log? As lines of JSON on standard error; a line that is written while a span is active,
// such as that of an attempt in its handler, says which (DESIGN section 10).

import { isSpanContextValid, trace } from '@opentelemetry/api';
import { type DestinationStream, type Logger, pino } from 'pino';

/** @param destination standard error, but in tests */
export function createLog(level: string, destination: DestinationStream = standardError()): Logger {
  return pino({ name: 'executor', level, mixin: activeSpan }, destination);
}

/** Asked for lines that are written, and for no others. */
function activeSpan(): object {
  const span = trace.getActiveSpan()?.spanContext();
  if (span === undefined || !isSpanContextValid(span)) return {};
  return { trace_id: span.traceId, span_id: span.spanId };
}

/**
 * Once its terminal is closed nobody reads it: that must not break the end in order, nor keep this process, which at
 * its exit would try for ever to write the rest.
 */
function standardError() {
  const destination = pino.destination(2);
  destination.on('error', () => {
    destination.write = () => true;
    destination.flushSync = () => {};
  });
  return destination;
}
