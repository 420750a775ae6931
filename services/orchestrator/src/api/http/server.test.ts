// The HTTP door, seen by fetch (as curl would), by Connect, by gRPC-Web and by gRPC over HTTP/2.

import { connect } from 'node:net';
import { type CallOptions, Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { BadRequestSchema, ErrorInfoSchema } from '@tutti/proto/google/rpc/error_pb.ts';
import {
  Health,
  HealthCheckResponse_ServingStatus as HealthStatus,
} from '@tutti/proto/grpc/health/v1/health_pb.ts';
import { ExecutorService } from '@tutti/proto/tutti/v1/executor_service_pb.ts';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { describe, expect, test } from 'vitest';
import { startWorker } from '../../runtime/orchestrator-fixture.ts';
import { grpcClient, openDoors, postJson, refusalOfJson } from '../doors-fixture.ts';

const spec = (...keys: string[]) => ({ tasks: keys.map((key) => ({ key, capability: 'work' })) });

describe('plain JSON', () => {
  test('submits a run with structured input, and reads it in the form asked for', async () => {
    const { http, runtime } = await openDoors();
    const worker = await startWorker(runtime);
    const input = { value: { a: [1, 'zwei', null] } };
    const run = { runId: 'r', spec: { tasks: [{ key: 'x', capability: 'work', input }] } };
    const submitted = await postJson(http, 'SubmitRun', { run });
    expect(submitted).toEqual({ status: 200, body: { runId: 'r', revision: '1' } });
    await worker.complete(1);
    const waited = await postJson(http, 'WaitRun', { runId: 'r', timeout: '50s' });
    expect(waited.body).toMatchObject({
      finished: true,
      run: { state: 'RUN_STATE_COMPLETED', tasks: { completed: 1 } },
    });
    const bytes = await postJson(http, 'GetTask', { runId: 'r', taskKey: 'x' });
    const text = Buffer.from('{"a":[1,"zwei",null]}').toString('base64');
    expect(bytes.body).toMatchObject({ task: { spec: { input: { bytes: text } } } });
    const value = await postJson(http, 'GetTask', {
      runId: 'r',
      taskKey: 'x',
      payloadForm: 'PAYLOAD_FORM_VALUE',
    });
    expect(value.body).toMatchObject({ task: { spec: { input } } });
  });

  test('tells errors with reason, domain and fields', async () => {
    const { http } = await openDoors();
    const missing = await postJson(http, 'GetRun', { runId: 'nope' });
    expect(missing.status).toBe(404);
    expect(refusalOfJson(missing.body)).toMatchObject({
      code: 'not_found',
      reason: 'RUN_NOT_FOUND',
      domain: 'tutti.v1',
      metadata: { run_id: 'nope' },
    });
    const invalid = await postJson(http, 'SubmitRun', {
      run: { spec: { tasks: [{ key: 'a b', capability: 'w' }] } },
    });
    expect(invalid.status).toBe(400);
    expect(refusalOfJson(invalid.body)).toMatchObject({
      reason: 'INVALID_FIELD',
      fields: ['run.spec.tasks[0].key'],
    });
  });

  test.each([
    ['an unknown field', { runn: {} }, 'runn'],
    ['a value of the wrong kind', { namespace: 7 }, 'namespace'],
    ['an unknown enum value', { run: { runIdConflict: 'MAYBE', spec: spec('x') } }, 'MAYBE'],
    ['what is not JSON', '{"run":', 'JSON'],
    ['JSON that nests without end', `{"run":{"spec":{"tasks":[{"input":{"value":${'['.repeat(100_000)}`, ''],
  ])('refuses %s with a reason', async (_what, body, named) => {
    const { http } = await openDoors();
    const { status, body: answer } = await postJson(http, 'SubmitRun', body);
    expect(status).toBe(400);
    const refusal = refusalOfJson(answer);
    expect(refusal).toMatchObject({ code: 'invalid_argument', reason: 'MALFORMED_MESSAGE' });
    expect(refusal.message).toContain(named);
    expect((await postJson(http, 'ListRuns', {})).body).toEqual({});
  });

  test('refuses 17 MiB with a reason', async () => {
    const { http } = await openDoors();
    const body = JSON.stringify({ run: { runId: 'x'.repeat(17 * 1024 * 1024) } });
    const { status, body: answer } = await postJson(http, 'SubmitRun', body);
    expect(status).toBe(429);
    expect(refusalOfJson(answer)).toMatchObject({ reason: 'LIMIT_REACHED', metadata: { limit: '16777216' } });
  });

  test('refuses bytes that are no message with a reason', async () => {
    const { http } = await openDoors();
    const response = await fetch(`${http}/tutti.v1.OrchestratorService/SubmitRun`, {
      method: 'POST',
      headers: { 'content-type': 'application/proto' },
      body: new Uint8Array([0x1a, 0xff, 0xff, 0xff, 0x0f, 0x01]),
    });
    expect(response.status).toBe(400);
    expect(refusalOfJson(await response.json())).toMatchObject({ reason: 'MALFORMED_MESSAGE' });
  });

  test('carries the trace of its call on', async () => {
    const { http, spans } = await openDoors();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await postJson(http, 'SubmitRun', { run: { runId: 'r', spec: spec('x') } }, { traceparent });
    expect(spans[0]).toEqual({ name: 'SubmitRun', traceparent });
    const { body } = await postJson(http, 'GetRun', { runId: 'r' });
    expect(body).toMatchObject({ run: { traceId: traceparent.slice(3, 35) } });
  });
});

type MakeTransport = (baseUrl: string) => Transport;
const transports: [string, MakeTransport][] = [
  ['Connect over HTTP/1.1', (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '1.1' })],
  [
    'Connect in JSON',
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: false }),
  ],
  ['Connect over HTTP/2', (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '2' })],
  ['gRPC-Web', (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })],
  ['gRPC over HTTP/2', (baseUrl) => createGrpcTransport({ baseUrl })],
];

