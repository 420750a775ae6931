// Issue 2, "What bad input gets": a clear error with reason and field, nothing stored, nothing crashed.

import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { describe, expect, test } from 'vitest';
import { grpcClient, openDoors, postJson, refusalOfJson, refused } from './doors-fixture.ts';

const task = (fields: object) => ({ run: { spec: { tasks: [{ key: 'k', capability: 'c', ...fields }] } } });
const ids = ['a*', 'a>', 'a b', 'a\tb', 'a\nb', 'a\u0000', 'ä', 'a/b', 'x'.repeat(65)];
const namespaces = ['A', '-a', 'a-', 'a.b', 'a b', 'a*', '>', 'x'.repeat(64)];
const capabilities = ['*', '>', 'a.*', 'a..b', '.a', 'a.', 'A', 'a b', 'a\u0007', 'x'.repeat(129)];
const keys = ['', 'a b', 'a*', 'a>', '-a', '.a', 'a\u0000', 'x'.repeat(201)];

type Case = [method: string, request: object, field: string];
const cases: Case[] = [
  ...namespaces.map((namespace): Case => ['GetRun', { namespace, runId: 'r' }, 'namespace']),
  ...['', ...ids.slice(0, -1), 'x'.repeat(129)].map((runId): Case => ['GetRun', { runId }, 'run_id']),
  ...ids.map(
    (runId): Case => [
      'SubmitRun',
      { run: { runId, spec: { tasks: [{ key: 'k', capability: 'c' }] } } },
      'run.run_id',
    ],
  ),
  ...ids.map((requestId): Case => ['CancelRun', { runId: 'r', requestId }, 'request_id']),
  ...capabilities.map(
    (capability): Case => ['SubmitRun', task({ capability }), 'run.spec.tasks[0].capability'],
  ),
  ...keys.map((key): Case => ['SubmitRun', task({ key }), 'run.spec.tasks[0].key']),
  ['SubmitRun', {}, 'run'],
  ['SubmitRun', { run: {} }, 'run.spec'],
  ['SubmitRun', { run: { spec: {} } }, 'run.spec.tasks'],
  ['SubmitRun', task({ cancelGrace: { seconds: -1n } }), 'run.spec.tasks[0].cancel_grace'],
  ['SubmitRun', task({ timeouts: { attempt: { seconds: -5n } } }), 'run.spec.tasks[0].timeouts.attempt'],
  ['SubmitRun', task({ timeouts: { queue: { seconds: 0n } } }), 'run.spec.tasks[0].timeouts.queue'],
  ['SubmitRun', task({ retry: { initialDelay: { nanos: -1 } } }), 'run.spec.tasks[0].retry.initial_delay'],
  ['SubmitRun', task({ retry: { factor: 101 } }), 'run.spec.tasks[0].retry.factor'],
  ['SubmitRun', task({ retry: { factor: 0.5 } }), 'run.spec.tasks[0].retry.factor'],
  ['SubmitRun', task({ retry: { factor: -1 } }), 'run.spec.tasks[0].retry.factor'],
  ['SubmitRun', task({ retry: { jitter: 1.5 } }), 'run.spec.tasks[0].retry.jitter'],
  ['SubmitRun', task({ priority: 11 }), 'run.spec.tasks[0].priority'],
  ['SubmitRun', task({ priority: -1 }), 'run.spec.tasks[0].priority'],
  ['SubmitRun', task({ onUnmet: 9 }), 'run.spec.tasks[0].on_unmet'],
  ['SubmitRun', task({ dependencies: [{ key: '' }] }), 'run.spec.tasks[0].dependencies[0].key'],
  ['SubmitRun', task({ input: { contentType: 'a\nb' } }), 'run.spec.tasks[0].input.content_type'],
  ['WaitRun', { runId: 'r', timeout: { seconds: -1n } }, 'timeout'],
  ['WaitRun', { runId: 'r', timeout: { seconds: 3_601n } }, 'timeout'],
  ['ListRuns', { pageSize: -1 }, 'page_size'],
  ['ListRuns', { pageSize: 1_001 }, 'page_size'],
  ['ListRuns', { states: [0] }, 'states[0]'],
  ['ListTasks', { runId: 'r', states: [99] }, 'states[0]'],
  ['GetTask', { runId: 'r', taskKey: '' }, 'task_key'],
];

