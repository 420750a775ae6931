// DESIGN 10: what an executor logs while it works on an attempt says which trace that belongs to.

import { context, ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api';
import { afterEach, expect, test } from 'vitest';
import { createLog } from './log.ts';
import { startTracing, type Tracing } from './tracing.ts';

const SPAN = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: TraceFlags.SAMPLED,
  isRemote: true,
};
const within = trace.setSpanContext(ROOT_CONTEXT, SPAN);

let tracing: Tracing | undefined;
afterEach(async () => {
  await tracing?.shutdown();
  tracing = undefined;
});

function start(endpoint: Record<string, string>): void {
  tracing = startTracing({ serviceName: 'test-executor', environment: endpoint, warn: () => {} });
}

function logTo(lines: string[]) {
  return createLog('info', { write: (line) => void lines.push(line) });
}

test('a line has the ids of the span that is active, also after a wait, and none where there is none', async () => {
  start({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
  const lines: string[] = [];
  const log = logTo(lines);
  await context.with(within, async () => {
    await new Promise((resolve) => setImmediate(resolve));
    log.info({ file: 'a' }, 'within');
    log.child({ part: 1 }).warn({}, 'of a child');
    log.debug({}, 'not written');
  });
  log.info({}, 'outside');
  const ids = { trace_id: SPAN.traceId, span_id: SPAN.spanId };
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { msg: 'within', file: 'a', ...ids },
    { msg: 'of a child', part: 1, ...ids },
    { msg: 'outside' },
  ]);
  expect(lines[2]).not.toContain('trace_id');
});

test('without a receiver for spans no line has any', () => {
  start({});
  const lines: string[] = [];
  context.with(within, () => logTo(lines).info({}, 'within'));
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toContain('trace_id');
});
