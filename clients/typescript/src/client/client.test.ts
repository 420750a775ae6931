// The client against a scripted gRPC server: what it sends, and what it makes of the answers.

import { create } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { StatusSchema } from '@tutti/proto/google/rpc/error_pb.ts';
import { GraphFormat, RunIdConflict, TaskView } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { TaskState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { toPayload } from '../payloads.ts';
import { collect, failure, type ScriptedServer, startScriptedServer } from '../testing/scripted-server.ts';
import { type Client, ClientClosedError, createClient, TaskNotCompletedError, TuttiError } from './index.ts';

let server: ScriptedServer;
let client: Client;

beforeEach(async () => {
  server = await startScriptedServer();
  client = createClient({ address: server.address, namespace: 'ns', retry: { initialDelayMs: 5 } });
});
afterEach(() => {
  client.close();
  server.kill();
});

test('submits a task alone and waits for it', async () => {
  let polls = 0;
  server.handlers.submitRun = (request) => {
    expect(request).toMatchObject({
      namespace: 'ns',
      run: { runId: 'mine', runIdConflict: RunIdConflict.USE_EXISTING },
    });
    expect(request.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(request.run?.spec?.tasks).toMatchObject([{ key: 'task', capability: 'echo' }]);
    return { runId: 'mine', revision: 7n, existed: true };
  };
  server.handlers.waitRun = ({ runId }) => {
    polls += 1;
    const state = polls < 3 ? RunState.RUNNING : RunState.FAILED;
    return { finished: polls >= 3, run: { runId, state } };
  };
  const run = await client.submit(
    { capability: 'echo', input: { a: 1 } },
    { runId: 'mine', onConflict: 'USE_EXISTING' },
  );
  expect(run).toMatchObject({ runId: 'mine', revision: 7n, existed: true });
  // G.3: finished and succeeded are told apart.
  expect(await run.wait()).toMatchObject({ finished: true, succeeded: false, run: { runId: 'mine' } });
  expect(polls).toBe(3);
});

test('wait says not finished when its time is over', async () => {
  server.handlers.waitRun = ({ runId, timeout }) => {
    expect(timeout).toMatchObject({ seconds: 0n });
    return { finished: false, run: { runId, state: RunState.RUNNING } };
  };
  expect(await client.run('r').wait({ timeoutMs: 20 })).toMatchObject({ finished: false, succeeded: false });
});

test('wait bears a server that dies and comes back', async () => {
  let polls = 0;
  const polled = Promise.withResolvers<void>();
  server.handlers.waitRun = ({ runId }, { signal }) => {
    polls += 1;
    polled.resolve();
    if (polls > 1) return { finished: true, run: { runId, state: RunState.COMPLETED } };
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('gone'))));
  };
  const impatient = createClient({ address: server.address, retry: { maxAttempts: 1 } });
  try {
    const waiting = impatient.run('r').wait();
    await polled.promise;
    server.kill();
    await server.restart();
    expect(await waiting).toMatchObject({ finished: true, succeeded: true });
  } finally {
    impatient.close();
  }
});

test('wait bears a limit that passes (RetryInfo), and no other', async () => {
  let polls = 0;
  server.handlers.waitRun = ({ runId }) => {
    polls += 1;
    if (polls === 1) throw failure(status.RESOURCE_EXHAUSTED, 'LIMIT_REACHED', { retryDelayMs: 20 });
    return { finished: true, run: { runId, state: RunState.COMPLETED } };
  };
  expect(await client.run('r').wait()).toMatchObject({ finished: true });
  server.handlers.waitRun = () => {
    throw failure(status.RESOURCE_EXHAUSTED, 'LIMIT_REACHED');
  };
  await expect(client.run('r').wait()).rejects.toMatchObject({ reason: 'LIMIT_REACHED' });
});

test('a call that there is no room for comes again when it is told to, and not for ever', async () => {
  const atMs: number[] = [];
  let refusals = 8;
  const attempts: unknown[] = [];
  server.handlers.submitRun = ({ run }, { metadata }) => {
    atMs.push(performance.now());
    attempts.push(...metadata.get('grpc-previous-rpc-attempts'));
    if (refusals-- > 0) throw failure(status.RESOURCE_EXHAUSTED, 'LIMIT_REACHED', { retryDelayMs: 20 });
    return { runId: run?.runId ?? '', revision: 1n };
  };
  // More often than maxAttempts: what is refused did not fail.
  const run = await client.submit({ capability: 'c' }, { runId: 'r' });
  expect(run.runId).toBe('r');
  expect(atMs).toHaveLength(9);
  expect(attempts.slice(0, 3)).toEqual(['1', '2', '3']);
  const pausesMs = atMs.slice(1).map((each, index) => each - (atMs[index] ?? 0));
  expect(Math.min(...pausesMs)).toBeGreaterThan(15);

  refusals = Number.POSITIVE_INFINITY;
  const stubborn = createClient({ address: server.address, retry: { maxRefusals: 2 } });
  const inHaste = createClient({ address: server.address, timeoutMs: 25 });
  const onlyOnce = createClient({ address: server.address, retry: { maxAttempts: 1 } });
  for (const [each, tries] of [
    [stubborn, 3],
    [onlyOnce, 1],
  ] as const) {
    atMs.length = 0;
    await expect(each.submit({ capability: 'c' })).rejects.toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      retryDelayMs: 20,
    });
    expect(atMs).toHaveLength(tries);
    each.close();
  }
  // The time of the call would be over before the pause is.
  await expect(inHaste.submit({ capability: 'c' })).rejects.toBeInstanceOf(TuttiError);
  inHaste.close();
});

