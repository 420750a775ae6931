// What does bad input get? (Issue 2, "What bad input gets"; BEHAVIOURS A.2.) Against the real process,
// through both doors: an error with reason and field, nothing stored, nothing crashed. What executors
// can do wrong is in bad-input-executors.test.ts.

import { type DescMethod, fromJson, type JsonObject, type JsonValue, toBinary } from '@bufbuild/protobuf';
import { ExecutorService } from '@tutti/proto/tutti/v1/executor_service_pb.ts';
import {
  OrchestratorService,
  SubmitRunRequestSchema,
  SubmitRunsResponseSchema,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { postJson } from '../support/curl.ts';
import { type Door, type Outcome, openGrpcDoor, openHttpDoor } from '../support/door.ts';
import { envelope } from '../support/envelopes.ts';
import { DETAIL_TYPES, refusalOfGrpcWeb, refusalOfJson } from '../support/refusal.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { readStored, type Stored } from '../support/stored.ts';

const { submitRun, submitRuns, getRun, waitRun, listRuns, getTask, listTasks, cancelRun, cancelTask, watch } =
  OrchestratorService.method;
const { listExecutors } = ExecutorService.method;

type Expected = Partial<Record<'code' | 'reason' | 'message' | 'metadata' | 'fields', unknown>>;

interface Case {
  readonly what: string;
  readonly method: DescMethod;
  readonly request: JsonValue;
  readonly expected: Expected;
}

let stack: Stack;
let pid: number;
const doors: { grpc?: Door; http?: Door } = {};
let before: Stored;

beforeAll(async () => {
  // Nobody takes work, so nothing moves by itself while the tests look.
  stack = await startStack({ executors: 0 });
  pid = stack.orchestrator.pid;
  doors.grpc = openGrpcDoor(stack.addresses.grpc);
  doors.http = openHttpDoor(stack.addresses.http);
  // The very requests that each mistake below is made in are accepted without it.
  for (const [door, runId] of [
    [doors.grpc, 'by-grpc'],
    [doors.http, 'by-http'],
  ] as const) {
    const request = {
      ...submission(tasksOf({}, { dependencies: [{ key: 'a' }] }), { runId }),
      requestId: runId,
    };
    expect(await door.call(submitRun, request)).toEqual({ ok: true });
    expect(await door.call(watch, { runId })).toEqual({ ok: true });
  }
  before = await readStored(stack);
  expect(before).toMatchObject({ latestRevision: '2', submitted: [expect.stringMatching(/ 2$/)] });
});
afterAll(async () => {
  doors.grpc?.close();
  await stack?.stop();
});
afterEach(async () => {
  expect(await readStored(stack)).toEqual(before);
  expect(stack.orchestrator.pid).toBe(pid);
});

async function refusedBy(door: keyof typeof doors, method: DescMethod, request: JsonValue | Uint8Array) {
  const outcome = (await doors[door]?.call(method, request)) as Outcome;
  if (outcome.ok) throw new Error(`${method.name} was accepted`);
  return outcome;
}

function tasksOf(...more: readonly JsonObject[]): JsonObject[] {
  return more.map((task, index) => ({ key: 'abcdefgh'[index] ?? '', capability: 'echo', ...task }));
}

function submission(tasks: JsonValue, run: JsonObject = {}, spec: JsonObject = {}): JsonObject {
  return { run: { ...run, spec: { tasks, ...spec } } };
}

function nested(levels: number): JsonValue {
  let value: JsonValue = [];
  for (let level = 1; level < levels; level += 1) value = [value];
  return value;
}

function invalidField(...fields: readonly string[]): Expected {
  return { reason: 'INVALID_FIELD', fields: expect.arrayContaining([...fields]) };
}

const task = 'run.spec.tasks';
const dependsOn = (...keys: readonly string[]): JsonObject => ({
  dependencies: keys.map((key) => ({ key })),
});
const submitting = (what: string, request: JsonObject, expected: Expected): Case => ({
  what,
  method: submitRun,
  request,
  expected,
});
const inTask = (what: string, wrong: JsonObject, expected: Expected) =>
  submitting(what, submission(tasksOf(wrong)), expected);

const ringOf = (size: number): JsonObject[] =>
  Array.from({ length: size }, (_, index) => ({
    key: `t${index}`,
    capability: 'echo',
    ...dependsOn(`t${(index + 1) % size}`),
  }));

const graphs: readonly Case[] = [
  submitting('no tasks', submission([]), invalidField(task)),
  submitting('no specification', { run: {} }, invalidField('run.spec')),
  submitting('no run', {}, invalidField('run')),
  submitting('an unknown key', submission(tasksOf({}, dependsOn('a', 'x'))), {
    reason: 'UNKNOWN_DEPENDENCY',
    fields: [`${task}[1].dependencies[1].key`],
    metadata: { key: 'b', dependency: 'x' },
  }),
  submitting('an expression with an unknown variable', submission(tasksOf({ when: 'secret == 1' })), {
    reason: 'INVALID_EXPRESSION',
    fields: [`${task}[0].when`],
    metadata: { cause: expect.stringContaining('unknown variable secret') },
  }),
  inTask(
    'an expression that does not parse',
    { inputExpression: 'input.' },
    {
      reason: 'INVALID_EXPRESSION',
      fields: [`${task}[0].input_expression`],
    },
  ),
  inTask('an expression too long', { when: `"${'x'.repeat(4_095)}" == ""` }, invalidField(`${task}[0].when`)),
  inTask(
    'an input and a computed one',
    { input: { value: 1 }, inputExpression: 'input' },
    invalidField(`${task}[0].input_expression`),
  ),
  submitting(
    'one alias for two dependencies',
    submission(
      tasksOf(
        {},
        {},
        {
          dependencies: [
            { key: 'a', alias: 'x' },
            { key: 'b', alias: 'x' },
          ],
        },
      ),
    ),
    invalidField(`${task}[2].dependencies[1].alias`),
  ),
  submitting(
    'an alias that no key could be',
    submission(tasksOf({}, { dependencies: [{ key: 'a', alias: 'x y' }] })),
    invalidField(`${task}[1].dependencies[0].alias`),
  ),
  submitting(
    'an output of no task',
    submission(tasksOf({}), {}, { outputTask: 'x' }),
    invalidField('run.spec.output_task'),
  ),
  submitting('a key twice', submission(tasksOf({}, {}, { key: 'a' })), {
    reason: 'DUPLICATE_KEY',
    fields: [`${task}[2].key`],
    metadata: { key: 'a' },
  }),
  submitting('a dependency on itself', submission(tasksOf({}, dependsOn('b'))), {
    reason: 'SELF_DEPENDENCY',
    fields: [`${task}[1].dependencies[0].key`],
    metadata: { key: 'b' },
  }),
  submitting(
    'a circle, named in full',
    submission(tasksOf({}, dependsOn('a', 'd'), dependsOn('b'), dependsOn('c'), dependsOn('d'))),
    {
      reason: 'DEPENDENCY_CYCLE',
      metadata: { cycle: 'b -> d -> c -> b' },
      fields: [`${task}[1].dependencies[1].key`],
    },
  ),
  submitting('a circle of 100, named in full', submission(ringOf(100)), {
    reason: 'DEPENDENCY_CYCLE',
    metadata: { cycle: [...Array.from({ length: 100 }, (_, index) => `t${index}`), 't0'].join(' -> ') },
  }),
  submitting(
    'edges that contradict each other',
    submission(
      tasksOf({}, { dependencies: [{ key: 'a' }, { key: 'a', condition: 'DEPENDENCY_CONDITION_FAILURE' }] }),
    ),
    {
      reason: 'CONTRADICTING_DEPENDENCIES',
      fields: [`${task}[1].dependencies[1].condition`],
      metadata: { key: 'b', dependency: 'a' },
    },
  ),
  submitting('an unknown parent', submission(tasksOf({}, { parent: 'x' })), {
    reason: 'UNKNOWN_PARENT',
    fields: [`${task}[1].parent`],
    metadata: { key: 'b', parent: 'x' },
  }),
  submitting('parents in a circle', submission(tasksOf({ parent: 'b' }, { parent: 'a' })), {
    reason: 'PARENT_CYCLE',
    fields: [`${task}[0].parent`],
    metadata: { cycle: 'a -> b -> a' },
  }),
  submitting(
    'a join on more than there is',
    submission(tasksOf({}, { ...dependsOn('a'), join: { mode: 'JOIN_MODE_AT_LEAST', count: 2 } })),
    { reason: 'INVALID_JOIN', fields: [`${task}[1].join.count`] },
  ),
];

const tooMany = Array.from({ length: 100_001 }, (_, index) => ({ key: `t${index}`, capability: 'echo' }));
const half = { spec: { tasks: tooMany.slice(0, 50_001) } };
const mebibytes = (count: number) => Buffer.alloc(count * 1024 * 1024, 'a').toString('base64');

const sizes: readonly Case[] = [
  submitting('100,001 tasks', submission(tooMany), invalidField(task)),
  {
    what: '100,001 tasks in many runs',
    method: submitRuns,
    request: { runs: [half, { spec: { tasks: tooMany.slice(50_001) } }, { spec: { tasks: tasksOf({}) } }] },
    expected: invalidField('runs'),
  },
  inTask(
    'a payload of one byte over the limit',
    { input: { bytes: Buffer.alloc(262_145).toString('base64') } },
    {
      reason: 'PAYLOAD_TOO_LARGE',
      fields: [`${task}[0].input`],
      metadata: { size_bytes: '262145', limit_bytes: '262144' },
    },
  ),
  inTask(
    'a structured payload over the limit',
    { input: { value: 'a'.repeat(262_143) } },
    { reason: 'PAYLOAD_TOO_LARGE', fields: [`${task}[0].input`] },
  ),
  inTask(
    'a message of 17 MiB',
    { input: { bytes: mebibytes(17) } },
    {
      code: 'RESOURCE_EXHAUSTED',
      reason: 'LIMIT_REACHED',
      metadata: { resource: 'message_bytes', limit: String(16 * 1024 * 1024) },
    },
  ),
  inTask(
    'a structured payload that is no JSON',
    { input: { value: 1, contentType: 'text/plain' } },
    invalidField(`${task}[0].input.value`),
  ),
];

const numbers: readonly Case[] = [
  submitting(
    'a run timeout',
    submission(tasksOf({}), {}, { timeout: '-1s' }),
    invalidField('run.spec.timeout'),
  ),
  inTask('a grace', { cancelGrace: '-0.001s' }, invalidField(`${task}[0].cancel_grace`)),
  inTask('a first delay', { retry: { initialDelay: '-1s' } }, invalidField(`${task}[0].retry.initial_delay`)),
  inTask('a cap of delays', { retry: { maxDelay: '-1s' } }, invalidField(`${task}[0].retry.max_delay`)),
  ...['queue', 'attempt', 'whole', 'heartbeat'].map((name) =>
    inTask(
      `a timeout (${name})`,
      { timeouts: { [name]: '-5s' } },
      invalidField(`${task}[0].timeouts.${name}`),
    ),
  ),
  inTask('a priority', { priority: -1 }, invalidField(`${task}[0].priority`)),
  inTask('a factor that is no number', { retry: { factor: 'NaN' } }, invalidField(`${task}[0].retry.factor`)),
  inTask('a factor', { retry: { factor: -2 } }, invalidField(`${task}[0].retry.factor`)),
  {
    what: 'a wait',
    method: waitRun,
    request: { runId: 'by-grpc', timeout: '-1s' },
    expected: invalidField('timeout'),
  },
  { what: 'a page', method: listRuns, request: { pageSize: -1 }, expected: invalidField('page_size') },
];

// Each could change the meaning of a NATS subject, of a path, or of a line of a log.
const badIds = ['*', '>', 'a b', 'a.b', 'a\nb', 'a\u0000b', 'a\u007fb', 'ä', '../a', 'a'.repeat(65)];
/** Ids of child runs may be longer than those that a client chooses. */
const knownBadIds = [...badIds.slice(0, -1), 'a'.repeat(129)];
const badKeys = ['', '*', '>', 'a b', 'a>b', 'a\nb', 'a\u0000b', '-a', 'ä', 'a'.repeat(201)];
const badCapabilities = [
  '',
  '*',
  '>',
  'a.*',
  'a.>',
  'a b',
  'a..b',
  '.a',
  'a.',
  'A',
  'a\n',
  'a\u0000',
  'a'.repeat(129),
];
const badNamespaces = ['*', '>', 'a b', 'a.b', 'UPPER', '-a', 'a-', 'a_b', 'a\n', 'a\u0000b', 'a'.repeat(64)];
const shown = (value: string) => JSON.stringify(value.length > 20 ? `${value.length} characters` : value);

const names: readonly Case[] = [
  ...badIds.flatMap((runId) => [
    submitting(`the run id ${shown(runId)}`, submission(tasksOf({}), { runId }), invalidField('run.run_id')),
  ]),
  ...knownBadIds.flatMap((runId) =>
    [getRun, waitRun, listTasks, cancelRun, watch].map((method) => ({
      what: `the run id ${shown(runId)} for ${method.name}`,
      method,
      request: { runId },
      expected: invalidField('run_id'),
    })),
  ),
  ...badIds.map((requestId) =>
    submitting(
      `the request id ${shown(requestId)}`,
      { ...submission(tasksOf({})), requestId },
      invalidField('request_id'),
    ),
  ),
  ...badKeys.map((key) => inTask(`the task key ${shown(key)}`, { key }, invalidField(`${task}[0].key`))),
  ...badCapabilities.map((capability) =>
    inTask(`the capability ${shown(capability)}`, { capability }, invalidField(`${task}[0].capability`)),
  ),
  ...badNamespaces.flatMap((namespace) => [
    submitting(
      `the namespace ${shown(namespace)}`,
      { ...submission(tasksOf({})), namespace },
      invalidField('namespace'),
    ),
    ...[listRuns, listExecutors, watch].map((method) => ({
      what: `the namespace ${shown(namespace)} for ${method.name}`,
      method,
      request: { namespace },
      expected: invalidField('namespace'),
    })),
  ]),
];

const meanings: readonly Case[] = [
  submitting('an id that is taken', submission(tasksOf({}), { runId: 'by-grpc' }), {
    code: 'ALREADY_EXISTS',
    reason: 'RUN_ALREADY_EXISTS',
    fields: ['run.run_id'],
    metadata: { run_id: 'by-grpc' },
  }),
  submitting(
    'a request id of another request',
    { ...submission(tasksOf({}, {}), { runId: 'other' }), requestId: 'by-grpc' },
    { reason: 'REQUEST_ID_REUSED', metadata: { request_id: 'by-grpc' } },
  ),
  inTask('an unknown value of an enum', { onUnmet: 99 }, invalidField(`${task}[0].on_unmet`)),
  {
    what: 'a run that is not there',
    method: cancelRun,
    request: { runId: 'none' },
    expected: { code: 'NOT_FOUND', reason: 'RUN_NOT_FOUND', fields: ['run_id'] },
  },
  {
    what: 'a task that is not there',
    method: cancelTask,
    request: { runId: 'by-grpc', taskKey: '*' },
    expected: { code: 'NOT_FOUND', reason: 'TASK_NOT_FOUND', fields: ['task_key'] },
  },
  {
    what: 'a task of no name',
    method: getTask,
    request: { runId: 'by-grpc' },
    expected: invalidField('task_key'),
  },
  {
    what: 'a page token of nobody',
    method: listRuns,
    request: { pageToken: 'bm9uc2Vuc2U' },
    expected: { reason: 'INVALID_PAGE_TOKEN', fields: ['page_token'] },
  },
  {
    what: 'a revision in the future',
    method: watch,
    request: { afterRevision: '18446744073709551615' },
    expected: { code: 'OUT_OF_RANGE', reason: 'REVISION_IN_FUTURE', fields: ['after_revision'] },
  },
];

describe.each([['grpc'], ['http']] as const)('through %s', (door) => {
  describe.each([
    ['a graph with', graphs],
    ['of a size beyond the limits:', sizes],
    ['negative:', numbers],
    ['a name that breaks the rules:', names],
    ['that means nothing:', meanings],
  ])('%s', (_title, cases) => {
    test.each(cases)('$what', async ({ method, request, expected }) => {
      const refusal = await refusedBy(door, method, request);
      expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT', domain: 'tutti.v1', ...expected });
      expect(refusal.message.length).toBeGreaterThan(10);
    });
  });

  const whole = toBinary(SubmitRunRequestSchema, fromJson(SubmitRunRequestSchema, submission(tasksOf({}))));
  test.each([
    ['no protobuf at all', Buffer.from('not protobuf')],
    ['a message cut short', whole.subarray(0, -3)],
    ['a length beyond the end', Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x07)],
    ['a field number of zero', Uint8Array.of(0x00, 0x01)],
    ['text that is not UTF-8', Uint8Array.of(0x0a, 0x02, 0xc3, 0x28)],
  ])('bytes: %s', async (_what, bytes) => {
    expect(await refusedBy(door, submitRun, bytes)).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'MALFORMED_MESSAGE',
      message: expect.stringContaining('tutti.v1.SubmitRunRequest'),
    });
  });
});

