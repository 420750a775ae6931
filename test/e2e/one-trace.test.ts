// DESIGN 10: one trace from the client's call through queueing and each attempt in the executor process
// to the end of the run, across processes and restarts.

import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { TaskState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { expect, test } from 'vitest';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { createRpc } from '../support/rpc.ts';
import { startStack } from '../support/stack.ts';

const { submitRun, waitRun, getTask, signalRun } = OrchestratorService.method;

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CLIENT_SPAN_ID = 'b7ad6b7169203331';
const headers = { traceparent: `00-${TRACE_ID}-${CLIENT_SPAN_ID}-01` };

const json = (value: unknown) => ({
  data: { case: 'bytes' as const, value: new TextEncoder().encode(JSON.stringify(value)) },
});

test('the spans of orchestrator and executor hang together in the trace of the client', async () => {
  await using receiver = await startOtlpReceiver();
  const stack = await startStack({ executors: 1, env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } });
  const rpc = createRpc(stack.addresses.grpc);
  try {
    const tasks = [
      { key: 'first', capability: 'echo', input: json({ hello: 1 }) },
      {
        key: 'second',
        capability: 'sleep',
        input: json({ seconds: 0.01 }),
        dependencies: [{ key: 'first' }],
      },
    ];
    const { runId } = await rpc.call(submitRun, { run: { spec: { name: 'traced', tasks } } }, headers);
    const { run } = await rpc.call(waitRun, { runId });
    expect(run).toMatchObject({ state: RunState.COMPLETED, traceId: TRACE_ID });
  } finally {
    rpc.close();
    // Each process sends what it has left when it ends.
    await stack.stop();
  }

  const spans = receiver.spans().filter((span) => span.traceId === TRACE_ID);
  const one = (name: string) => {
    const found = spans.filter((span) => span.name === name);
    expect([name, found.length]).toEqual([name, 1]);
    return found[0]!;
  };
  const call = spans.find((span) => span.parentSpanId === CLIENT_SPAN_ID);
  expect(call?.name).toContain('SubmitRun');
  for (const name of ['run traced', 'queue echo', 'queue sleep', 'publish echo', 'publish sleep']) {
    expect([name, one(name).parentSpanId, one(name).service]).toEqual([
      name,
      call?.spanId,
      'tutti-orchestrator',
    ]);
  }
  for (const capability of ['echo', 'sleep']) {
    const attempt = one(`attempt ${capability}`);
    expect(attempt.parentSpanId).toBe(one(`publish ${capability}`).spanId);
    expect(attempt.service).toBe('tutti-executor');
  }
  expect(one('publish sleep').linkedSpanIds).toEqual([one('publish echo').spanId]);
});

test('a run that outlives its orchestrator stays in its trace', async () => {
  await using receiver = await startOtlpReceiver();
  const stack = await startStack({ executors: 1, env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } });
  const rpc = createRpc(stack.addresses.grpc);
  try {
    const tasks = [
      { key: 'first', signal: { name: 'go' } },
      { key: 'second', capability: 'echo', dependencies: [{ key: 'first' }] },
    ];
    const { runId } = await rpc.call(submitRun, { run: { spec: { name: 'survivor', tasks } } }, headers);
    await expect
      .poll(async () => (await rpc.call(getTask, { runId, taskKey: 'first' })).task?.state)
      .toBe(TaskState.RUNNING);
    await stack.orchestrator.kill();
    await stack.restartOrchestrator();
    const after = createRpc(stack.addresses.grpc);
    await after.call(signalRun, { runId, name: 'go' });
    const { run } = await after.call(waitRun, { runId });
    after.close();
    expect(run).toMatchObject({ state: RunState.COMPLETED, traceId: TRACE_ID });
  } finally {
    rpc.close();
    await stack.stop();
  }

  const spans = receiver.spans().filter((span) => span.traceId === TRACE_ID);
  // All of them are of the second process: under the span whose context was stored with the run.
  const run = spans.find((span) => span.name === 'run survivor');
  const publish = spans.find((span) => span.name === 'publish echo');
  expect(run?.parentSpanId).toMatch(/^[0-9a-f]{16}$/);
  expect(publish?.parentSpanId).toBe(run?.parentSpanId);
  expect(spans.find((span) => span.name === 'attempt echo')?.parentSpanId).toBe(publish?.spanId);
});