describe.each(transports)('%s', (_name, makeTransport) => {
  test('submits, watches and lists', async () => {
    const { http, runtime } = await openDoors();
    const worker = await startWorker(runtime);
    const transport = makeTransport(http);
    const client = createClient(OrchestratorService, transport);
    await client.submitRun({ run: { runId: 'r', spec: spec('x', 'y') } });
    const watching = all(client.watch({ runId: 'r' }));
    await worker.complete(2);
    const events = (await watching).flatMap((response) => response.events);
    expect(events.map((event) => event.change.case)).toEqual([
      'runSubmitted',
      'taskStarted',
      'taskStarted',
      'taskCompleted',
      'taskCompleted',
      'runCompleted',
    ]);
    const { tasks } = await client.listTasks({ runId: 'r' });
    expect(tasks.map((task) => task.key)).toEqual(['x', 'y']);
    const { executors } = await createClient(ExecutorService, transport).listExecutors({
      capability: 'work',
    });
    expect(executors.map((executor) => executor.executorId)).toEqual(['e']);
  });

  test('tells errors with their details', async () => {
    const { http } = await openDoors();
    const client = createClient(OrchestratorService, makeTransport(http));
    const error = await failure(client.submitRun({ namespace: 'Not A Namespace', run: { spec: spec('x') } }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([
      { reason: 'INVALID_FIELD', domain: 'tutti.v1' },
    ]);
    expect(error.findDetails(BadRequestSchema)).toMatchObject([
      { fieldViolations: [{ field: 'namespace' }] },
    ]);
    const missing = await failure(all(client.watch({ runId: 'nope' })));
    expect(missing.code).toBe(Code.NotFound);
    expect(missing.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: 'RUN_NOT_FOUND' }]);
  });

  test('ends a watch when the client goes, and its own when the door closes', async () => {
    const { http, runtime, close } = await openDoors();
    const client = createClient(OrchestratorService, makeTransport(http));
    await client.submitRun({ run: { runId: 'r', spec: spec('x') } });
    const leaving = new AbortController();
    const options: CallOptions = { signal: leaving.signal };
    const left = failure(
      (async () => {
        for await (const _ of client.watch({ runId: 'r' }, options)) leaving.abort();
      })(),
    );
    expect((await left).code).toBe(Code.Canceled);
    await expect.poll(() => runtime.orchestrator.watcherCount()).toBe(0);
    const staying = failure(
      (async () => {
        for await (const _ of client.watch({ runId: 'r' })) void close(10_000);
      })(),
    );
    const error = await staying;
    expect(error.code).toBe(Code.Unavailable);
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: 'NOT_SERVING' }]);
    await close(10_000);
  });
});

test('a call whose client went in the middle of the answer is not waited for', async () => {
  const { http, quiet } = await openDoors();
  const leaving = new AbortController();
  const message = Buffer.from(JSON.stringify({ afterRevision: '9007199254740991' }));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.byteLength, 1);
  const response = await fetch(`${http}/tutti.v1.OrchestratorService/Watch`, {
    method: 'POST',
    headers: { 'content-type': 'application/connect+json' },
    body: Buffer.concat([head, message]),
    signal: leaving.signal,
  });
  // It is refused, and the client has heard enough before the end.
  for await (const _ of response.body ?? []) break;
  leaving.abort();
  await quiet(new AbortController().signal);
});

