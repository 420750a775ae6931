// DESIGN section 1: a state that is not self-evident carries its reason; here, why a READY task does not start.

import {
  type GetRunGraphResponseSchema,
  GraphFormat,
  OrchestratorService,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunLifeService } from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import { StateReason } from '@tutti/proto/tutti/v1/state_reason_pb.ts';
import { TaskState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { expect, test } from 'vitest';
import { grpcClient, openDoors, openDoorsTo } from '../doors-fixture.ts';

const { READY, RUNNING, WAITING } = TaskState;
const { UNSPECIFIED, NO_EXECUTOR } = StateReason;

/** Two that are ready, of one capability, one of another, and one that waits. */
const tasks = [
  { key: 'first', capability: 'work' },
  { key: 'second', capability: 'work' },
  { key: 'other', capability: 'rare' },
  { key: 'later', capability: 'work', dependencies: [{ key: 'first' }] },
];

async function openWithRun() {
  const { grpc, runtime } = await openDoors();
  const { call } = grpcClient(grpc, OrchestratorService);
  await call('SubmitRun', { run: { runId: 'r', spec: { tasks } } });
  const stands = async (view: number) => {
    const listed = await call('ListTasks', { runId: 'r', view });
    return (listed as unknown as { tasks: { state: number; reason: number }[] }).tasks.map(
      ({ state, reason }) => [state, reason],
    );
  };
  return { call, stands, orchestrator: runtime.orchestrator };
}

test('a READY task tells that no executor offers its capability, as long as none does', async () => {
  const { call, stands, orchestrator } = await openWithRun();
  const none = [
    [READY, NO_EXECUTOR],
    [READY, NO_EXECUTOR],
    [READY, NO_EXECUTOR],
    [WAITING, UNSPECIFIED],
  ];
  expect(await stands(1)).toEqual(none);
  expect(await stands(2)).toEqual(none);
  const task = { state: READY, reason: NO_EXECUTOR };
  expect(await call('GetTask', { runId: 'r', taskKey: 'first' })).toMatchObject({ task });

  const registered = await orchestrator.call('default', 'RegisterExecutor', {
    executorId: 'e',
    capabilities: [{ name: 'work', version: '', maxConcurrency: 0 }],
    labels: {},
    slots: 1,
    held: [],
    phase: 'ACTIVE',
  });
  if (!registered.ok) throw new Error(registered.rejection.message);
  // The start of the first is durable a commit later.
  await expect.poll(() => stands(1)).toContainEqual([RUNNING, UNSPECIFIED]);
  // The second waits for a slot: that is no want of executors.
  expect(await stands(1)).toEqual([
    [RUNNING, UNSPECIFIED],
    [READY, UNSPECIFIED],
    [READY, NO_EXECUTOR],
    [WAITING, UNSPECIFIED],
  ]);

  const { session } = registered.value;
  const draining = { executorId: 'e', session, phase: 'DRAINING', attempts: [] } as const;
  expect((await orchestrator.call('default', 'Heartbeat', draining)).ok).toBe(true);
  expect((await stands(1))[1]).toEqual([READY, NO_EXECUTOR]);
});

test('F.2: what the orchestrator does itself waits for no executor, but for the end of a pause', async () => {
  const { grpc } = await openDoors();
  const { call } = grpcClient(grpc, OrchestratorService);
  const life = grpcClient(grpc, RunLifeService);
  const dependencies = [{ key: 'go' }];
  const spec = {
    tasks: [
      { key: 'go', signal: { name: 'go' } },
      { key: 'computed', expression: '1', dependencies },
      { key: 'list', capability: 'rare', foreach: { items: [{ value: null }] }, dependencies },
    ],
  };
  await call('SubmitRun', { run: { runId: 'r', spec } });
  await life.call('PauseRun', { runId: 'r' });
  await call('SignalRun', { runId: 'r', name: 'go' });
  for (const taskKey of ['computed', 'list']) {
    const task = { state: READY, reason: UNSPECIFIED };
    expect(await call('GetTask', { runId: 'r', taskKey })).toMatchObject({ task });
  }
  const { text } = await call<typeof GetRunGraphResponseSchema>('GetRunGraph', {
    runId: 'r',
    format: GraphFormat.JSON,
  });
  expect(text).not.toContain('NO_EXECUTOR');
});

test('while a namespace is being loaded, a task tells what is durable and waits for nothing', async () => {
  const { runtime } = await openDoors();
  // As the driver of a namespace says until it has an engine.
  const loading = { ...runtime.orchestrator, offers: () => undefined };
  const { grpc } = await openDoorsTo(loading);
  const { call } = grpcClient(grpc, OrchestratorService);
  await call('SubmitRun', { run: { runId: 'r', spec: { tasks } } });
  const task = { state: READY, reason: UNSPECIFIED };
  expect(await call('GetTask', { runId: 'r', taskKey: 'first' })).toMatchObject({ task });
  // Nor does the question make a namespace.
  expect(runtime.orchestrator.offers('never-used', 'work')).toBeUndefined();
  expect(runtime.orchestrator.gauges()).toHaveLength(1);
});
