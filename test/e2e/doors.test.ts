// Can anyone get in who was given nothing but the address? (Issue 2, items 6 and "Shows it is done":
// a generic gRPC client by reflection and curl each submit and watch a run.)

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { Client, credentials } from '@grpc/grpc-js';
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from '@tutti/proto/grpc/health/v1/health_pb.ts';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { curl, postJson } from '../support/curl.ts';
import { envelope, openEnvelopes } from '../support/envelopes.ts';
import { connectByReflection, type Json } from '../support/reflected-client.ts';
import { type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ executors: 1 });
});
afterAll(() => stack?.stop());

/** Two tasks, one after the other; the second one's result is structured. */
const tasks = [
  { key: 'first', capability: 'echo', input: { value: { n: 1 } } },
  {
    key: 'second',
    capability: 'echo',
    input: { value: { words: ['a', 'b'], nested: { ok: true, none: null } } },
    dependencies: [{ key: 'first' }],
  },
];
/** What a watcher of it sees, from the first event to the last. */
const story = [
  'run_submitted',
  'first task_started',
  'first task_completed',
  'second task_ready',
  'second task_started',
  'second task_completed',
  'run_completed',
];

const methodUrl = (method: string) => `${stack.addresses.http}/tutti.v1.OrchestratorService/${method}`;

test('a generic client learns the contract by reflection, submits a run and watches it to the end', async () => {
  using client = await connectByReflection(stack.addresses.grpc);
  expect(client.serviceNames).toEqual(
    expect.arrayContaining([
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'tutti.v1.ExecutorService',
      'tutti.v1.OrchestratorService',
    ]),
  );
  const service = await client.service('tutti.v1.OrchestratorService');
  expect(service.methods).toEqual(OrchestratorService.methods.map(({ name }) => name));

  const bytes = { bytes: Buffer.from('{"n":1}') };
  const submitted = await service.call('SubmitRun', {
    run: {
      run_id: 'by-reflection',
      spec: {
        name: 'generic',
        tasks: [
          { key: 'first', capability: 'echo', input: bytes },
          { key: 'second', capability: 'echo', input: bytes, dependencies: [{ key: 'first' }] },
        ],
      },
    },
  });
  expect(submitted).toEqual({
    run_id: 'by-reflection',
    revision: expect.any(String),
    existed: false,
    finished: false,
    run: null,
  });

  const before = String(Number(submitted.revision) - 1);
  const events: Json[] = [];
  for await (const answer of service.stream('Watch', { run_id: 'by-reflection', after_revision: before })) {
    events.push(...(answer.events as Json[]));
  }
  const kinds = story.map((line) => line.split(' ').at(-1) ?? '');
  expect(events.map((event) => kinds.find((kind) => event[kind] != null))).toEqual(kinds);
  const revisions = events.map(({ revision }) => Number(revision));
  expect(revisions).toEqual(revisions.map((_, index) => Number(submitted.revision) + index));
  expect((await service.call('GetRun', { run_id: 'by-reflection' })).run).toMatchObject({
    name: 'generic',
    state: 'RUN_STATE_COMPLETED',
    last_revision: String(revisions.at(-1)),
  });
  await expect(service.call('GetRun', { run_id: 'none' })).rejects.toMatchObject({ code: 5 });
});

test('reflection answers for files by name, and refuses what it does not serve', async () => {
  using client = await connectByReflection(stack.addresses.grpc);
  await expect(client.service('tutti.v1.NoSuchService')).rejects.toThrow(/has no symbol/);
});

test('curl submits a run in JSON, waits for it, and reads a result as structured JSON', async () => {
  const submitted = await postJson(methodUrl('SubmitRun'), { run: { runId: 'by-curl', spec: { tasks } } });
  expect(submitted).toMatchObject({ status: 200, contentType: 'application/json' });
  expect(submitted.json()).toMatchObject({ runId: 'by-curl', revision: expect.stringMatching(/^\d+$/) });

  const waited = await postJson(methodUrl('WaitRun'), { runId: 'by-curl', timeout: '60s' });
  expect(waited.json()).toMatchObject({
    finished: true,
    run: { runId: 'by-curl', state: 'RUN_STATE_COMPLETED', tasks: { completed: 2 } },
  });

  const task = { runId: 'by-curl', taskKey: 'second' };
  const structured = await postJson(methodUrl('GetTask'), { ...task, payloadForm: 'PAYLOAD_FORM_VALUE' });
  expect(structured.json()).toMatchObject({
    task: { state: 'TASK_STATE_COMPLETED', result: { value: tasks[1]?.input.value } },
  });
  const plain = (await postJson(methodUrl('GetTask'), task)).json() as {
    task: { result: { bytes: string } };
  };
  expect(JSON.parse(Buffer.from(plain.task.result.bytes, 'base64').toString())).toEqual(
    tasks[1]?.input.value,
  );
});

