// What do executors get that break the rules? (Issue 2, "What bad input gets"; promise 4.) Over NATS,
// against the real process: an answer with the reason, which names the field; no state changed; and the
// honest executors go on.

import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { ErrorReason } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import {
  type Assignment,
  RegisterRequestSchema,
  type ReportSchema,
  ReportStatus,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { ExecutorService } from '@tutti/proto/tutti/v1/executor_service_pb.ts';
import { OrchestratorService, TaskView } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { TaskState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connectPeer, type NatsPeer, REQUESTS, type RequestName } from '../support/nats-peer.ts';
import { createRpc, type Rpc } from '../support/rpc.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { readStored } from '../support/stored.ts';

const { submitRun, waitRun, getTask, listTasks, cancelTask } = OrchestratorService.method;
const { listExecutors } = ExecutorService.method;

let stack: Stack;
let rpc: Rpc;
let peer: NatsPeer;
type Honest = 'anna' | 'bob';
/** By the executor's id. */
const sessions: Record<Honest, string> = { anna: '', bob: '' };
/** Leases: of anna's task, of bob's, and one of anna's that was withdrawn. */
const tokens = { anna: '', bob: '', stale: '' };
let before: unknown;
const assigned: Partial<Record<Honest, AsyncIterator<Assignment>>> = {};

beforeAll(async () => {
  // Nobody loses a lease by silence while the tests last.
  stack = await startStack({ executors: 0, orchestratorArgs: ['--lease-duration-ms', '600000'] });
  rpc = createRpc(stack.addresses.grpc);
  peer = await connectPeer(stack.addresses.nats);
  assigned.anna = peer.assignments('anna.work', 'anna');
  assigned.bob = peer.assignments('bob.work', 'bob');
  for (const executorId of ['anna', 'bob'] as const) {
    const capabilities = [{ name: `${executorId}.work` }];
    const { result } = await peer.request('register', { executorId, slots: 4, capabilities });
    if (result.case !== 'registration') throw new Error(`refused: ${result.value?.message}`);
    sessions[executorId] = result.value.session;
  }
  const withdrawn = { key: 'task', capability: 'anna.work', cancelGrace: { seconds: 0n } };
  await rpc.call(submitRun, { run: { runId: 'withdrawn', spec: { tasks: [withdrawn] } } });
  tokens.stale = await tokenFor('anna');
  await rpc.call(cancelTask, { runId: 'withdrawn', taskKey: 'task' });
  expect((await rpc.call(waitRun, { runId: 'withdrawn' })).run?.state).toBe(RunState.CANCELLED);
  const tasks = ['anna', 'bob'].map((name) => ({ key: `of-${name}`, capability: `${name}.work` }));
  await rpc.call(submitRun, { run: { runId: 'held', spec: { tasks } } });
  tokens.anna = await tokenFor('anna');
  tokens.bob = await tokenFor('bob');
  before = await readState();
});
afterAll(async () => {
  await peer?.[Symbol.asyncDispose]();
  rpc?.close();
  await stack?.stop();
});
afterEach(async () => {
  expect(await readState()).toEqual(before);
});

/** The lease of the next attempt that is assigned to it. */
async function tokenFor(executorId: Honest): Promise<string> {
  const next = await assigned[executorId]?.next();
  return next?.value?.leaseToken ?? '';
}

/** All that a refused message must leave as it was; when an executor was last heard of is not part of it. */
async function readState() {
  const [stored, { tasks }, { executors }] = await Promise.all([
    readStored(stack),
    rpc.call(listTasks, { runId: 'held', view: TaskView.FULL }),
    rpc.call(listExecutors, {}),
  ]);
  const alike = executors.map(({ heartbeatTime: _, ...executor }) => executor);
  return { pid: stack.orchestrator.pid, stored, tasks, executors: alike };
}

type Refusing = { readonly result: { readonly case: string | undefined; readonly value?: unknown } };

function expectError({ result }: Refusing, reason: ErrorReason, ...named: readonly string[]): void {
  expect(result).toMatchObject({ case: 'error', value: { reason } });
  const { message } = result.value as { message: string };
  for (const part of named) expect(message).toContain(part);
}

const { INVALID_FIELD, MALFORMED_MESSAGE, UNKNOWN_SESSION } = ErrorReason;
const requests = Object.keys(REQUESTS) as RequestName[];

describe.each(requests)('%s', (name) => {
  test.each([
    ['no protobuf at all', Buffer.from('not protobuf')],
    ['a length beyond the end', Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x07)],
    ['a field number of zero', Uint8Array.of(0x00, 0x01)],
    ['text that is not UTF-8', Uint8Array.of(0x0a, 0x02, 0xc3, 0x28)],
  ])('with bytes that are %s', async (_what, bytes) => {
    expectError(await peer.requestRaw(name, bytes), MALFORMED_MESSAGE, REQUESTS[name].input.typeName);
  });

  test('with nothing in it', async () => {
    expectError(await peer.requestRaw(name, new Uint8Array()), INVALID_FIELD, 'executor_id');
  });

  test.each(['UPPER', 'a_b', '-a', 'a-', '*', 'ä', 'a'.repeat(64)])(
    'for the namespace %j, which breaks the rules',
    async (namespace) => {
      const bytes = toBinary(RegisterRequestSchema, create(RegisterRequestSchema, honest));
      expectError(await peer.requestRaw(name, bytes, namespace), INVALID_FIELD, namespace);
    },
  );
});

