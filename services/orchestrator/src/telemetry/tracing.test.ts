// DESIGN 10: one trace from the client's call through queueing and each attempt to the end of the run.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { afterEach, expect, test, vi } from 'vitest';
import { parseTraceparent } from '../wire/trace.ts';
import { assignmentOf, completes, happens, scriptedRun, starts } from './scripted-run.ts';
import { createTracing, type Tracing } from './tracing.ts';

const NOW_MS = 1_700_000_000_000;
const CLIENT_TRACE = '0af7651916cd43dd8448eb211c80319c';
const CLIENT_SPAN = 'b7ad6b7169203331';
const SAMPLED = `00-${CLIENT_TRACE}-${CLIENT_SPAN}-01`;
const UNSAMPLED = `00-${CLIENT_TRACE}-${CLIENT_SPAN}-00`;

async function recording(
  environment: Record<string, string> = {},
): Promise<{ tracing: Tracing; spans: () => ReadableSpan[] }> {
  const exporter = new InMemorySpanExporter();
  const tracing = await createTracing({
    serviceName: 'orchestrator',
    environment,
    processor: new SimpleSpanProcessor({ exporter }),
    warn: () => {},
  });
  return { tracing, spans: () => exporter.getFinishedSpans() };
}

/** The way of a run of two tasks, the second after the first, from the call to the end. */
function throughARun(tracing: Tracing, traceparent: string | undefined): string[] {
  const call = tracing.serverCall('tutti.v1.OrchestratorService/SubmitRun', traceparent);
  const { run, submitted } = scriptedRun(
    [
      { key: 'first', capability: 'echo' },
      { key: 'second', capability: 'text.stats', dependencies: ['first'] },
    ],
    call.traceparent,
    NOW_MS,
  );
  const { observer } = tracing;
  observer.committed('default', [submitted]);
  call.end();
  const sent: string[] = [];
  for (const task of [0, 1]) {
    const readyAtMs = NOW_MS + task * 1_000;
    if (task > 0)
      observer.committed('default', [happens(run, readyAtMs, { type: 'TaskReady', task, input: undefined })]);
    observer.committed('default', [starts(run, task, 1, readyAtMs + 5)]);
    sent.push(tracing.startAttempt('default', assignmentOf(run, task, 1)));
    observer.committed('default', [completes(run, task, 1, readyAtMs + 900)]);
  }
  observer.committed('default', [happens(run, NOW_MS + 1_900, { type: 'RunCompleted', output: undefined })]);
  return [call.traceparent, ...sent];
}

const milliseconds = ([seconds, nanoseconds]: [number, number]) => seconds * 1_000 + nanoseconds / 1_000_000;
const named = (spans: ReadableSpan[], name: string) => spans.filter((span) => span.name === name);

test('call, queue, publish and run are spans of one trace, under the span of the call', async () => {
  const { tracing, spans } = await recording();
  const [callParent, firstParent, secondParent] = throughARun(tracing, SAMPLED).map((text) =>
    parseTraceparent(text),
  );

  const all = spans();
  expect(all.map((span) => span.name).sort()).toEqual([
    'publish echo',
    'publish text.stats',
    'queue echo',
    'queue text.stats',
    'run nightly',
    'tutti.v1.OrchestratorService/SubmitRun',
  ]);
  expect(new Set(all.map((span) => span.spanContext().traceId))).toEqual(new Set([CLIENT_TRACE]));
  const [call] = named(all, 'tutti.v1.OrchestratorService/SubmitRun');
  expect(call?.kind).toBe(SpanKind.SERVER);
  expect(call?.parentSpanContext?.spanId).toBe(CLIENT_SPAN);
  expect(call?.spanContext().spanId).toBe(callParent?.spanId);
  for (const span of all.filter((each) => each !== call)) {
    expect([span.name, span.parentSpanContext?.spanId]).toEqual([span.name, callParent?.spanId]);
  }
  // What executors are sent is the context of the publishing span.
  const [first] = named(all, 'publish echo');
  expect(first?.kind).toBe(SpanKind.PRODUCER);
  expect(firstParent).toEqual({ traceId: CLIENT_TRACE, spanId: first?.spanContext().spanId, sampled: true });
  const [second] = named(all, 'publish text.stats');
  expect(secondParent?.spanId).toBe(second?.spanContext().spanId);
  expect(second?.links.map((link) => link.context.spanId)).toEqual([first?.spanContext().spanId]);
});

test('the spans of queueing and of the run have the times and facts of the events', async () => {
  const { tracing, spans } = await recording();
  throughARun(tracing, undefined);
  const [queue] = named(spans(), 'queue text.stats');
  expect(milliseconds(queue?.startTime as [number, number])).toBe(NOW_MS + 1_000);
  expect(milliseconds(queue?.endTime as [number, number])).toBe(NOW_MS + 1_005);
  expect(queue?.attributes).toMatchObject({
    'tutti.run.id': 'run-1',
    'tutti.task.key': 'second',
    'tutti.attempt': 1,
  });
  const [run] = named(spans(), 'run nightly');
  expect(milliseconds(run?.startTime as [number, number])).toBe(NOW_MS);
  expect(milliseconds(run?.endTime as [number, number])).toBe(NOW_MS + 1_900);
  expect(run?.attributes).toEqual({
    'tutti.namespace': 'default',
    'tutti.run.id': 'run-1',
    'tutti.run.state': 'COMPLETED',
    'tutti.tasks.completed': 2,
  });
});

