// What is seen from outside of a run that crosses processes and a restart? (Issue 2, item 7; DESIGN
// section 10.) How the spans of one process hang together is in one-trace.test.ts.

import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { expect, test } from 'vitest';
import { curl, postJson } from '../support/curl.ts';
import { type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { readStored } from '../support/stored.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const CLIENT_SPAN_ID = '00f067aa0ba902b7';

const clientOf = (stack: Stack) =>
  createClient(
    OrchestratorService,
    createConnectTransport({ baseUrl: stack.addresses.http, httpVersion: '1.1' }),
  );
const urlOf = (stack: Stack, method: string) =>
  `${stack.addresses.http}/${OrchestratorService.typeName}/${method}`;
const after = (key: string) => ({ dependencies: [{ key }] });

test('a run over three processes and a restart in its middle is one trace, with nothing out of place', async () => {
  await using receiver = await startOtlpReceiver();
  await using stack = await startStack({
    executors: 0,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
  });
  await stack.startExecutor('echoes', { TUTTI_EXECUTOR_CAPABILITIES: 'echo' });
  const tasks = [
    { key: 'first', capability: 'echo' },
    { key: 'second', capability: 'sleep', input: { value: { seconds: 0 } }, ...after('first') },
    { key: 'third', capability: 'echo', ...after('second') },
  ];
  const submitted = await curl(urlOf(stack, 'SubmitRun'), {
    body: JSON.stringify({ run: { runId: 'crossing', spec: { name: 'crossing', tasks } } }),
    headers: {
      'content-type': 'application/json',
      traceparent: `00-${TRACE_ID}-${CLIENT_SPAN_ID}-01`,
    },
  });
  expect(submitted.status).toBe(200);
  // Nobody can do the second task yet, so this is where the run stands when its orchestrator goes.
  for await (const { events } of clientOf(stack).watch({ runId: 'crossing' })) {
    if (events.some(({ change, taskKey }) => change.case === 'taskReady' && taskKey === 'second')) break;
  }
  await stack.orchestrator.stop();
  await stack.restartOrchestrator();
  await stack.startExecutor('sleeper', { TUTTI_EXECUTOR_CAPABILITIES: 'sleep' });
  const { run } = await clientOf(stack).waitRun({ runId: 'crossing' });
  expect(run).toMatchObject({ state: RunState.COMPLETED, traceId: TRACE_ID });
  // Each process sends what it has left when it ends.
  await stack.stop();

  const spans = receiver.spans().filter(({ traceId }) => traceId === TRACE_ID);
  expect(spans.map(describeSpan(spans)).sort()).toEqual(
    [
      'tutti-orchestrator: SubmitRun < client',
      'tutti-orchestrator: run crossing < SubmitRun',
      'tutti-orchestrator: queue echo (first) < SubmitRun',
      'tutti-orchestrator: queue sleep (second) < SubmitRun',
      'tutti-orchestrator: queue echo (third) < SubmitRun',
      'tutti-orchestrator: publish echo (first) < SubmitRun',
      'tutti-orchestrator: publish sleep (second) < SubmitRun',
      'tutti-orchestrator: publish echo (third) < SubmitRun',
      'tutti-executor echoes: attempt echo (first) < publish echo (first)',
      'tutti-executor sleeper: attempt sleep (second) < publish sleep (second)',
      'tutti-executor echoes: attempt echo (third) < publish echo (third)',
    ].sort(),
  );
});

/** `service executor: name (task) < parent`. */
function describeSpan(all: readonly ReceivedSpan[]): (span: ReceivedSpan) => string {
  const called = ({ name, attributes }: ReceivedSpan) => {
    const key = attributes['tutti.task.key'] ?? attributes['tutti.task_key'];
    return key === undefined ? name : `${name} (${key})`;
  };
  return (span) => {
    const parent = all.find(({ spanId }) => spanId === span.parentSpanId);
    const root = span.parentSpanId === CLIENT_SPAN_ID ? 'client' : 'nobody';
    const who = [span.service, span.attributes['tutti.executor_id']].filter(Boolean).join(' ');
    return `${who}: ${called(span)} < ${parent === undefined ? root : called(parent)}`;
  };
}

/** Value by `name{label="value",…}`, as Prometheus's text format has it. */
async function readMetrics(stack: Stack): Promise<{ text: string; values: ReadonlyMap<string, number> }> {
  const text = (await curl(`${stack.addresses.http}/metrics`)).body.toString();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const values = lines.map((line): [string, number] => {
    const end = line.lastIndexOf(' ');
    return [line.slice(0, end), Number(line.slice(end + 1))];
  });
  return { text, values: new Map(values) };
}

test('/metrics tells what happened and how things stand, and no label names a run, a task or an executor', async () => {
  await using stack = await startStack({ executors: 2, slots: 5 });
  const echoes = [1, 2, 3].map((n) => ({ key: `probe-task-${n}`, capability: 'echo' }));
  const runs = [
    { runId: 'probe-run-good', spec: { tasks: echoes } },
    {
      runId: 'probe-run-bad',
      spec: { tasks: [{ key: 'probe-task-bad', capability: 'sleep', input: { value: 'soon' } }] },
    },
    // Nobody can do it.
    { runId: 'probe-run-waiting', spec: { tasks: [{ key: 'probe-task-waiting', capability: 'dance' }] } },
  ];
  expect((await postJson(urlOf(stack, 'SubmitRuns'), { runs })).status).toBe(200);
  for (const runId of ['probe-run-good', 'probe-run-bad']) {
    expect((await clientOf(stack).waitRun({ runId })).finished).toBe(true);
  }
  const { latestRevision } = await readStored(stack);
  const watching = new AbortController();
  const watch = clientOf(stack).watch({ runId: 'probe-run-waiting' }, { signal: watching.signal });
  await watch[Symbol.asyncIterator]().next();

  const { text, values } = await readMetrics(stack);
  watching.abort();
  expect(Object.fromEntries(values)).toMatchObject({
    'tutti_runs_submitted_total{namespace="default"}': 3,
    'tutti_runs_ended_total{namespace="default",state="COMPLETED"}': 1,
    'tutti_runs_ended_total{namespace="default",state="FAILED"}': 1,
    'tutti_run_failures_total{namespace="default",reason="TASK_FAILED"}': 1,
    'tutti_runs_active{namespace="default"}': 1,
    'tutti_task_transitions_total{namespace="default",state="READY"}': 5,
    'tutti_task_transitions_total{namespace="default",state="RUNNING"}': 4,
    'tutti_task_transitions_total{namespace="default",state="COMPLETED"}': 3,
    'tutti_task_transitions_total{namespace="default",state="FAILED"}': 1,
    'tutti_queue_depth{namespace="default",capability="dance"}': 1,
    'tutti_queue_oldest_age_seconds{namespace="default",capability="dance"}': expect.any(Number),
    'tutti_executors{namespace="default"}': 2,
    'tutti_executor_slots{namespace="default"}': 10,
    'tutti_executor_slots_used{namespace="default"}': 0,
    'tutti_leases{namespace="default"}': 0,
    'tutti_task_time_to_start_seconds_count{capability="echo"}': 3,
    'tutti_attempt_execution_seconds_count{capability="echo"}': 3,
    'tutti_attempt_failures_total{capability="sleep",end="FAILED"}': 1,
    // Every event was in exactly one commit.
    tutti_commit_events_sum: Number(latestRevision),
    tutti_watchers: 1,
    nodejs_eventloop_lag_seconds: expect.any(Number),
  });
  const commits = values.get('tutti_commit_duration_seconds_count') ?? 0;
  expect(commits).toBeGreaterThan(0);
  expect(commits).toBe(values.get('tutti_commit_events_count'));
  expect(values.get('tutti_commit_duration_seconds_sum')).toBeGreaterThan(0);

  expect(text).not.toMatch(/probe-|executor-\d/);
  const labels = [...values.keys()]
    .filter((key) => key.startsWith('tutti_'))
    .flatMap((key) => key.match(/\w+(?==")/g) ?? []);
  expect([...new Set(labels)].sort()).toEqual(['capability', 'end', 'le', 'namespace', 'reason', 'state']);
});