test('curl watches a run to the end as a stream of JSON messages', async () => {
  await postJson(methodUrl('SubmitRun'), { run: { runId: 'curl-watch', spec: { tasks } } });
  // Curl returns when the server ends the stream: after the run's last event.
  const answer = await curl(methodUrl('Watch'), {
    body: envelope({ runId: 'curl-watch', afterRevision: '0' }),
    headers: { 'content-type': 'application/connect+json', 'connect-protocol-version': '1' },
  });
  expect(answer).toMatchObject({ status: 200, contentType: 'application/connect+json' });
  const { messages, end } = openEnvelopes(answer.body);
  const events = (messages as { events?: Record<string, unknown>[] }[]).flatMap(({ events = [] }) => events);
  expect(events.map(describe)).toEqual(story);
  expect(end).toEqual({});
});

test('curl is told what is wrong with a call, in JSON with reason and field', async () => {
  const answer = await postJson(methodUrl('GetRun'), { runId: 'a b' });
  expect(answer).toMatchObject({ status: 400, contentType: 'application/json' });
  expect(answer.json()).toMatchObject({
    code: 'invalid_argument',
    details: expect.arrayContaining([
      expect.objectContaining({ type: 'google.rpc.ErrorInfo' }),
      expect.objectContaining({ type: 'google.rpc.BadRequest' }),
    ]),
  });
  expect((await postJson(methodUrl('NoSuchMethod'), {})).status).toBe(404);
});

test.each([
  ['gRPC-Web over HTTP/1.1', (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })],
  ['gRPC-Web over HTTP/2', (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: '2' })],
  ['Connect over HTTP/1.1', (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: '1.1' })],
  ['Connect over HTTP/2', (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: '2' })],
  ['gRPC on the HTTP port', (baseUrl: string) => createGrpcTransport({ baseUrl })],
])('%s: a run is submitted and watched to the end', async (name, createTransport) => {
  const client = createClient(OrchestratorService, createTransport(stack.addresses.http));
  const runId = name.replace(/[^A-Za-z0-9]/g, '-');
  const input = { data: { case: 'bytes' as const, value: new TextEncoder().encode('{"n":1}') } };
  await client.submitRun({
    run: { runId, spec: { tasks: [{ key: 'only', capability: 'echo', input }] } },
  });
  const changes: (string | undefined)[] = [];
  for await (const { events } of client.watch({ runId })) changes.push(...events.map((e) => e.change.case));
  expect(changes).toEqual(['runSubmitted', 'taskStarted', 'taskCompleted', 'runCompleted']);
  expect((await client.getRun({ runId })).run?.state).toBe(RunState.COMPLETED);
});

test('grpc.health.v1 says that the server and each of its services serve', async () => {
  expect(await checkHealth('')).toBe(Status.SERVING);
  expect(await checkHealth('tutti.v1.OrchestratorService')).toBe(Status.SERVING);
  await expect(checkHealth('no.such.Service')).rejects.toMatchObject({ code: 5 });
});

test('the HTTP port answers probes and shows metrics', async () => {
  for (const probe of ['/healthz', '/readyz']) {
    expect((await curl(`${stack.addresses.http}${probe}`)).status, probe).toBe(200);
  }
  const metrics = await curl(`${stack.addresses.http}/metrics`);
  expect(metrics).toMatchObject({ status: 200, contentType: expect.stringMatching(/^text\/plain/) });
  expect(metrics.body.toString()).toMatch(/^tutti_executors\{namespace="default"\} 1$/m);
  const nowhere = await curl(`${stack.addresses.http}/nowhere`);
  expect(nowhere.status).toBe(404);
  expect(nowhere.json()).toMatchObject({ message: expect.stringContaining('/nowhere') });
});

/** `task kind`, or `kind` for what is about the run, in the words of the proto. */
function describe(event: Record<string, unknown>): string {
  const kind = Object.keys(event).find(
    (name) => /^(run|task)[A-Z]/.test(name) && !/^(runId|taskKey)$/.test(name),
  );
  const words = (kind ?? '').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return [event.taskKey, words].filter(Boolean).join(' ');
}

async function checkHealth(service: string): Promise<Status> {
  const client = new Client(stack.addresses.grpc, credentials.createInsecure());
  try {
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        `/${Health.typeName}/Check`,
        (bytes: Uint8Array) => Buffer.from(bytes),
        (bytes) => fromBinary(HealthCheckResponseSchema, bytes),
        toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service })),
        (error, answer) => (answer === undefined ? reject(error) : resolve(answer.status)),
      );
    });
  } finally {
    client.close();
  }
}
