// The native gRPC door, seen by a plain grpc-js client over a real runtime.

import { once } from 'node:events';
import { connect } from 'node:http2';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Health } from '@tutti/proto/grpc/health/v1/health_pb.ts';
import {
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from '@tutti/proto/grpc/reflection/v1/reflection_pb.ts';
import { ExecutorService } from '@tutti/proto/tutti/v1/executor_service_pb.ts';
import { OrchestratorService, type WatchResponse } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { describe, expect, test } from 'vitest';
import { startWorker } from '../../runtime/orchestrator-fixture.ts';
import { grpcClient, OWN_TRACEPARENT, openDoors, refused } from '../doors-fixture.ts';

const chain = (...keys: string[]) => ({
  tasks: keys.map((key, index) => ({
    key,
    capability: 'work',
    dependencies: index === 0 ? [] : [{ key: keys[index - 1] }],
  })),
});

async function open() {
  const doors = await openDoors();
  const { call, stream } = grpcClient(doors.grpc, OrchestratorService);
  return { doors, call, stream };
}

describe('a run over gRPC', () => {
  test('is submitted, executed, waited for and read', async () => {
    const { doors, call } = await open();
    const worker = await startWorker(doors.runtime);
    const submitted = await call('SubmitRun', {
      run: { runId: 'r1', spec: { name: 'first', labels: { a: 'b' }, ...chain('x', 'y') } },
    });
    expect(submitted).toMatchObject({ runId: 'r1', revision: 1n, existed: false });
    const [waited] = await Promise.all([call('WaitRun', { runId: 'r1' }), worker.complete(2)]);
    expect(waited).toMatchObject({
      finished: true,
      run: { namespace: 'default', name: 'first', state: 3, labels: { a: 'b' }, tasks: { completed: 2 } },
    });
    expect(await call('GetRun', { runId: 'r1' })).toMatchObject({ run: { runId: 'r1', state: 3 } });
    expect(await call('ListRuns', { labels: { a: 'b' }, states: [3] })).toMatchObject({
      runs: [{ runId: 'r1' }],
      nextPageToken: '',
    });
    expect(await call('GetTask', { runId: 'r1', taskKey: 'y' })).toMatchObject({
      task: {
        key: 'y',
        state: 5,
        spec: { capability: 'work', dependencies: [{ key: 'x' }] },
        attempts: [{ number: 1, state: 2, executorId: 'e' }],
      },
    });
    const executors = await grpcClient(doors.grpc, ExecutorService).call('ListExecutors', {});
    expect(executors).toMatchObject({
      executors: [{ executorId: 'e', state: 1, slots: 10, capabilities: [{ name: 'work' }] }],
    });
  });

  test('that is waited for too shortly is told as it stands', async () => {
    const { call } = await open();
    await call('SubmitRun', { run: { runId: 'r', spec: chain('x') } });
    const timeout = { seconds: 0n, nanos: 20_000_000 };
    expect(await call('WaitRun', { runId: 'r', timeout })).toMatchObject({
      finished: false,
      run: { state: 1 },
    });
    expect(await call('WaitRun', { runId: 'r', timeout: {} })).toMatchObject({ finished: false });
  });

  test('is cancelled, and not a second time', async () => {
    const { call } = await open();
    await call('SubmitRun', { run: { runId: 'r', spec: chain('x', 'y') } });
    expect(await call('CancelTask', { runId: 'r', taskKey: 'y' })).toMatchObject({ cancelledCount: 1 });
    const cancel = { runId: 'r', message: 'enough', requestId: 'c1' };
    const first = await call('CancelRun', cancel);
    expect(first).toMatchObject({ cancelledCount: 1, cancellingCount: 0 });
    expect(await call('CancelRun', cancel)).toEqual(first);
    expect(await refused(call('CancelRun', { runId: 'r' }))).toMatchObject({
      code: 9,
      reason: 'ALREADY_FINAL',
    });
    expect(await call('GetRun', { runId: 'r' })).toMatchObject({ run: { state: 5, message: 'enough' } });
  });

  test('that is over refuses to cancel its tasks with the state of each (BEHAVIOURS D.8)', async () => {
    const { doors, call } = await open();
    const worker = await startWorker(doors.runtime);
    const tasks = chain('x', 'y').tasks.map((task) => ({ ...task, cancelGrace: {} }));
    await call('SubmitRun', { run: { runId: 'r', spec: { tasks } } });
    await worker.complete(1);
    await call('CancelRun', { runId: 'r' });
    expect(await call('WaitRun', { runId: 'r' })).toMatchObject({ finished: true, run: { state: 5 } });
    const cancel = (taskKey: string, subtree = false) =>
      refused(call('CancelTask', { runId: 'r', taskKey, subtree }));
    expect(await cancel('x')).toMatchObject({
      code: 9,
      reason: 'ALREADY_FINAL',
      message: 'task "x" is COMPLETED already; there is nothing to cancel',
      metadata: { state: 'COMPLETED' },
    });
    expect(await cancel('y')).toMatchObject({ reason: 'ALREADY_FINAL', metadata: { state: 'CANCELLED' } });
    expect((await cancel('y', true)).message).toContain('and so is every task under it');
    expect(await cancel('ghost')).toMatchObject({
      code: 5,
      reason: 'TASK_NOT_FOUND',
      metadata: { run_id: 'r', task_key: 'ghost' },
    });
  });

  test('carries on the trace of its call', async () => {
    const { doors, call } = await open();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await call('SubmitRun', { run: { runId: 'a', spec: chain('x') } }, { traceparent });
    await call('SubmitRun', { run: { runId: 'b', spec: chain('x') } });
    expect(await call('GetRun', { runId: 'a' })).toMatchObject({
      run: { traceId: traceparent.slice(3, 35) },
    });
    expect(await call('GetRun', { runId: 'b' })).toMatchObject({
      run: { traceId: OWN_TRACEPARENT.slice(3, 35) },
    });
    expect(doors.spans[0]).toEqual({ name: 'SubmitRun', traceparent });
    await refused(call('GetRun', { runId: 'c' }));
    expect(doors.spans.at(-1)).toMatchObject({
      name: 'GetRun',
      error: { rawMessage: expect.stringContaining('no run c:') },
    });
  });

  test('is watched from its first event to its last', async () => {
    const { doors, call, stream } = await open();
    const worker = await startWorker(doors.runtime);
    await call('SubmitRun', { run: { runId: 'r', spec: chain('x', 'y') } });
    const watching = readAll(stream('Watch', { runId: 'r' }));
    await worker.complete(2);
    const events = (await watching).flatMap((response) => response.events);
    expect(events.map((event) => [event.revision, event.change.case])).toEqual([
      [1n, 'runSubmitted'],
      [2n, 'taskStarted'],
      [3n, 'taskCompleted'],
      [4n, 'taskReady'],
      [5n, 'taskStarted'],
      [6n, 'taskCompleted'],
      [7n, 'runCompleted'],
    ]);
    const resumed = await readAll(stream('Watch', { runId: 'r', afterRevision: 5n }));
    expect(resumed.flatMap((response) => response.events).map((event) => event.revision)).toEqual([6n, 7n]);
    expect(resumed.at(-1)?.revision).toBe(7n);
  });
});

describe('many runs in one call (SubmitRuns)', () => {
  test('are each accepted or refused, in order', async () => {
    const { call } = await open();
    const runs = [
      { runId: 'a', spec: chain('x') },
      { runId: 'b', spec: { tasks: [{ key: 'x', capability: 'work', dependencies: [{ key: 'y' }] }] } },
      { runId: 'a', spec: chain('x') },
      { spec: chain('x') },
      { spec: { tasks: [{ key: 'not allowed', capability: 'work' }] } },
      {},
    ];
    const { results } = (await call('SubmitRuns', { runs })) as unknown as {
      results: {
        result: { case: string; value: { code?: number; runId?: string; details: { value: Uint8Array }[] } };
      }[];
    };
    expect(results.map(({ result }) => [result.case, result.value.code ?? result.value.runId])).toEqual([
      ['submitted', 'a'],
      ['error', 3],
      ['error', 6],
      ['submitted', 'minted-1'],
      ['error', 3],
      ['error', 3],
    ]);
    expect(Buffer.from(results[4]?.result.value.details[1]?.value ?? []).toString()).toContain(
      'run.spec.tasks[0].key',
    );
    expect(Buffer.from(results[1]?.result.value.details[1]?.value ?? []).toString()).toContain(
      'run.spec.tasks[0].dependencies[0].key',
    );
  });

  test('are started once, however often the call is repeated', async () => {
    const { call } = await open();
    const request = { requestId: 'q', runs: [{ spec: chain('x') }, { spec: chain('y') }] };
    const first = await call('SubmitRuns', request);
    expect(await call('SubmitRuns', request)).toEqual(first);
    expect(await call('ListRuns', {})).toMatchObject({
      runs: [{ runId: 'minted-2' }, { runId: 'minted-1' }],
    });
  });

  test('have at most 100,000 tasks in all', async () => {
    const { call } = await open();
    const many = {
      spec: { tasks: Array.from({ length: 50_001 }, (_, key) => ({ key: `k${key}`, capability: 'w' })) },
    };
    const refusal = await refused(call('SubmitRuns', { runs: [many, many] }));
    expect(refusal).toMatchObject({ code: 3, reason: 'INVALID_FIELD', fields: ['runs'] });
    expect(refusal.message).toContain('100002 tasks');
  });
});

describe('a repeated request id', () => {
  test('answers as before, whatever the order of maps', async () => {
    const { call } = await open();
    const submit = (labels: Record<string, string>) =>
      call('SubmitRun', { requestId: 'q', run: { spec: { ...chain('x'), labels } } });
    const first = await submit({ a: '1', b: '2' });
    expect(await submit({ b: '2', a: '1' })).toEqual(first);
    const other = await refused(submit({ a: '1', b: '3' }));
    expect(other).toMatchObject({ code: 3, reason: 'REQUEST_ID_REUSED', metadata: { request_id: 'q' } });
    const another = await refused(call('CancelRun', { requestId: 'q', runId: 'x' }));
    expect(another).toMatchObject({ reason: 'REQUEST_ID_REUSED' });
  });

  test.each<[string, string, object]>([
    ['other runs', 'SubmitRuns', { runs: [{ spec: chain('y') }] }],
    ['more runs', 'SubmitRuns', { runs: [{ spec: chain('x') }, { spec: chain('y') }] }],
    ['one run of another call', 'SubmitRun', { run: { spec: chain('x') } }],
    ['a cancellation', 'CancelRun', { runId: 'minted-1' }],
  ])('of SubmitRuns with %s is refused as a whole', async (_what, method, request) => {
    const { call } = await open();
    await call('SubmitRuns', { requestId: 'q', runs: [{ spec: chain('x') }] });
    const other = await refused(call(method, { requestId: 'q', ...request }));
    expect(other).toMatchObject({ code: 3, reason: 'REQUEST_ID_REUSED', metadata: { request_id: 'q' } });
    expect(await call('ListRuns', {})).toMatchObject({ runs: [{ runId: 'minted-1', state: 1 }] });
  });

  test('of SubmitRun is refused for SubmitRuns', async () => {
    const { call } = await open();
    await call('SubmitRun', { requestId: 'q', run: { spec: chain('x') } });
    const other = await refused(call('SubmitRuns', { requestId: 'q', runs: [{ spec: chain('x') }] }));
    expect(other).toMatchObject({ code: 3, reason: 'REQUEST_ID_REUSED' });
  });

  test('of SubmitRuns is taken, whatever became of its runs', async () => {
    const { call } = await open();
    const bad = { tasks: [{ key: 'x', capability: 'work', dependencies: [{ key: 'ghost' }] }] };
    const first = { requestId: 'q', runs: [{ spec: bad }] };
    expect(await call('SubmitRuns', first)).toMatchObject({ results: [{ result: { case: 'error' } }] });
    expect(await call('SubmitRuns', first)).toMatchObject({ results: [{ result: { case: 'error' } }] });
    const other = await refused(call('SubmitRuns', { requestId: 'q', runs: [{ spec: chain('x') }] }));
    expect(other).toMatchObject({ code: 3, reason: 'REQUEST_ID_REUSED' });
  });

  test('of SubmitRuns goes on with the runs that a failed commit left out', async () => {
    const { doors, call } = await open();
    const request = { requestId: 'q', runs: [{ spec: chain('x') }, { spec: chain('y') }] };
    let commits = 0;
    // The first makes the id durable, the second would have made the runs so.
    doors.runtime.gate = async () => (++commits === 2 ? 'FAIL' : 'COMMIT');
    expect(await call('SubmitRuns', request)).toMatchObject({
      results: [{ result: { case: 'error' } }, { result: { case: 'error' } }],
    });
    const second = await call('SubmitRuns', request);
    expect(second).toMatchObject({
      results: [{ result: { case: 'submitted' } }, { result: { case: 'submitted' } }],
    });
    expect(await call('SubmitRuns', request)).toEqual(second);
  });

  test('of a call that was refused is free', async () => {
    const { call } = await open();
    const bad = { tasks: [{ key: 'x', capability: 'work', dependencies: [{ key: 'ghost' }] }] };
    await refused(call('SubmitRun', { requestId: 'q', run: { spec: bad } }));
    expect(await call('SubmitRun', { requestId: 'q', run: { spec: chain('x') } })).toMatchObject({
      runId: 'minted-1',
    });
  });
});

describe('pages', () => {
  test('of runs lead through all of them, latest first', async () => {
    const { call } = await open();
    const runs = Array.from({ length: 5 }, (_, index) => ({ runId: `r${index}`, spec: chain('x') }));
    await call('SubmitRuns', { runs });
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = (await call('ListRuns', { pageSize: 2, pageToken })) as unknown as {
        runs: { runId: string }[];
        nextPageToken: string;
      };
      seen.push(...page.runs.map((run) => run.runId));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen).toEqual(['r4', 'r3', 'r2', 'r1', 'r0']);
  });

  test('of tasks end at 3 MiB, and lead through all of them', async () => {
    const { call } = await open();
    const input = { data: { case: 'bytes', value: new Uint8Array(250_000) } };
    const tasks = Array.from({ length: 30 }, (_, index) => ({ key: `t${index}`, capability: 'work', input }));
    await call('SubmitRun', { run: { runId: 'r', spec: { tasks } } });
    const sizes: number[] = [];
    const keys: string[] = [];
    let pageToken = '';
    do {
      const page = (await call('ListTasks', { runId: 'r', view: 2, pageToken })) as unknown as {
        tasks: { key: string }[];
        nextPageToken: string;
      };
      sizes.push(page.tasks.length);
      keys.push(...page.tasks.map((task) => task.key));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(sizes).toEqual([12, 12, 6]);
    expect(keys).toEqual(tasks.map((task) => task.key));
  });

  test('have tokens of their own call and fields only', async () => {
    const { call } = await open();
    const runs = Array.from({ length: 3 }, (_, index) => ({ runId: `r${index}`, spec: chain('x', 'y') }));
    await call('SubmitRuns', { runs });
    const { nextPageToken } = (await call('ListRuns', { pageSize: 1 })) as unknown as {
      nextPageToken: string;
    };
    const attempts = [
      call('ListRuns', { pageToken: nextPageToken, labels: { a: 'b' } }),
      call('ListTasks', { pageToken: nextPageToken, runId: 'r0' }),
      call('ListRuns', { pageToken: 'nonsense' }),
      call('ListRuns', { pageToken: Buffer.from('["x",1]').toString('base64url') }),
    ];
    for (const attempt of attempts) {
      expect(await refused(attempt)).toMatchObject({
        code: 3,
        reason: 'INVALID_PAGE_TOKEN',
        fields: ['page_token'],
      });
    }
  });
});

describe('what is refused', () => {
  test('tells its reason, domain and values (DESIGN section 6, errors)', async () => {
    const { call } = await open();
    const missing = await refused(call('GetRun', { runId: 'nope' }));
    // Whichever call finds it out.
    expect(await refused(call('CancelRun', { runId: 'nope' }))).toEqual(missing);
    expect(missing).toMatchObject({
      code: 5,
      message: 'namespace default has no run nope: check both names',
      reason: 'RUN_NOT_FOUND',
      domain: 'tutti.v1',
      metadata: { namespace: 'default', run_id: 'nope' },
    });
    await call('SubmitRun', { run: { runId: 'r', spec: chain('x') } });
    const task = await refused(call('GetTask', { runId: 'r', taskKey: 'ghost' }));
    expect(task).toMatchObject({ code: 5, reason: 'TASK_NOT_FOUND', metadata: { task_key: 'ghost' } });
    expect(await refused(call('CancelTask', { runId: 'r', taskKey: 'ghost' }))).toEqual(task);
    const again = await refused(call('SubmitRun', { run: { runId: 'r', spec: chain('x') } }));
    expect(again).toMatchObject({ code: 6, reason: 'RUN_ALREADY_EXISTS', metadata: { run_id: 'r' } });
  });

  test('a cycle is named in full, with the field (BEHAVIOURS A.2)', async () => {
    const { call } = await open();
    const tasks = [
      { key: 'a', capability: 'w', dependencies: [{ key: 'b' }] },
      { key: 'b', capability: 'w', dependencies: [{ key: 'a' }] },
    ];
    const refusal = await refused(call('SubmitRun', { run: { spec: { tasks } } }));
    expect(refusal).toMatchObject({ code: 3, reason: 'DEPENDENCY_CYCLE' });
    expect(refusal.metadata.cycle).toMatch(/^(a -> b -> a|b -> a -> b)$/);
    expect(await call('ListRuns', {})).toMatchObject({ runs: [] });
  });

  test('a message of 17 MiB', async () => {
    const { call } = await open();
    const refusal = await refused(call('SubmitRun', Buffer.alloc(17 * 1024 * 1024)));
    expect(refusal).toMatchObject({
      code: 8,
      reason: 'LIMIT_REACHED',
      metadata: { resource: 'message_bytes', limit: '16777216' },
    });
    expect(refusal.retryDelayMs).toBeUndefined();
    expect(await call('ListRuns', {})).toMatchObject({ runs: [] });
  });

  test('100,001 tasks', async () => {
    const { call } = await open();
    const tasks = Array.from({ length: 100_001 }, (_, key) => ({ key: `k${key}`, capability: 'w' }));
    const refusal = await refused(call('SubmitRun', { run: { spec: { tasks } } }));
    expect(refusal).toMatchObject({ code: 3, reason: 'INVALID_FIELD', fields: ['run.spec.tasks'] });
  });

  test.each([['SubmitRun'], ['Watch']])('%s with bytes that are no message', async (name) => {
    const { call, stream } = await open();
    const garbage = Buffer.from([0x1a, 0xff, 0xff, 0xff, 0x0f, 0x01]);
    const refusal = await refused(name === 'Watch' ? readAll(stream(name, garbage)) : call(name, garbage));
    expect(refusal).toMatchObject({ code: 3, reason: 'MALFORMED_MESSAGE' });
  });

  test('a revision of the future', async () => {
    const { call, stream } = await open();
    await call('SubmitRun', { run: { runId: 'r', spec: chain('x') } });
    const refusal = await refused(readAll(stream('Watch', { afterRevision: 99n })));
    expect(refusal).toMatchObject({
      code: 11,
      reason: 'REVISION_IN_FUTURE',
      metadata: { revision: '99', latest: '1' },
    });
  });

  test('a commit that failed, with a delay after which to repeat', async () => {
    const { doors, call } = await open();
    doors.runtime.gate = async () => 'FAIL';
    const refusal = await refused(call('SubmitRun', { run: { spec: chain('x') } }));
    expect(refusal).toMatchObject({ code: 14, reason: 'COMMIT_FAILED', retryDelayMs: 1_000 });
  });
});

describe('the server itself', () => {
  test('says that it is healthy, and what it serves', async () => {
    const { doors } = await open();
    const health = grpcClient(doors.grpc, Health);
    expect(await health.call('Check', {})).toMatchObject({ status: 1 });
    expect(await health.call('Check', { service: 'tutti.v1.OrchestratorService' })).toMatchObject({
      status: 1,
    });
    await expect(health.call('Check', { service: 'nope' })).rejects.toMatchObject({ code: 5 });
  });

  test('tells a health watcher when it stops', async () => {
    const { doors } = await open();
    const stream = grpcClient(doors.grpc, Health).stream('Watch', {});
    const statuses: number[] = [];
    const ended = new Promise<unknown>((resolve) => stream.once('error', resolve));
    await new Promise<void>((resolve) => {
      stream.on('data', ({ status }: { status: number }) => {
        statuses.push(status);
        resolve();
      });
    });
    await doors.close(10_000);
    expect(await ended).toMatchObject({ code: 14 });
    expect(statuses).toEqual([1, 2]);
  });

  test.each(['v1', 'v1alpha'])('describes itself to generic clients (reflection %s)', async (version) => {
    const { doors } = await open();
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    const ask = reflect(doors.grpc, path);
    const listed = await ask({ case: 'listServices', value: '' });
    expect(
      listed.messageResponse.case === 'listServicesResponse' &&
        listed.messageResponse.value.service.map(({ name }) => name),
    ).toEqual([
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
      'tutti.v1.ExecutorService',
      'tutti.v1.OrchestratorService',
      'tutti.v1.PayloadService',
      'tutti.v1.RunLifeService',
      'tutti.v1.WorkflowService',
    ]);
    for (const symbol of [
      'tutti.v1.OrchestratorService',
      'tutti.v1.OrchestratorService.SubmitRun',
      'tutti.v1.TaskState',
    ]) {
      const found = await ask({ case: 'fileContainingSymbol', value: symbol });
      if (found.messageResponse.case !== 'fileDescriptorResponse') throw new Error(symbol);
      const files = found.messageResponse.value.fileDescriptorProto.map((bytes) =>
        fromBinary(FileDescriptorProtoSchema, bytes),
      );
      const names = new Set(files.map((file) => file.name));
      // All that is imported is there, so that a client can build its descriptors without asking again.
      for (const file of files) for (const imported of file.dependency) expect(names).toContain(imported);
    }
    const extensions = await ask({
      case: 'allExtensionNumbersOfType',
      value: 'google.protobuf.FieldOptions',
    });
    expect(extensions.messageResponse).toMatchObject({
      value: { extensionNumber: expect.arrayContaining([1159]) },
    });
    const byExtension = await ask({
      case: 'fileContainingExtension',
      value: { containingType: 'google.protobuf.FieldOptions', extensionNumber: 1159 },
    });
    expect(byExtension.messageResponse.case).toBe('fileDescriptorResponse');
    const missing = await ask({ case: 'fileByFilename', value: 'nope.proto' });
    expect(missing.messageResponse).toMatchObject({ case: 'errorResponse', value: { errorCode: 5 } });
  });

  test('cuts a call that was begun and never said to its end, once its grace is over', async () => {
    const { doors } = await open();
    const session = connect(`http://${doors.grpc}`);
    const path = '/tutti.v1.OrchestratorService/SubmitRun';
    const call = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
    // However it is told.
    for (const part of [session, call]) part.on('error', () => {});
    const cut = new Promise<void>((resolve) => session.once('close', resolve));
    await once(session, 'remoteSettings');
    // Answered after the call was heard of.
    await new Promise<void>((resolve) => session.ping(() => resolve()));
    await doors.close(20);
    await cut;
  });

  test('ends long calls with NOT_SERVING when it closes', async () => {
    const { doors, call, stream } = await open();
    await call('SubmitRun', { run: { runId: 'r', spec: chain('x') } });
    const watched = stream('Watch', { runId: 'r' });
    const first = new Promise((resolve) => watched.once('data', resolve));
    const cut = refused(new Promise((_, reject) => watched.once('error', reject)));
    const waiting = refused(call('WaitRun', { runId: 'r' }));
    await first;
    await doors.close(10_000);
    expect(await cut).toMatchObject({ code: 14, reason: 'NOT_SERVING' });
    expect(await waiting).toMatchObject({ code: 14, reason: 'NOT_SERVING' });
  });
});

async function readAll(stream: AsyncIterable<unknown>): Promise<WatchResponse[]> {
  const responses: WatchResponse[] = [];
  for await (const response of stream) responses.push(response as WatchResponse);
  return responses;
}

type Question = ServerReflectionRequestInit['messageRequest'];
type ServerReflectionRequestInit = Exclude<
  MessageInitShape<typeof ServerReflectionRequestSchema>,
  ServerReflectionRequest
>;

function reflect(address: string, path: string) {
  const { client } = grpcClient(address, ServerReflection);
  return (messageRequest: Question): Promise<ServerReflectionResponse> =>
    new Promise((resolve, reject) => {
      const stream = client.makeBidiStreamRequest(
        path,
        (request: Question) =>
          Buffer.from(
            toBinary(
              ServerReflectionRequestSchema,
              create(ServerReflectionRequestSchema, { messageRequest: request ?? { case: undefined } }),
            ),
          ),
        (bytes) => fromBinary(ServerReflectionResponseSchema, bytes),
      );
      stream.once('data', resolve);
      stream.once('error', reject);
      stream.write(messageRequest);
      stream.end();
    });
}