test.each([
  ['an unknown field', submission(tasksOf({ capabilty: 'echo' })), 'capabilty', ['capabilty']],
  // Fetch takes answers compressed, and long ones are.
  [
    'an unknown field of 5,000 characters',
    { ['x'.repeat(5_000)]: 1 },
    'x'.repeat(1_000),
    [`${'x'.repeat(299)}…`],
  ],
  ['an unknown field at the top', { ...submission(tasksOf({})), request: 'x' }, 'request', ['request']],
  ['a value of the wrong type', submission(tasksOf({ priority: 'high' })), '"high"', ['priority']],
  ['an unknown name of an enum', submission(tasksOf({ onUnmet: 'WHATEVER' })), 'WHATEVER', []],
  ['a duration that is none', submission(tasksOf({}), {}, { timeout: 'soon' }), '"soon"', []],
  ['a field twice', submission(tasksOf({}), { runId: 'a', run_id: 'b' }), 'run_id', ['run_id']],
  ['a payload a thousand levels deep', submission(tasksOf({ input: { value: nested(1_000) } })), 'depth', []],
])('JSON with %s is refused by name', async (_what, request, named, fields) => {
  const refusal = await refusedBy('http', submitRun, request);
  expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'MALFORMED_MESSAGE', fields });
  expect(refusal.message).toContain('tutti.v1.SubmitRunRequest');
  expect(refusal.message).toContain(named);
});