test('what is refused without a time to come again is not asked again', async () => {
  let asked = 0;
  server.handlers.submitRun = () => {
    asked += 1;
    throw failure(status.RESOURCE_EXHAUSTED, 'LIMIT_REACHED', { metadata: { resource: 'message_bytes' } });
  };
  await expect(client.submit({ capability: 'c' })).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
  expect(asked).toBe(1);
});

test('closing fails what is in flight, what is waiting for another try, and what comes later', async () => {
  const asked = Promise.withResolvers<void>();
  server.handlers.getRun = () => {
    asked.resolve();
    return new Promise(() => {});
  };
  const refused = Promise.withResolvers<void>();
  server.handlers.getTask = () => {
    refused.resolve();
    throw failure(status.UNAVAILABLE, 'NOT_SERVING', { retryDelayMs: 900 });
  };
  server.handlers.waitRun = () => new Promise(() => {});
  const calls = [client.getRun('r'), client.getTask('r', 'k'), client.run('r').wait()];
  const ends = calls.map((call) => expect(call).rejects.toBeInstanceOf(ClientClosedError));
  await Promise.all([asked.promise, refused.promise]);
  client.close();
  await Promise.all(ends);
  await expect(client.getRun('r')).rejects.toBeInstanceOf(ClientClosedError);
});

test('A.8: asks for a graph in the format wanted, Mermaid if none is', async () => {
  server.handlers.getRunGraph = ({ namespace, runId, format }) => ({
    text: `${namespace} ${runId} ${format}`,
  });
  expect(await client.graph('r')).toBe(`ns r ${GraphFormat.MERMAID}`);
  expect(await client.graph('r', 'JSON')).toBe(`ns r ${GraphFormat.JSON}`);
  expect(await client.run('r').graph('DOT')).toBe(`ns r ${GraphFormat.DOT}`);
});

test('decodes a refusal with its reason, metadata and fields', async () => {
  server.handlers.submitRun = () => {
    throw failure(status.INVALID_ARGUMENT, 'DEPENDENCY_CYCLE', {
      metadata: { cycle: 'a -> b -> a' },
      violations: [['run.spec.tasks', 'has a cycle']],
    });
  };
  const error = await client.submit({ capability: 'x' }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(TuttiError);
  expect(error).toMatchObject({
    code: 'INVALID_ARGUMENT',
    reason: 'DEPENDENCY_CYCLE',
    message: 'scripted DEPENDENCY_CYCLE',
    metadata: { cycle: 'a -> b -> a' },
    fieldViolations: [{ field: 'run.spec.tasks', description: 'has a cycle' }],
  });
});

test('repeats what did not get through, with the same request id and not before it may', async () => {
  const ids: string[] = [];
  const timesMs: number[] = [];
  server.handlers.cancelRun = ({ requestId }) => {
    ids.push(requestId);
    timesMs.push(performance.now());
    if (ids.length < 3) throw failure(status.UNAVAILABLE, 'COMMIT_FAILED', { retryDelayMs: 40 });
    return { cancelledCount: 2, cancellingCount: 1 };
  };
  expect(await client.cancelRun('r')).toEqual({ cancelledCount: 2, cancellingCount: 1 });
  expect(new Set(ids).size).toBe(1);
  expect(ids[0]).not.toBe('');
  expect((timesMs[2] ?? 0) - (timesMs[0] ?? 0)).toBeGreaterThanOrEqual(75);
});

test('asks an orchestrator that is restarted for as long as the call may take', async () => {
  let calls = 0;
  server.handlers.getRun = ({ runId }) => {
    calls += 1;
    if (calls > 1 && calls < 20) throw failure(status.UNAVAILABLE, 'NOT_SERVING', { retryDelayMs: 1 });
    return { run: { runId } };
  };
  const hasty = createClient({ address: server.address, retry: { initialDelayMs: 1, maxDelayMs: 2 } });
  try {
    await hasty.getRun('r');
    expect(await hasty.getRun('r')).toMatchObject({ runId: 'r' });
    expect(calls).toBe(20);
    server.kill();
    const asked = hasty.getRun('r');
    setTimeout(() => void server.restart(), 50);
    expect(await asked).toMatchObject({ runId: 'r' });
  } finally {
    hasty.close();
  }
});

test('gives up on an address soon where no orchestrator ever answered', async () => {
  server.kill();
  const lost = createClient({
    address: server.address,
    timeoutMs: 3_600_000,
    retry: { initialDelayMs: 1, maxDelayMs: 2 },
  });
  try {
    await expect(lost.getRun('r')).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: '' });
  } finally {
    lost.close();
  }
});

