// Arbitrary specifications and events, for the property tests of wire/.

import fc from 'fast-check';
import { compileGraph } from '../domain/compile.ts';
import type { Change, RunEvent, TaskError, Usage } from '../domain/events.ts';
import type { Graph } from '../domain/graph.ts';
import { EMPTY_PAYLOAD, type Payload } from '../domain/payload.ts';
import { plainTask } from '../domain/plain-task.ts';
import {
  DEFAULT_CANCEL_GRACE_MS,
  DEFAULT_JOIN,
  DEFAULT_RETRY,
  type Join,
  NO_TIMEOUTS,
  PLAIN_RUN,
  type RunSpec,
  SELECT_ALL,
  type Selection,
  type TaskSpec,
} from '../domain/spec.ts';
import type { StateReason } from '../domain/states.ts';
import { createExpressionCompiler } from '../expressions/compiler.ts';
import { constructChanges, constructs, type Parts } from './construct-fixture.ts';
import { REASON_TO_WIRE } from './enums.ts';

const text = fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'grapheme', maxLength: 200 }));
const wellFormed = text.map((value) => value.toWellFormed());
const attempt = fc.integer({ min: 1, max: 1_000 });
const reason = fc.constantFrom(...(Object.keys(REASON_TO_WIRE) as StateReason[]));
const timeMs = fc.integer({ min: 0, max: 4_000_000_000_000 });
const milliseconds = fc.integer({ min: 0, max: 31_536_000_000 });