const honest = { executorId: 'carl', slots: 1, capabilities: [{ name: 'carl.work' }] };
const badIds = ['', '*', '>', 'a b', 'a.b', 'a\nb', 'a\u0000b', 'ä', 'a'.repeat(65)];
const badCapabilities = ['', '*', '>', 'a.*', 'a.>', 'a b', 'a..b', 'A', 'a\n', 'a\u0000', 'a'.repeat(129)];

test.each<[string, MessageInitShape<typeof RegisterRequestSchema>, string]>([
  ['no slots', { slots: 0 }, 'slots'],
  ['100,001 slots', { slots: 100_001 }, 'slots'],
  ['no capabilities', { capabilities: [] }, 'capabilities'],
  [
    'a capability twice',
    { capabilities: [{ name: 'a' }, { name: 'b' }, { name: 'a' }] },
    'capabilities[2].name',
  ],
  [
    '33 labels',
    { labels: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`l${n}`, ''])) },
    'labels',
  ],
  ['a held token of 65 characters', { held: ['a'.repeat(65)] }, 'held[0]'],
  ...badIds.map((executorId): [string, { executorId: string }, string] => [
    `the id ${JSON.stringify(executorId)}`,
    { executorId },
    'executor_id',
  ]),
  ...badCapabilities.map((name): [string, { capabilities: { name: string }[] }, string] => [
    `the capability ${JSON.stringify(name)}`,
    { capabilities: [{ name }] },
    'capabilities[0].name',
  ]),
])('a registration with %s', async (_what, wrong, field) => {
  const message = { ...honest, ...wrong } as MessageInitShape<typeof RegisterRequestSchema>;
  expectError(await peer.request('register', message), INVALID_FIELD, field);
});

type Report = MessageInitShape<typeof ReportSchema>;
const completed: Report['outcome'] = { case: 'completed', value: {} };
const error = { code: 'OOPS' };

function reportOf(report: Report, executorId: Honest = 'anna') {
  return peer.request('report', { executorId, session: sessions[executorId], reports: [report] });
}

test.each<[string, () => Report, ReportStatus]>([
  ['a forged token', () => ({ leaseToken: 'forged' }), ReportStatus.UNKNOWN],
  ['a token like a subject', () => ({ leaseToken: '*.>' }), ReportStatus.UNKNOWN],
  [
    'a true token, changed in its last place',
    () => ({ leaseToken: `${tokens.anna.slice(0, -1)}~` }),
    ReportStatus.UNKNOWN,
  ],
  ['the token of a lease that was withdrawn', () => ({ leaseToken: tokens.stale }), ReportStatus.STALE],
  ['the token of a task of another executor', () => ({ leaseToken: tokens.bob }), ReportStatus.STALE],
])('a report with %s changes nothing', async (_what, report, status) => {
  const { result } = await reportOf({ outcome: completed, ...report() });
  expect(result).toMatchObject({ case: 'acks', value: { statuses: [status] } });
});

test.each<[string, () => Report, string]>([
  ['no token', () => ({ leaseToken: '', outcome: completed }), 'reports[0].lease_token'],
  ['no outcome', () => ({ leaseToken: tokens.anna }), 'reports[0]'],
  [
    'a failure without an error',
    () => ({ leaseToken: tokens.anna, outcome: { case: 'failed', value: {} } }),
    'reports[0].failed.error',
  ],
  [
    'an error without a code',
    () => ({ leaseToken: tokens.anna, outcome: { case: 'failed', value: { error: { code: '' } } } }),
    'reports[0].failed.error.code',
  ],
  [
    'a negative time to try again',
    () => ({
      leaseToken: tokens.anna,
      outcome: { case: 'failed', value: { error, retryAfter: { seconds: -1n } } },
    }),
    'reports[0].failed.retry_after',
  ],
  [
    'a content type with a line break',
    () => ({
      leaseToken: tokens.anna,
      outcome: { case: 'completed', value: { result: { contentType: 'a/b\r\nx: y' } } },
    }),
    'reports[0].completed.result.content_type',
  ],
])('a report with %s is refused', async (_what, report, field) => {
  expectError(await reportOf(report()), INVALID_FIELD, field);
});

