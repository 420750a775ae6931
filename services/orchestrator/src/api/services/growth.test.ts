// DESIGN section 7 and A.7 from outside: tasks are added, and dependencies changed, over both doors.

import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { expect, test } from 'vitest';
import { NO_SCHEMAS } from '../../domain/schema.ts';
import { createExpressionCompiler } from '../../expressions/compiler.ts';
import { loadRun } from '../../runtime/load.ts';
import { grpcClient, openDoors, postJson, refused } from '../doors-fixture.ts';

async function openWithPlanner() {
  const { grpc, http, runtime } = await openDoors();
  const { call } = grpcClient(grpc, OrchestratorService);
  const tasks = [
    { key: 'plan', capability: 'work' },
    { key: 'wait', capability: 'other', dependencies: [{ key: 'plan' }] },
  ];
  await call('SubmitRun', { run: { runId: 'r', spec: { tasks } } });
  const registered = await runtime.orchestrator.call('default', 'RegisterExecutor', {
    executorId: 'e',
    capabilities: [{ name: 'work', version: '', maxConcurrency: 0 }],
    labels: {},
    slots: 1,
    held: [],
    phase: 'ACTIVE',
  });
  if (!registered.ok) throw new Error(registered.rejection.message);
  await expect.poll(() => runtime.assigned().length).toBe(1);
  const leaseToken = runtime.assigned()[0]?.leaseToken ?? '';
  return { call, http, runtime, leaseToken, add: { runId: 'r', leaseToken } };
}

const task = (key: string, ...upstreams: string[]) => ({
  key,
  capability: 'other',
  dependencies: upstreams.map((upstream) => ({ key: upstream })),
});

test('DESIGN 7: tasks are added with the lease of an attempt, once however often it is said', async () => {
  const { call, http, add } = await openWithPlanner();

  expect(await call('AddTasks', { ...add, tasks: [task('a'), task('b', 'a', 'plan')] })).toMatchObject({
    addedCount: 2,
  });
  expect(await postJson(http, 'AddTasks', { ...add, tasks: [task('a'), task('c')] })).toEqual({
    status: 200,
    body: { addedCount: 1 },
  });
  const request = { ...add, tasks: [task('d')], requestId: 'once' };
  expect(await call('AddTasks', request)).toMatchObject({ addedCount: 1 });
  expect(await call('AddTasks', request)).toMatchObject({ addedCount: 1 });
  const listed = (await call('ListTasks', { runId: 'r' })) as unknown as { tasks: { key: string }[] };
  expect(listed.tasks.map(({ key }) => key)).toEqual(['plan', 'wait', 'a', 'b', 'c', 'd']);
});

test('DESIGN 7: what breaks a rule is refused with its place, and nothing is added', async () => {
  const { call, add } = await openWithPlanner();
  const refusal = (tasks: object[], more: object = {}) =>
    refused(call('AddTasks', { ...add, tasks, ...more }));

  expect(await refusal([])).toMatchObject({ fields: ['tasks'] });
  expect(await refusal([task('a', 'x')])).toMatchObject({
    reason: 'UNKNOWN_DEPENDENCY',
    fields: ['tasks[0].dependencies[0].key'],
  });
  expect(await refusal([task('a', 'b'), task('b', 'a')])).toMatchObject({
    reason: 'DEPENDENCY_CYCLE',
    metadata: { cycle: 'a -> b -> a' },
  });
  for (const key of ['each#1', 'a@2#undo', '']) {
    expect((await refusal([task(key)])).fields).toEqual(['tasks[0].key']);
  }
  expect(await refusal([{ key: 'a' }])).toMatchObject({ reason: 'INVALID_FIELD' });
  expect(await refusal([{ ...task('a'), when: 'nobody' }])).toMatchObject({ fields: ['tasks[0].when'] });
  expect(await refusal([{ ...task('wait') }])).toMatchObject({ reason: 'DUPLICATE_KEY' });
  expect(await refusal([task('a')], { leaseToken: 'nobodys' })).toMatchObject({
    reason: 'NO_LEASE',
    code: 7,
    metadata: { run_id: 'r' },
  });
  expect(await refusal([task('a')], { runId: 'another' })).toMatchObject({ reason: 'NO_LEASE' });
  const hash = new Uint8Array(32).fill(1);
  const input = { data: { case: 'ref', value: { sha256: hash, sizeBytes: 300_000n } } };
  expect(await refusal([{ ...task('a'), input }])).toMatchObject({
    reason: 'PAYLOAD_NOT_FOUND',
    fields: ['tasks[0].input'],
  });
  const { run } = (await call('GetRun', { runId: 'r' })) as unknown as { run: { lastRevision: bigint } };
  expect(run.lastRevision).toBe(2n);
});