const contentType = fc.constantFrom('', 'application/json', 'image/png');
const inline: fc.Arbitrary<Payload> = fc.record({
  bytes: fc.uint8Array({ maxLength: 300 }).map((bytes) => new Uint8Array(bytes)),
  contentType,
});
const referred: fc.Arbitrary<Payload> = fc.record({
  bytes: fc.constant(EMPTY_PAYLOAD.bytes),
  contentType,
  ref: fc.record({
    sha256: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((hash) => Buffer.from(hash).toString('hex')),
    sizeBytes: fc.integer({ min: 1, max: 2 ** 40 }),
  }),
});
/** Inline, or stored apart. */
export const payload: fc.Arbitrary<Payload> = fc.oneof({ weight: 3, arbitrary: inline }, referred);
const taskError: fc.Arbitrary<TaskError> = fc.record({
  code: wellFormed,
  message: wellFormed,
  details: fc.option(payload, { nil: undefined }),
});
const usage: fc.Arbitrary<Usage | undefined> = fc.option(
  fc.dictionary(fc.stringMatching(/^[a-z]{1,10}$/), fc.double({ noNaN: true }), { minKeys: 1, maxKeys: 4 }),
  { nil: undefined },
);
const end = fc.constantFrom('FAILED', 'TIMED_OUT', 'LOST');
const expression = fc.oneof(fc.constant(''), wellFormed);
const selection: fc.Arbitrary<Selection> = fc.record({
  part: fc.oneof(
    fc.constant<Selection['part']>({ type: 'ALL' }),
    fc.constant<Selection['part']>({ type: 'NOTHING' }),
    fc.record({
      type: fc.constant('FIELDS' as const),
      names: fc.array(wellFormed, { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ type: fc.constant('LAST' as const), count: fc.integer({ min: 1, max: 0xffff_ffff }) }),
  ),
  maxBytes: fc.integer({ min: 0, max: 0xffff_ffff }),
  oversize: fc.constantFrom('REFUSE', 'CUT'),
});

const PARTS: Parts = { payload, text: wellFormed, error: taskError, usage, reason };

export const taskSpec: fc.Arbitrary<TaskSpec> = fc.record({
  key: fc.stringMatching(/^[A-Za-z0-9_]{1,20}$/),
  capability: fc.constantFrom('echo', 'image.resize'),
  input: fc.oneof(fc.constant(EMPTY_PAYLOAD), payload),
  dependencies: fc.array(
    fc.record({
      key: wellFormed,
      condition: fc.constantFrom('SUCCESS', 'FINISHED', 'FAILURE'),
      when: expression,
      alias: wellFormed,
      select: fc.oneof(fc.constant(SELECT_ALL), selection),
    }),
    {
      maxLength: 4,
    },
  ),
  join: fc.oneof(
    fc.constant(DEFAULT_JOIN),
    fc.constant<Join>({ mode: 'ANY' }),
    fc.record({ mode: fc.constant('AT_LEAST' as const), count: fc.integer({ min: 1, max: 10_000 }) }),
  ),
  onUnmet: fc.constantFrom('SKIP', 'FAIL'),
  parent: wellFormed,
  priority: fc.integer({ min: 0, max: 10 }),
  retry: fc.oneof(
    fc.constant(DEFAULT_RETRY),
    fc.record({
      maxAttempts: attempt,
      initialDelayMs: milliseconds,
      factor: fc.double({ min: 0.1, max: 100, noNaN: true }),
      maxDelayMs: milliseconds,
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
      nonRetryableCodes: fc.array(wellFormed, { maxLength: 3 }),
      maxLostAttempts: fc.integer({ min: 0, max: 1_000 }),
    }),
  ),
  timeouts: fc.oneof(
    fc.constant(NO_TIMEOUTS),
    fc.record({
      queueMs: fc.option(milliseconds, { nil: undefined }),
      attemptMs: fc.option(milliseconds, { nil: undefined }),
      wholeMs: fc.option(milliseconds, { nil: undefined }),
      heartbeatMs: fc.option(milliseconds, { nil: undefined }),
    }),
  ),
  allowFailure: fc.boolean(),
  cancelGraceMs: fc.oneof(fc.constant(DEFAULT_CANCEL_GRACE_MS), milliseconds),
  when: expression,
  inputExpression: expression,
  ...constructs(PARTS),
});

/** To name a manager is to ask for the mode: no specification has one without the other. */
export const runSpec: fc.Arbitrary<RunSpec> = fc
  .record<RunSpec>({
    name: wellFormed,
    labels: fc.dictionary(fc.stringMatching(/^[a-z]{1,10}$/), wellFormed, {
      maxKeys: 4,
      noNullPrototype: true,
    }),
    tasks: fc.array(taskSpec, { minLength: 1, maxLength: 5 }),
    failurePolicy: fc.constantFrom('CONTINUE', 'CANCEL'),
    timeoutMs: fc.option(milliseconds, { nil: undefined }),
    input: fc.oneof(fc.constant(EMPTY_PAYLOAD), payload),
    output: expression,
    outputTask: wellFormed,
    workflow: fc.option(
      fc.record({ name: fc.constantFrom('report', 'a.b'), version: fc.integer({ min: 1, max: 1_000 }) }),
      { nil: undefined },
    ),
    mode: fc.constantFrom('GRAPH', 'SEQUENTIAL', 'MANAGED'),
    maxParallel: fc.integer({ min: 0, max: 100_000 }),
    manager: fc.option(
      fc.record({
        key: fc.constant('lead'),
        capability: fc.constant('crew.lead'),
        maxRounds: fc.integer({ min: 1, max: 10_000 }),
        timeouts: fc.constant(NO_TIMEOUTS),
      }),
      { nil: undefined },
    ),
    startAtMs: fc.option(timeMs, { nil: undefined }),
    startDelayMs: fc.integer({ min: 0, max: 100_000 }),
    childSpecs: fc.constant({}),
    inputSchema: fc.constantFrom('', '{"type":"string"}'),
  })
  .map((spec) => (spec.manager !== undefined && spec.mode === 'GRAPH' ? { ...spec, mode: 'MANAGED' } : spec));

/** A run whose keys take every way through the encoder of texts: short, long, not ASCII. */
export const GRAPH: Graph = graphOf(['a', 'x'.repeat(150), `${'long/'.repeat(9)}key`]);

function graphOf(keys: readonly string[]): Graph {
  const tasks = keys.map((key) => plainTask(key, 'echo'));
  const labels = { team: 'blue', b: 'ü' };
  const compiled = compileGraph(
    {
      name: 'run',
      labels,
      tasks,
      failurePolicy: 'CONTINUE',
      timeoutMs: undefined,
      ...PLAIN_RUN,
    },
    createExpressionCompiler(),
  );
  if (!compiled.ok) throw new Error(compiled.rejection.message);
  return compiled.value;
}

const task = fc.integer({ min: 0, max: 2 });

export const RUN_ID = '01997f5c-8d2e-7b3a-9c41-5d6e7f8a9b0c';
export const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

export const change: fc.Arbitrary<Change> = fc.oneof(
  fc.constant<Change>({ type: 'RunSubmitted', runId: RUN_ID, graph: GRAPH, traceparent: TRACEPARENT }),
  fc.record({ type: fc.constant('RunCancelling' as const), reason, message: wellFormed }),
  fc.record({
    type: fc.constant('RunCompleted' as const),
    output: fc.option(payload, { nil: undefined }),
  }),
  fc.record({
    type: fc.constant('RunFailed' as const),
    reason,
    failedTask: fc.option(task, { nil: undefined }),
    message: wellFormed,
  }),
  fc.record({ type: fc.constant('RunCancelled' as const), reason }),
  fc.record({
    type: fc.constant('RunCancelled' as const),
    reason,
    message: wellFormed.filter((text) => text !== ''),
  }),
  fc.record({
    type: fc.constant('TaskReady' as const),
    task,
    input: fc.option(payload, { nil: undefined }),
  }),
  fc.record({
    type: fc.constant('TaskStarted' as const),
    task,
    attempt,
    executorId: wellFormed,
    leaseToken: wellFormed,
  }),
  fc.record({
    type: fc.constant('TaskProgressed' as const),
    task,
    attempt,
    progress: fc.option(fc.record({ percent: fc.double({ noNaN: true }), message: wellFormed }), {
      nil: undefined,
    }),
    checkpoint: fc.option(payload, { nil: undefined }),
  }),
  fc.record({ type: fc.constant('TaskCancelling' as const), task, reason, graceMs: milliseconds }),
  fc.record({
    type: fc.constant('TaskRetrying' as const),
    task,
    attempt,
    end,
    error: taskError,
    retryAtMs: timeMs,
    usage,
  }),
  fc.record({ type: fc.constant('TaskCompleted' as const), task, attempt, result: payload, usage }),
  fc.record({
    type: fc.constant('TaskFailed' as const),
    task,
    reason,
    ended: fc.option(fc.record({ attempt, end }), { nil: undefined }),
    error: fc.option(taskError, { nil: undefined }),
    usage,
  }),
  fc.record({
    type: fc.constant('TaskCancelled' as const),
    task,
    reason,
    attempt: fc.option(attempt, { nil: undefined }),
    partialResult: fc.option(payload, { nil: undefined }),
    usage,
  }),
  fc.record({
    type: fc.constant('TaskSkipped' as const),
    task,
    reason,
    upstream: fc.option(task, { nil: undefined }),
  }),
  fc.record({ type: fc.constant('TaskRouted' as const), task, upstream: task, met: fc.boolean() }),
  constructChanges(PARTS, task, GRAPH.spec.tasks.slice(1)),
);

export const runEvent: fc.Arbitrary<RunEvent> = fc.record({
  revision: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  atMs: timeMs,
  change,
});
