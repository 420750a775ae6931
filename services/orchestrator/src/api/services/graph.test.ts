// GetRunGraph over the real doors and runtime: what is drawn, when it changes, where it ends.

import {
  type GetRunGraphResponse,
  GraphFormat,
  OrchestratorService,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { DependencyCondition } from '@tutti/proto/tutti/v1/task_pb.ts';
import { expect, test } from 'vitest';
import { startWorker } from '../../runtime/orchestrator-fixture.ts';
import { grpcClient, openDoors, postJson, refused } from '../doors-fixture.ts';

const { UNSPECIFIED, MERMAID, DOT, JSON: AS_JSON } = GraphFormat;

async function open() {
  const doors = await openDoors();
  const { call } = grpcClient(doors.grpc, OrchestratorService);
  const graph = async (runId: string, format: GraphFormat): Promise<string> => {
    const response = (await call('GetRunGraph', { runId, format })) as unknown as GetRunGraphResponse;
    return response.text;
  };
  const submit = (runId: string, tasks: readonly object[], name = '') =>
    call('SubmitRun', { run: { runId, spec: { name, tasks } } });
  return { doors, call, graph, submit };
}

const pair = [
  { key: 'first', capability: 'work', parent: 'second', priority: 0 },
  {
    key: 'second',
    capability: 'work',
    dependencies: [{ key: 'first', condition: DependencyCondition.FINISHED }],
  },
];

test('A.8: with the states as they are now: no executor, then at work, then final', async () => {
  const { doors, call, graph, submit } = await open();
  await submit('r', pair, 'a "b"');
  const before = JSON.parse(await graph('r', AS_JSON));
  expect(before).toEqual({
    run: { namespace: 'default', runId: 'r', name: 'a "b"', state: 'RUNNING', reason: '' },
    nodes: [
      {
        key: 'first',
        capability: 'work',
        work: 'work',
        state: 'READY',
        reason: 'NO_EXECUTOR',
        parent: 'second',
        priority: 0,
        attemptCount: 0,
        allowFailure: false,
        join: { mode: 'ALL', count: 0 },
      },
      expect.objectContaining({ key: 'second', state: 'WAITING', reason: '', priority: 2 }),
    ],
    edges: [{ from: 'first', to: 'second', condition: 'FINISHED' }],
    order: ['first', 'second'],
    sendBacks: [],
  });

  const worker = await startWorker(doors.runtime);
  // The start is durable a commit later.
  await expect.poll(() => graph('r', DOT)).toMatch(/n0 \[label="first\\nwork\\nRUNNING", class="RUNNING"/);

  await Promise.all([call('WaitRun', { runId: 'r' }), worker.complete(2)]);
  const text = await graph('r', MERMAID);
  expect(text).toContain('n1["second<br/>work<br/>COMPLETED"]:::isCOMPLETED');
  expect(text).toContain('n0 -.->|"finished"| n1');
  expect(await graph('r', UNSPECIFIED)).toBe(text);
});

test('over HTTP, with the name of the format', async () => {
  const { doors, submit } = await open();
  await submit('r', pair);
  const { status, body } = await postJson(doors.http, 'GetRunGraph', {
    runId: 'r',
    format: 'GRAPH_FORMAT_DOT',
  });
  expect(status).toBe(200);
  expect((body as { text: string }).text).toMatch(/^digraph run \{\n/);
});

test('of no run, and in no known format: refused', async () => {
  const { call } = await open();
  expect(await refused(call('GetRunGraph', { runId: 'ghost' }))).toMatchObject({ reason: 'RUN_NOT_FOUND' });
  expect(await refused(call('GetRunGraph', { runId: 'ghost', format: 9 }))).toMatchObject({
    reason: 'INVALID_FIELD',
    fields: ['format'],
  });
});

const flat = (count: number, keyOf = (index: number) => `t${index}`) =>
  Array.from({ length: count }, (_, index) => ({ key: keyOf(index), capability: 'work' }));

/** Each of `froms` before each of `tos`. */
const between = (froms: number, tos: number) => [
  ...flat(froms),
  ...flat(tos, (index) => `u${index}`).map((task) => ({
    ...task,
    dependencies: flat(froms).map(({ key }) => ({ key })),
  })),
];

const long = (index: number) => `${index}`.padEnd(200, 'x');

test('a graph at the limits is drawn', async () => {
  const { graph, submit } = await open();
  await submit('tasks', flat(5_000));
  expect(JSON.parse(await graph('tasks', AS_JSON)).order).toHaveLength(5_000);
  await submit('dependencies', between(100, 200));
  expect((await graph('dependencies', DOT)).match(/ -> n/g)).toHaveLength(20_000);
});

test.each([
  ['graph_tasks', 5_000, flat(5_001), MERMAID],
  [
    'graph_dependencies',
    20_000,
    [...between(100, 200), ...between(1, 1).map((task) => ({ ...task, key: `v${task.key}` }))],
    MERMAID,
  ],
  [
    'graph_bytes',
    3_145_728,
    flat(4_500, long).map((task, index) =>
      index === 0 ? task : { ...task, dependencies: [{ key: long(index - 1) }] },
    ),
    AS_JSON,
  ],
])(
  'beyond %s it is refused, with what to do, and without a hint to try again',
  async (resource, limit, tasks, format) => {
    const { call, submit } = await open();
    await submit('r', tasks);
    const refusal = await refused(call('GetRunGraph', { runId: 'r', format }));
    expect(refusal).toMatchObject({
      code: 8,
      reason: 'LIMIT_REACHED',
      message: expect.stringContaining('use ListTasks'),
      metadata: { resource, limit: String(limit) },
      retryDelayMs: undefined,
    });
  },
);