test('a failed run and a failed call end in error', async () => {
  const { tracing, spans } = await recording();
  tracing.serverCall('GetRun', undefined).end(new Error('there is no run "x"'));
  const { run } = scriptedRun([{ key: 'a', capability: 'echo' }], SAMPLED, NOW_MS);
  tracing.observer.committed('default', [
    happens(run, NOW_MS + 1, {
      type: 'TaskFailed',
      task: 0,
      reason: 'QUEUE_TIMEOUT',
      ended: undefined,
      error: undefined,
      usage: undefined,
    }),
    happens(run, NOW_MS + 1, { type: 'RunFailed', reason: 'TASK_FAILED', failedTask: 0, message: '' }),
  ]);
  expect(named(spans(), 'GetRun')[0]?.status).toEqual({
    code: SpanStatusCode.ERROR,
    message: 'there is no run "x"',
  });
  expect(named(spans(), 'run nightly')[0]?.status).toEqual({
    code: SpanStatusCode.ERROR,
    message: 'TASK_FAILED',
  });
  expect(named(spans(), 'run nightly')[0]?.attributes).toMatchObject({ 'tutti.run.failed_task': 'a' });
});

test('a client that asks for no spans gets none, and its trace id is kept', async () => {
  const { tracing, spans } = await recording();
  const sent = throughARun(tracing, UNSAMPLED).map((text) => parseTraceparent(text));
  expect(spans()).toEqual([]);
  for (const context of sent) expect(context).toMatchObject({ traceId: CLIENT_TRACE, sampled: false });
});

test('OTEL_TRACES_SAMPLER decides for traces that begin here', async () => {
  const { tracing, spans } = await recording({
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0',
  });
  const [call] = throughARun(tracing, undefined);
  expect(parseTraceparent(call ?? '')).toMatchObject({ sampled: false });
  expect(spans()).toEqual([]);
  throughARun(tracing, SAMPLED);
  expect(spans()).toHaveLength(6);
});

test.each(['', 'nonsense', `00-${'0'.repeat(32)}-${CLIENT_SPAN}-01`, `ff-${CLIENT_TRACE}-${CLIENT_SPAN}-01`])(
  'the header %j counts as none: a new trace begins',
  async (header) => {
    for (const tracing of [(await recording()).tracing, await unconfigured()]) {
      const context = parseTraceparent(tracing.serverCall('SubmitRun', header).traceparent);
      expect(context).toBeDefined();
      expect(context?.traceId).not.toBe(CLIENT_TRACE);
    }
  },
);

function unconfigured(): Promise<Tracing> {
  return createTracing({ serviceName: 'orchestrator', environment: {}, warn: () => {} });
}

test("not configured: every run still has a trace id of its own, and the client's wish is passed on", async () => {
  const tracing = await unconfigured();
  expect(tracing.enabled).toBe(false);
  const traceIds = new Set<string>();
  for (let index = 0; index < 100; index += 1) {
    const [call = '', ...sent] = throughARun(tracing, undefined);
    expect(parseTraceparent(call)).toMatchObject({ sampled: false });
    expect(sent).toEqual([call, call]);
    traceIds.add(parseTraceparent(call)?.traceId ?? '');
  }
  expect(traceIds.size).toBe(100);
  expect(throughARun(tracing, SAMPLED)).toEqual([SAMPLED, SAMPLED, SAMPLED]);
});

afterEach(() => vi.unstubAllEnvs());

test('configured by the environment, all spans of a run arrive at the OTLP receiver', async () => {
  const bodies: Buffer[] = [];
  const paths = new Set<string>();
  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    paths.add(`${request.method} ${request.url}`);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  try {
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`);
    const warnings: string[] = [];
    const warn = (message: string) => warnings.push(message);
    const tracing = await createTracing({
      serviceName: 'tutti-orchestrator',
      environment: process.env,
      warn,
    });
    expect(tracing.enabled).toBe(true);
    throughARun(tracing, SAMPLED);
    await tracing.shutdown();

    const sent = Buffer.concat(bodies);
    for (const text of [
      'tutti-orchestrator',
      'SubmitRun',
      'queue echo',
      'publish text.stats',
      'run nightly',
    ]) {
      expect([text, sent.includes(text)]).toEqual([text, true]);
    }
    // Each span carries its trace id as bytes: six spans, and one link.
    expect(sent.toString('latin1').split(Buffer.from(CLIENT_TRACE, 'hex').toString('latin1'))).toHaveLength(
      8,
    );
    expect(paths).toEqual(new Set(['POST /v1/traces']));
    expect(warnings).toEqual([]);
  } finally {
    receiver.closeAllConnections();
    await new Promise((resolve) => receiver.close(resolve));
  }
});