test('gives up after maxAttempts, and repeats nothing that was refused', async () => {
  let calls = 0;
  client.close();
  client = createClient({ address: server.address, retry: { maxAttempts: 5, initialDelayMs: 5 } });
  server.handlers.getRun = () => {
    calls += 1;
    throw failure(status.UNAVAILABLE, 'NOT_SERVING');
  };
  await expect(client.getRun('r')).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: 'NOT_SERVING' });
  expect(calls).toBe(5);

  calls = 0;
  server.handlers.getRun = () => {
    calls += 1;
    throw failure(status.NOT_FOUND, 'RUN_NOT_FOUND');
  };
  await expect(client.getRun('r')).rejects.toMatchObject({ reason: 'RUN_NOT_FOUND' });
  expect(calls).toBe(1);
});

test('a call without an answer ends at its deadline, an aborted one at once', async () => {
  server.handlers.getRun = () => new Promise(() => {});
  await expect(client.getRun('r', { timeoutMs: 30 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  const signal = AbortSignal.abort();
  await expect(client.getRun('r', { signal })).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('an unreachable address is UNAVAILABLE', async () => {
  server.kill();
  await expect(client.getRun('r')).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: '' });
});

test('lists page after page, and stops fetching when nobody reads on', async () => {
  const tokens: string[] = [];
  server.handlers.listRuns = (request) => {
    tokens.push(request.pageToken);
    expect(request).toMatchObject({ states: [RunState.RUNNING], labels: { a: 'b' }, pageSize: 2 });
    const page = tokens.length;
    return {
      runs: [{ runId: `${page}a` }, { runId: `${page}b` }],
      nextPageToken: page < 3 ? `p${page}` : '',
    };
  };
  const options = { states: ['RUNNING'], labels: { a: 'b' }, pageSize: 2 } as const;
  const ids: string[] = [];
  for await (const run of client.listRuns(options)) ids.push(run.runId);
  expect(ids).toEqual(['1a', '1b', '2a', '2b', '3a', '3b']);
  expect(tokens).toEqual(['', 'p1', 'p2']);

  tokens.length = 0;
  for await (const run of client.listRuns(options)) if (run.runId === '1b') break;
  expect(tokens).toEqual(['']);
});

test('lists tasks in full and executors by capability', async () => {
  server.handlers.listTasks = (request) => {
    expect(request).toMatchObject({ runId: 'r', view: TaskView.FULL, states: [TaskState.FAILED] });
    return { tasks: [{ key: 'a' }] };
  };
  server.handlers.listExecutors = ({ capability }) => ({ executors: [{ executorId: `for-${capability}` }] });
  const tasks = await collect(client.listTasks('r', { full: true, states: ['FAILED'] }));
  expect(tasks.map((t) => t.key)).toEqual(['a']);
  const executors = await collect(client.listExecutors({ capability: 'echo' }));
  expect(executors.map((e) => e.executorId)).toEqual(['for-echo']);
});

test('submits many: each accepted or refused on its own', async () => {
  server.handlers.submitRuns = ({ runs }) => ({
    results: runs.map(({ runId }, index) =>
      index === 1
        ? {
            result: {
              case: 'error',
              value: create(StatusSchema, { code: status.ALREADY_EXISTS, message: 'taken' }),
            },
          }
        : { result: { case: 'submitted', value: { runId, revision: 3n } } },
    ),
  });
  const spec = { capability: 'echo' };
  const outcomes = await client.submitMany([
    { spec, runId: 'a' },
    { spec, runId: 'b' },
  ]);
  expect(outcomes).toMatchObject([
    { ok: true, run: { runId: 'a', revision: 3n } },
    { ok: false, error: { code: 'ALREADY_EXISTS', message: 'taken' } },
  ]);
});

test('gives the result of a completed task, and says why there is none', async () => {
  server.handlers.getTask = ({ taskKey }) => {
    if (taskKey === 'bad') {
      return { task: { key: taskKey, state: TaskState.FAILED, error: { code: 'NO', message: 'no' } } };
    }
    const result = toPayload({ sum: 3 });
    if (result === undefined) throw new Error('no payload');
    return { task: { key: taskKey, state: TaskState.COMPLETED, result } };
  };
  expect(await client.run('r').result('good')).toEqual({ sum: 3 });
  const error = await client
    .run('r')
    .result('bad')
    .catch((e: unknown) => e);
  expect(error).toBeInstanceOf(TaskNotCompletedError);
  expect(error).toMatchObject({ taskKey: 'bad', state: 'FAILED', errorCode: 'NO' });
});
