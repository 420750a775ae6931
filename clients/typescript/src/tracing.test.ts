// One trace from the caller into Tutti, and from Tutti into a handler, through the real client and
// the real executor.

import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createClient } from './client/index.ts';
import { type AttemptContext, FinalError } from './executor/index.ts';
import { setUp } from './testing/executor-setup.ts';
import { startScriptedServer } from './testing/scripted-server.ts';
import { formatTraceparent, parseTraceparent } from './tracing.ts';

const at = setUp();
const exporter = new InMemorySpanExporter();
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const PUBLISHER = 'b7ad6b7169203331';

beforeAll(() => {
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  trace.setGlobalTracerProvider(provider);
});
afterEach(() => exporter.reset());
afterAll(() => trace.disable());

test('an attempt is a consumer span under the span that published it', async () => {
  let inHandler = '';
  await at.start({
    capabilities: {
      'text.stats': (_input, context: AttemptContext) => {
        inHandler = context.traceparent;
        throw new FinalError('NO_TEXT', 'nothing to count');
      },
    },
  });
  at.orchestrator.assign('e1', {
    leaseToken: 't1',
    capability: 'text.stats',
    runId: 'r1',
    taskKey: 'k1',
    attempt: 3,
    traceparent: `00-${TRACE_ID}-${PUBLISHER}-01`,
  });
  await at.orchestrator.until('a report', () => at.orchestrator.reports.length > 0);

  const [span] = exporter.getFinishedSpans();
  expect(span).toMatchObject({
    kind: SpanKind.CONSUMER,
    name: 'attempt text.stats',
    parentSpanContext: { traceId: TRACE_ID, spanId: PUBLISHER },
    status: { code: SpanStatusCode.ERROR },
    attributes: {
      'tutti.run_id': 'r1',
      'tutti.task_key': 'k1',
      'tutti.attempt': 3,
      'tutti.executor_id': 'e1',
      'tutti.outcome': 'failed',
      'error.type': 'NO_TEXT',
    },
  });
  expect(inHandler).toBe(span === undefined ? '' : formatTraceparent(span.spanContext()));
});

test('a submission carries the context of its own client span', async () => {
  const server = await startScriptedServer();
  const client = createClient({ address: server.address });
  try {
    let sent = '';
    server.handlers.submitRun = (_request, { metadata }) => {
      sent = String(metadata.get('traceparent')[0]);
      return { runId: 'r' };
    };
    await client.submit({ capability: 'echo' });
    const [span] = exporter.getFinishedSpans();
    expect(span).toMatchObject({ kind: SpanKind.CLIENT, name: 'tutti submit' });
    expect(sent).toBe(span === undefined ? '' : formatTraceparent(span.spanContext()));
  } finally {
    client.close();
    server.kill();
  }
});

test.each([
  '',
  'garbage',
  `00-${'0'.repeat(32)}-${PUBLISHER}-01`,
  `00-${TRACE_ID}-${'0'.repeat(16)}-01`,
  `ff-${TRACE_ID}-${PUBLISHER}-01`,
  `00-${TRACE_ID.toUpperCase()}-${PUBLISHER}-01`,
])('%j is no trace context', (traceparent) => {
  expect(parseTraceparent(traceparent)).toBeUndefined();
});