test('A.7: dependencies come and go; GetTask, the graph and a replay tell the same', async () => {
  const { call, http, runtime, add } = await openWithPlanner();
  await call('AddTasks', { ...add, tasks: [task('a')] });

  await call('ChangeDependencies', { runId: 'r', taskKey: 'wait', add: [{ key: 'a', condition: 2 }] });
  const change = { runId: 'r', taskKey: 'wait', remove: ['plan'] };
  expect(await postJson(http, 'ChangeDependencies', change)).toEqual({ status: 200, body: {} });
  expect(await call('GetTask', { runId: 'r', taskKey: 'wait' })).toMatchObject({
    task: { spec: { capability: 'other', dependencies: [{ key: 'a', condition: 2 }] } },
  });
  const graph = (await call('GetRunGraph', { runId: 'r', format: 3 })) as unknown as { text: string };
  expect(JSON.parse(graph.text).edges).toEqual([{ from: 'a', to: 'wait', condition: 'FINISHED' }]);

  const loaded = await loadRun(runtime.store, 'default', 'r', createExpressionCompiler(), NO_SCHEMAS);
  const live = runtime.committed.at(-1)?.run;
  const {
    indexOf: _,
    expressions: __,
    readPayload: ___,
    schemas: ____,
    ...graphOf
  } = loaded?.graph ?? ({} as never);
  expect(live?.graph).toMatchObject(graphOf);
  expect(loaded?.tasks).toEqual(live?.tasks);
});

test('A.7: refused with the place of what is wrong', async () => {
  const { call, add } = await openWithPlanner();
  await call('AddTasks', { ...add, tasks: [task('a', 'wait')] });
  const refusal = (change: object) =>
    refused(call('ChangeDependencies', { runId: 'r', taskKey: 'wait', ...change }));

  expect(await refusal({ add: [{ key: 'a' }] })).toMatchObject({
    reason: 'DEPENDENCY_CYCLE',
    fields: ['add[0].key'],
    metadata: { cycle: 'wait -> a -> wait' },
  });
  expect(await refusal({ add: [{ key: '' }] })).toMatchObject({ fields: ['add[0].key'] });
  expect(await refusal({ remove: ['x'] })).toMatchObject({ fields: ['remove[0]'] });
  expect(await refusal({ add: [{ key: 'plan', select: { nothing: true, lastItems: 1 } }] })).toMatchObject({
    fields: ['add[0].select'],
  });
  expect(await refusal({ add: [{ key: 'plan', when: 'nobody' }], remove: ['plan'] })).toMatchObject({
    fields: ['add[0].when'],
  });
  expect(await refusal({ taskKey: 'plan' })).toMatchObject({ reason: 'WRONG_STATE' });
  expect(await refusal({ taskKey: 'x' })).toMatchObject({ reason: 'TASK_NOT_FOUND' });
  expect(await refusal({ runId: 'x' })).toMatchObject({ reason: 'RUN_NOT_FOUND' });
  await call('CancelTask', { runId: 'r', taskKey: 'wait' });
  expect(await refusal({})).toMatchObject({ reason: 'WRONG_STATE', metadata: { state: 'CANCELLED' } });
});