test.each<[string, () => { executorId: string; session?: string }]>([
  ['an unknown session', () => ({ executorId: 'anna', session: 'unknown' })],
  ['no session', () => ({ executorId: 'anna' })],
  ['the session of another executor', () => ({ executorId: 'anna', session: sessions.bob })],
  ['an executor nobody knows', () => ({ executorId: 'nobody', session: sessions.anna })],
])('a report and a heartbeat with %s are refused', async (_what, who) => {
  const reports = [{ leaseToken: tokens.anna, outcome: completed }];
  expectError(await peer.request('report', { ...who(), reports }), UNKNOWN_SESSION, 'register');
  expectError(await peer.request('heartbeat', who()), UNKNOWN_SESSION, 'register');
});

test.each([
  ['101 percent', { percent: 101 }],
  ['percent below zero', { percent: -1 }],
  ['percent that is no number', { percent: Number.NaN }],
  ['a message of 1,025 characters', { message: 'a'.repeat(1_025) }],
])('a heartbeat with a progress of %s is refused', async (_what, progress) => {
  const attempts = [{ leaseToken: tokens.anna, progress }];
  const heartbeat = { executorId: 'anna', session: sessions.anna, attempts };
  expectError(await peer.request('heartbeat', heartbeat), INVALID_FIELD, 'attempts[0].progress');
});

test('a heartbeat that names the lease of another is told to drop it, and says nothing for it', async () => {
  const attempts = [
    { leaseToken: tokens.anna },
    { leaseToken: tokens.bob, progress: { percent: 99 } },
    { leaseToken: 'forged', progress: { percent: 99 } },
    { leaseToken: tokens.stale },
  ];
  const { result } = await peer.request('heartbeat', {
    executorId: 'anna',
    session: sessions.anna,
    attempts,
  });
  expect(result).toMatchObject({
    case: 'ack',
    value: { dropped: [tokens.bob, 'forged', tokens.stale], missing: [] },
  });
});

test('a registration cannot take over what another executor holds', async () => {
  const held = [tokens.anna, 'forged', tokens.stale];
  const { result } = await peer.request('register', { ...honest, held });
  expect(result).toMatchObject({ case: 'registration', value: { kept: [] } });
  const session = result.case === 'registration' ? result.value.session : '';
  const left = await peer.request('heartbeat', { executorId: honest.executorId, session, phase: 3 });
  expect(left.result.case).toBe('ack');
});

describe('after all of this', () => {
  test('the honest executors finish the run, and a repeated report changes nothing', async () => {
    for (const executorId of ['anna', 'bob'] as const) {
      for (let time = 0; time < 2; time += 1) {
        const { result } = await reportOf({ leaseToken: tokens[executorId], outcome: completed }, executorId);
        expect(result).toMatchObject({ case: 'acks', value: { statuses: [ReportStatus.RECORDED] } });
      }
    }
    const { run } = await rpc.call(waitRun, { runId: 'held' });
    expect(run).toMatchObject({ state: RunState.COMPLETED, tasks: { completed: 2 } });
    before = await readState();
  });

  test('a result over the limit fails its attempt and says so', async () => {
    await rpc.call(submitRun, {
      run: { runId: 'large', spec: { tasks: [{ key: 'task', capability: 'anna.work' }] } },
    });
    const leaseToken = await tokenFor('anna');
    const data = { case: 'bytes' as const, value: new Uint8Array(262_145) };
    const { result } = await reportOf({
      leaseToken,
      outcome: { case: 'completed', value: { result: { data } } },
    });
    expect(result).toMatchObject({ case: 'acks', value: { statuses: [ReportStatus.RECORDED] } });
    const { task } = await rpc.call(getTask, { runId: 'large', taskKey: 'task' });
    expect(task).toMatchObject({
      state: TaskState.FAILED,
      error: { code: 'PAYLOAD_TOO_LARGE', message: expect.stringContaining('262144') },
    });
    expect(task?.result).toBeUndefined();
    before = await readState();
  });
});