describe('beside the services', () => {
  test('/readyz says 503 from a commit that failed to one that succeeds', async () => {
    const { http, grpc, runtime } = await openDoors();
    const submit = (namespace: string) =>
      postJson(http, 'SubmitRun', { namespace, run: { spec: { tasks: [{ key: 'a', capability: 'c' }] } } });
    const health = () => grpcClient(grpc, Health).call('Check', {}) as unknown as Promise<{ status: number }>;
    expect((await submit('well')).status).toBe(200);
    runtime.gate = async ({ namespace }) => (namespace === 'ill' ? 'FAIL' : 'COMMIT');
    expect((await submit('ill')).status).toBe(503);
    expect((await submit('well')).status).toBe(200);
    const notReady = await get(`${http}/readyz`);
    expect(notReady.status).toBe(503);
    expect(notReady.body).toMatch(/^the latest commit failed of namespace ill; the log .* says why/);
    expect(await get(`${http}/healthz`)).toMatchObject({ status: 200 });
    // Clients that ask for it would otherwise never send the call that shows the recovery.
    expect(await health()).toMatchObject({ status: HealthStatus.SERVING });
    // A load alone proves nothing yet.
    await expect.poll(() => runtime.orchestrator.gauges().length).toBe(2);
    expect(await get(`${http}/readyz`)).toMatchObject({ status: 503 });
    runtime.gate = async () => 'COMMIT';
    expect((await submit('ill')).status).toBe(200);
    expect(await get(`${http}/readyz`)).toMatchObject({ status: 200, body: 'ok\n' });
  });

  test('there are probes and metrics', async () => {
    const metrics = async () => ({ contentType: 'text/plain; version=0.0.4', body: 'tutti_up 1\n' });
    const { http, runtime } = await openDoors({ http: { metrics } });
    expect(await get(`${http}/healthz`)).toMatchObject({ status: 200, body: 'ok\n' });
    expect(await get(`${http}/readyz`)).toMatchObject({ status: 200, body: 'ok\n' });
    expect(await get(`${http}/metrics`)).toMatchObject({ status: 200, body: 'tutti_up 1\n' });
    await runtime.orchestrator.stop();
    expect(await get(`${http}/healthz`)).toMatchObject({ status: 200 });
    expect(await get(`${http}/readyz`)).toMatchObject({ status: 503 });
    const refused = await fetch(`${http}/tutti.v1.OrchestratorService/ListRuns`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect(refusalOfJson(await refused.json())).toMatchObject({ reason: 'NOT_SERVING', retryDelayMs: 1_000 });
  });

  test('metrics that fail are a 500, and the cause is in the log alone', async () => {
    const metrics = async () => Promise.reject(new Error('SECRET'));
    const { http, logged } = await openDoors({ http: { metrics } });
    const answer = await get(`${http}/metrics`);
    expect(answer.status).toBe(500);
    expect(answer.body).not.toContain('SECRET');
    expect(logged).toMatchObject([{ err: { message: 'SECRET' } }]);
  });

  test.each(['/', '/nope', '/tutti.v1.OrchestratorService/Nope', '/metrics'])(
    '%s is nothing, and says so',
    async (path) => {
      const { http } = await openDoors();
      const answer = await get(`${http}${path}`);
      expect(answer.status).toBe(404);
      expect(JSON.parse(answer.body)).toMatchObject({
        code: 'unimplemented',
        message: expect.stringContaining(path),
      });
    },
  );

  test('web pages of other origins may call only if they are listed', async () => {
    const origin = 'https://app.example.com';
    const preflight = async (http: string, from: string) =>
      fetch(`${http}/tutti.v1.OrchestratorService/GetRun`, {
        method: 'OPTIONS',
        headers: { origin: from, 'access-control-request-method': 'POST' },
      });
    const closed = await openDoors();
    expect((await preflight(closed.http, origin)).headers.get('access-control-allow-origin')).toBeNull();
    const open = await openDoors({ http: { corsOrigins: [origin] } });
    const allowed = await preflight(open.http, origin);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(origin);
    expect(allowed.headers.get('access-control-allow-headers')).toContain('Connect-Protocol-Version');
    const other = await preflight(open.http, 'https://evil.example.com');
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
    const called = await fetch(`${open.http}/healthz`, { headers: { origin } });
    expect(called.headers.get('access-control-allow-origin')).toBe(origin);
    expect(called.headers.get('vary')).toBe('Origin');
  });

  test('a connection that begins with one byte is served all the same', async () => {
    const { http } = await openDoors();
    const socket = connect(Number(new URL(http).port), '127.0.0.1');
    const answered = new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
    socket.write('G', () =>
      setImmediate(() => socket.write('ET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n')),
    );
    expect(await answered).toMatch(/^HTTP\/1\.1 200 OK/);
    socket.destroy();
  });
});

async function get(url: string): Promise<{ status: number; body: string }> {
  const response = await fetch(url);
  return { status: response.status, body: await response.text() };
}

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  const outcome = await call.catch((error: unknown) => error);
  if (outcome instanceof ConnectError) return outcome;
  throw new Error('the call was expected to fail with a ConnectError', { cause: outcome });
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