describe('bad input over gRPC', () => {
  test('is refused with reason and field, each of it, and leaves the server well', async () => {
    const { grpc } = await openDoors();
    const { call } = grpcClient(grpc, OrchestratorService);
    for (const [method, request, field] of cases) {
      const refusal = await refused(call(method, request));
      expect
        .soft(refusal, `${method} ${field}`)
        .toMatchObject({ code: 3, reason: 'INVALID_FIELD', fields: [field] });
      expect.soft(refusal.message, `${method} ${field}`).toContain(field);
    }
    expect(await call('ListRuns', {})).toMatchObject({ runs: [] });
  });

  test('is told with its value, shortened, and the rule', async () => {
    const { grpc } = await openDoors();
    const { call } = grpcClient(grpc, OrchestratorService);
    const wrongKey = await refused(call('SubmitRun', task({ key: 'a b' })));
    expect(wrongKey.message).toBe(
      'run.spec.tasks[0].key is "a b": use letters, digits and _ . : / - only, beginning with a letter, a digit or _',
    );
    const long = await refused(call('SubmitRun', task({ key: 'x'.repeat(100_000) })));
    expect(long.message).toMatch(/^run\.spec\.tasks\[0\]\.key is "x{60}…": .*200 characters/);
    const grace = await refused(
      call('SubmitRun', task({ cancelGrace: { seconds: -1n, nanos: -500_000_000 } })),
    );
    expect(grace.message).toContain('cancel_grace is -1.5 s');
    const label = await refused(
      call('SubmitRun', { run: { spec: { labels: { '-x': '' }, tasks: [{ key: 'k', capability: 'c' }] } } }),
    );
    expect(label.message).toContain('the key of run.spec.labels["-x"] is "-x": use letters');
  });

  test('is told all at once, up to eight fields', async () => {
    const { grpc } = await openDoors();
    const { call } = grpcClient(grpc, OrchestratorService);
    const tasks = Array.from({ length: 20 }, () => ({
      key: 'x'.repeat(300),
      capability: 'NOT A CAPABILITY',
    }));
    const refusal = await refused(call('SubmitRun', { run: { spec: { tasks } } }));
    expect(refusal.fields).toHaveLength(8);
    expect(refusal.fields.slice(0, 2)).toEqual(['run.spec.tasks[0].key', 'run.spec.tasks[0].capability']);
    expect(refusal.message).toContain('(and 39 more)');
  });

  test('of any length and script fits into the trailers', async () => {
    const { grpc } = await openDoors();
    const { call } = grpcClient(grpc, OrchestratorService);
    const key = '鍵'.repeat(200);
    await call('SubmitRun', { run: { runId: 'r', spec: { tasks: [{ key: 'k', capability: 'c' }] } } });
    const refusal = await refused(call('GetTask', { runId: 'r', taskKey: key }));
    expect(refusal).toMatchObject({ code: 5, reason: 'TASK_NOT_FOUND', metadata: { task_key: key } });
  });
});

describe('bad input in JSON', () => {
  test.each([
    ['a negative duration', { runId: 'r', timeout: '-1s' }, 'INVALID_FIELD'],
    ['a duration that is none', { runId: 'r', timeout: 'soon' }, 'MALFORMED_MESSAGE'],
    ['half a character', { runId: '\ud800' }, undefined],
  ])('%s is refused', async (_what, request, reason) => {
    const { http } = await openDoors();
    const { status, body } = await postJson(http, 'WaitRun', request);
    expect(status).toBe(400);
    const refusal = refusalOfJson(body);
    expect(refusal.code).toBe('invalid_argument');
    if (reason !== undefined) expect(refusal.reason).toBe(reason);
  });
});