test('JSON with an unknown field is refused where the answer is a stream, too', async () => {
  expect(await refusedBy('http', watch, { runid: 'by-http' })).toMatchObject({
    code: 'INVALID_ARGUMENT',
    reason: 'MALFORMED_MESSAGE',
    message: expect.stringContaining('tutti.v1.WatchRequest'),
    fields: ['runid'],
  });
});

const tooLarge = { code: 'RESOURCE_EXHAUSTED', reason: 'LIMIT_REACHED' };
const unreadable = { code: 'INVALID_ARGUMENT', reason: 'MALFORMED_MESSAGE' };

test.each([
  ['no protobuf at all', Buffer.from('not protobuf'), unreadable],
  ['17 MiB', Buffer.alloc(17 * 1024 * 1024, 10), tooLarge],
])('gRPC and gRPC-Web on the HTTP port with a message of %s', async (_what, bytes, expected) => {
  const door = openGrpcDoor(new URL(stack.addresses.http).host);
  try {
    expect(await door.call(submitRun, bytes)).toMatchObject(expected);
    expect(await door.call(watch, bytes)).toMatchObject(expected);
  } finally {
    door.close();
  }
  for (const { parent, name } of [submitRun, watch]) {
    const answer = await fetch(`${stack.addresses.http}/${parent.typeName}/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/grpc-web+proto' },
      body: new Uint8Array(envelope(bytes)),
    });
    expect(refusalOfGrpcWeb(Buffer.from(await answer.arrayBuffer()))).toMatchObject(expected);
  }
});

test('a message of 40 MiB is refused before it is read', async () => {
  const refusal = await refusedBy('grpc', submitRun, new Uint8Array(40 * 1024 * 1024));
  expect(refusal).toMatchObject(tooLarge);
});

test.each([
  ['no JSON', '{"run":', 'application/json'],
  ['a list', '[]', 'application/json'],
  ['an empty body', '', 'application/json'],
])('HTTP with %s is refused', async (_what, body, contentType) => {
  const answer = await fetch(`${stack.addresses.http}/${OrchestratorService.typeName}/SubmitRun`, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body,
  });
  expect(answer.status).toBe(400);
  const refusal = refusalOfJson(await answer.json());
  expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'MALFORMED_MESSAGE' });
});

test('of many runs in one call, bad ones are refused each with its reason', async () => {
  const answer = await postJson(`${stack.addresses.http}/${OrchestratorService.typeName}/SubmitRuns`, {
    runs: [
      { spec: { tasks: tasksOf(dependsOn('a')) } },
      { runId: 'by-http', spec: { tasks: tasksOf({}) } },
      { spec: { tasks: tasksOf(dependsOn('b'), dependsOn('a')) } },
    ],
  });
  const { results } = fromJson(SubmitRunsResponseSchema, answer.json() as JsonValue, {
    registry: DETAIL_TYPES,
  });
  expect(results.map(({ result }) => result.case === 'error' && result.value.message)).toEqual([
    expect.stringContaining('itself'),
    expect.stringContaining('by-http'),
    expect.stringContaining('a -> b -> a'),
  ]);
});

test('a process that is started anew on the same data has nothing more of it either', async () => {
  await stack.orchestrator.kill();
  await stack.restartOrchestrator();
  pid = stack.orchestrator.pid;
  const { runs, latestRevision } = await readStored(stack);
  expect({ runs, latestRevision }).toEqual({ runs: before.runs, latestRevision: before.latestRevision });
  before = { ...before, submitted: [] };
});
