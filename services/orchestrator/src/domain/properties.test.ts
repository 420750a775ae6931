// Promises 2 and 5, and A.6: what holds for every graph, whatever executors, timers and people do.
//
// The checks below are written from the words of the contract and share no rule with the code.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { apply, submitRun } from './apply.ts';
import type { RunCommand } from './commands.ts';
import { nextDueAtMs, runDeadlineMs } from './due.ts';
import type { Change, RunEvent } from './events.ts';
import { evolve } from './evolve.ts';
import type { Edge } from './graph.ts';
import { type RunSubmittedEvent, startRun } from './initial.ts';
import { specOf, taskOf } from './lookup.ts';
import type { DependencyCondition, Join, RunSpec, TaskSpec } from './spec.ts';
import type { RunState } from './state.ts';
import type { RunPhase, TaskState } from './states.ts';
import { describeChange, type EdgeSketch, graphOf, payload, spec, task } from './test-support.ts';

const FINAL: readonly string[] = ['COMPLETED', 'FAILED', 'CANCELLED', 'SKIPPED'];

const TASK_MOVES: Readonly<Record<TaskState, readonly TaskState[]>> = {
  WAITING: ['WAITING', 'READY', 'SKIPPED', 'FAILED', 'CANCELLED'],
  READY: ['READY', 'RUNNING', 'FAILED', 'CANCELLED'],
  RUNNING: ['RUNNING', 'RETRYING', 'COMPLETED', 'FAILED', 'CANCELLED'],
  RETRYING: ['RETRYING', 'READY', 'FAILED', 'CANCELLED'],
  COMPLETED: ['COMPLETED'],
  FAILED: ['FAILED'],
  CANCELLED: ['CANCELLED'],
  SKIPPED: ['SKIPPED'],
};

const RUN_MOVES: Readonly<Record<RunPhase, readonly RunPhase[]>> = {
  RUNNING: ['RUNNING', 'CANCELLING', 'COMPENSATING', 'COMPLETED', 'FAILED', 'CANCELLED'],
  CANCELLING: ['CANCELLING', 'COMPENSATING', 'FAILED', 'CANCELLED'],
  COMPENSATING: ['COMPENSATING', 'FAILED', 'CANCELLED'],
  COMPLETED: [],
  FAILED: [],
  CANCELLED: [],
};

const EVERY_CHANGE = [
  'RunCancelled CANCEL_REQUESTED',
  'RunCancelled TASK_CANCELLED',
  'RunCancelling CANCEL_REQUESTED',
  'RunCancelling RUN_TIMEOUT',
  'RunCancelling TASK_FAILED',
  'RunCompleted',
  'RunFailed EXPRESSION_FAILED',
  'RunFailed RUN_TIMEOUT',
  'RunFailed TASK_FAILED',
  'RunSubmitted',
  'TaskCancelled CANCEL_REQUESTED',
  'TaskCancelled RUN_ENDING',
  'TaskCancelling CANCEL_REQUESTED',
  'TaskCancelling RUN_ENDING',
  'TaskCompleted',
  'TaskFailed ASSIGNMENT_TOO_LARGE',
  'TaskFailed ATTEMPTS_EXHAUSTED',
  'TaskFailed DEPENDENCY_FAILED',
  'TaskFailed ERROR_NOT_RETRYABLE',
  'TaskFailed EXECUTORS_LOST',
  'TaskFailed EXPRESSION_FAILED',
  'TaskFailed QUEUE_TIMEOUT',
  'TaskFailed TASK_TIMEOUT',
  'TaskProgressed',
  'TaskReady',
  'TaskRetrying',
  'TaskRouted',
  'TaskSkipped CONDITION_FALSE',
  'TaskSkipped NOT_ROUTED',
  'TaskSkipped UPSTREAM_CANCELLED',
  'TaskSkipped UPSTREAM_COMPLETED',
  'TaskSkipped UPSTREAM_FAILED',
  'TaskSkipped UPSTREAM_SKIPPED',
  'TaskStarted',
];

test('every run ends, and keeps every promise on the way', () => {
  fc.assert(
    fc.property(runSpecs(), choiceLists(), (runSpec, choices) => {
      const graph = graphOf(runSpec);
      const submitted = submitRun('run-1', graph, '', 0, 1);
      const witness = createWitness(submitted.run, submitted.events);
      playOut(submitted.run, choices, witness);
      checkEnd(submitted.run);
      expect(replay(witness.events)).toEqual(submitted.run);
    }),
    { numRuns: 400 },
  );
});

test('that says something: such runs reach every change with every reason', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(runSpecs(), choiceLists(), (runSpec, choices) => {
      const { run, events } = submitRun('run-1', graphOf(runSpec), '', 0, 1);
      const witness = createWitness(run, events);
      playOut(run, choices, witness);
      for (const { change } of witness.events) seen.add(nameOf(change));
    }),
    { numRuns: 400, seed: 7 },
  );

  expect([...seen].sort()).toEqual(EVERY_CHANGE);
});

/** Sends commands, sensible and senseless ones, until the run is final. */
function playOut(run: RunState, choices: readonly number[], witness: Witness): void {
  let nowMs = 0;
  const send = (command: RunCommand): void => {
    const result = apply(run, command, nowMs, run.lastRevision + 1);
    if (result.ok) witness.see(result.value);
    else expect(result.rejection.code).toBe('ALREADY_FINAL');
  };
  for (const choice of choices) {
    if (isOver(run)) return;
    const index = (choice >>> 4) % run.tasks.length;
    if ((choice & 15) === 15) nowMs = Math.max(nowMs, nextMomentMs(run) ?? nowMs);
    for (const command of commandsFor(run, choice & 15, index)) send(command);
  }
  // The choices are used up: from here everybody does what they should. The bound is generous: each
  // of 10 tasks makes at most 3 attempts that count and 3 that do not.
  for (let round = 0; round < 200 && !isOver(run); round++) {
    for (let index = 0; index < run.tasks.length; index++) {
      send({ type: 'StartAttempt', task: index, executorId: 'e', leaseToken: `l${run.lastRevision}` });
      send({ type: 'CompleteAttempt', task: index, result: payload('ok'), usage: undefined });
    }
    nowMs = Math.max(nowMs, nextMomentMs(run) ?? nowMs);
    for (let index = 0; index < run.tasks.length; index++) for (const command of timers(index)) send(command);
  }
  expect(isOver(run), `over at the end: ${JSON.stringify(run.counts)}`).toBe(true);
}

function commandsFor(run: RunState, kind: number, index: number): readonly RunCommand[] {
  const error = { code: kind === 6 ? 'FATAL' : 'BROKEN', message: '', details: undefined };
  const usage = { tokens: index };
  const leaseToken = `l${run.lastRevision}`;
  switch (kind) {
    case 0:
    case 1:
    case 2:
      return [{ type: 'StartAttempt', task: index, executorId: 'e', leaseToken }];
    case 3:
      return run.tasks.map(
        (_, each) => ({ type: 'StartAttempt', task: each, executorId: 'e', leaseToken }) as const,
      );
    case 4:
      return [{ type: 'CompleteAttempt', task: index, result: payload('ok'), usage }];
    case 5:
    case 6:
      return [{ type: 'FailAttempt', task: index, error, final: false, retryAfterMs: undefined, usage }];
    case 7:
      return [{ type: 'FailAttempt', task: index, error, final: true, retryAfterMs: 3, usage }];
    case 8:
      return [{ type: 'LoseAttempt', task: index, code: 'EXECUTOR_LOST', message: '' }];
    case 9:
      return [{ type: 'EndCancelledAttempt', task: index, partialResult: payload('half'), usage }];
    case 10:
      return [{ type: 'RecordProgress', task: index, progress: undefined, checkpoint: payload('here') }];
    case 11:
      return [{ type: 'RefuseAssignment', task: index, upstream: undefined, sizeBytes: 2, limitBytes: 1 }];
    case 12:
      return [{ type: 'CancelTask', task: index, subtree: index % 2 === 0 }];
    case 13:
      return index === 0 ? [{ type: 'CancelRun', message: '' }] : [];
    default:
      return run.tasks.flatMap((_, each) => timers(each));
  }
}

/** Every timer there is, due or not. */
function timers(index: number): readonly RunCommand[] {
  return [
    { type: 'RetryTask', task: index },
    { type: 'ExpireAttempt', task: index },
    { type: 'ExpireSilentAttempt', task: index, deafMs: 0 },
    { type: 'ExpireGrace', task: index },
    { type: 'ExpireQueue', task: index },
    { type: 'ExpireTask', task: index },
    { type: 'ExpireRun' },
  ];
}

function nextMomentMs(run: RunState): number | undefined {
  const moments = run.tasks.map((_, index) => nextDueAtMs(run, index, 0));
  const known = [...moments, runDeadlineMs(run)].filter((atMs) => atMs !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

type Witness = ReturnType<typeof createWitness>;

/** Follows along with a replica, event by event, and checks each. */
function createWitness(run: RunState, first: readonly RunEvent[]) {
  const events: RunEvent[] = [...first];
  const replica = startRun(first[0] as RunSubmittedEvent);
  const toldToStop = new Set<number>();

  function seeOne(event: RunEvent): void {
    const { change } = event;
    const line = describeChange(run, change);
    const phase = replica.phase;
    const states = replica.tasks.map(({ state }) => state);
    expect(event.revision).toBe((events.at(-1)?.revision ?? 0) + 1);
    expect(phase === 'CANCELLING' && /READY|RUNNING|SKIPPED/.test(line), `while ending: ${line}`).toBe(false);
    evolve(replica, event);
    events.push(event);
    expect(RUN_MOVES[phase], line).toContain(replica.phase);
    for (const [index, state] of states.entries())
      expect(TASK_MOVES[state], line).toContain(taskOf(replica, index).state);
    if (change.type === 'TaskCancelling') toldToStop.add(change.task);
    if (change.type === 'TaskStarted') checkStart(replica, change.task);
    if ('task' in change && toldToStop.has(change.task))
      expect(line).not.toMatch(/COMPLETED|FAILED|RETRYING|READY/);
    checkCounts(replica);
  }
  for (const event of events.splice(1)) seeOne(event);
  return {
    events,
    see(seen: readonly RunEvent[]): void {
      for (const event of seen) seeOne(event);
    },
  };
}

function replay(events: readonly RunEvent[]): RunState {
  const run = startRun(events[0] as RunSubmittedEvent);
  for (const event of events.slice(1)) evolve(run, event);
  return run;
}

function isOver(run: RunState): boolean {
  return FINAL.includes(run.phase);
}

/** A.3, A.6, promise 5: enough edges are met, of ALL joins every upstream is final; limits hold. */
function checkStart(run: RunState, index: number): void {
  const { join, retry } = specOf(run, index);
  const edges = run.graph.dependencies[index] ?? [];
  const met = edges.filter((edge) => isEdgeMet(run, edge)).length;
  expect(met).toBeGreaterThanOrEqual(needed(join, edges.length));
  if (join.mode === 'ALL') {
    for (const { upstream } of edges) expect(FINAL).toContain(taskOf(run, upstream).state);
  }
  const { attempts } = taskOf(run, index);
  const lost = attempts.filter(({ state }) => state === 'LOST').length;
  expect(attempts.length - lost).toBeLessThanOrEqual(retry.maxAttempts);
  expect(lost).toBeLessThanOrEqual(retry.maxLostAttempts);
  expect(attempts.map(({ number }) => number)).toEqual(attempts.map((_, at) => at + 1));
  expect(attempts.slice(0, -1).every(({ state }) => state !== 'RUNNING')).toBe(true);
}

function checkCounts(run: RunState): void {
  for (const [state, count] of Object.entries(run.counts)) {
    expect(run.tasks.filter((status) => status.state === state).length, state).toBe(count);
  }
}

/** Every task is final and rightly so, and the run's own end follows from theirs. */
function checkEnd(run: RunState): void {
  const ended = run.tasks.map(({ state }) => state);
  for (const [index, state] of ended.entries()) {
    expect(FINAL).toContain(state);
    const edges = run.graph.dependencies[index] ?? [];
    const met = edges.filter((edge) => isEdgeMet(run, edge)).length;
    const enough = met >= needed(specOf(run, index).join, edges.length);
    const { reason } = taskOf(run, index);
    const skipped = state === 'SKIPPED' && reason !== 'CONDITION_FALSE';
    const unmet = skipped || reason === 'DEPENDENCY_FAILED';
    checkExpressions(run, index, enough);
    if (unmet) expect(enough, `task ${index} could have run`).toBe(false);
    if (state === 'COMPLETED') expect(enough, `task ${index} should not have run`).toBe(true);
    if (taskOf(run, index).attempts.length === 0) expect(state).not.toBe('COMPLETED');
    for (const attempt of taskOf(run, index).attempts) expect(attempt.state).not.toBe('RUNNING');
  }
  if (run.reason === 'RUN_TIMEOUT') expect(run.phase).toBe('FAILED');
  else if (run.reason === 'CANCEL_REQUESTED') expect(run.phase).toBe('CANCELLED');
  else if (run.graph.spec.output === 'boom' && phaseOf(run) === 'COMPLETED')
    expect([run.phase, run.reason]).toEqual(['FAILED', 'EXPRESSION_FAILED']);
  else expect(run.phase).toBe(phaseOf(run));
}

/** B.3, C.1, C.2: what an expression decided is what it says. */
function checkExpressions(run: RunState, index: number, enough: boolean): void {
  const { when, inputExpression } = specOf(run, index);
  const { reason, attempts, computedInput } = taskOf(run, index);
  const edges = run.graph.dependencies[index] ?? [];
  if (reason === 'CONDITION_FALSE') expect([when, enough]).toEqual(['false', true]);
  if (reason === 'NOT_ROUTED') expect(edges.some((edge) => edge.when !== '')).toBe(true);
  if (reason === 'EXPRESSION_FAILED')
    expect([when, inputExpression, ...edges.map((edge) => edge.when)]).toContain('boom');
  if (attempts.length === 0) return;
  expect([when, inputExpression]).not.toContain('boom');
  expect(when).not.toBe('false');
  expect(computedInput === undefined).toBe(inputExpression === '');
}

/** What the tasks alone make of a run that nobody ended. */
function phaseOf(run: RunState): RunPhase {
  const ran = (index: number, ...conditions: DependencyCondition[]): boolean =>
    (run.graph.dependants[index] ?? []).some(
      (edge) =>
        conditions.includes(edge.condition) &&
        !taskOf(run, edge.task).unrouted.has(index) &&
        ['COMPLETED', 'FAILED'].includes(taskOf(run, edge.task).state) &&
        taskOf(run, edge.task).attempts.length > 0,
    );
  const open = (state: TaskState, handled: (index: number) => boolean): boolean =>
    run.tasks.some((status, index) => status.state === state && !handled(index));
  if (open('FAILED', (index) => specOf(run, index).allowFailure || ran(index, 'FAILURE', 'FINISHED')))
    return 'FAILED';
  return open('CANCELLED', (index) => ran(index, 'FINISHED')) ? 'CANCELLED' : 'COMPLETED';
}

/** What its `when` says of an upstream, each of which completes with "ok". */
function isEdgeMet(run: RunState, { upstream, condition, when }: Edge): boolean {
  const { state } = taskOf(run, upstream);
  if (!isMet(condition, state)) return false;
  if (when === 'result == "ok"') return state === 'COMPLETED';
  if (when === 'state != "FAILED"') return state !== 'FAILED';
  return when === '';
}

function isMet(condition: DependencyCondition, upstream: TaskState): boolean {
  if (condition === 'FINISHED') return FINAL.includes(upstream);
  return upstream === (condition === 'SUCCESS' ? 'COMPLETED' : 'FAILED');
}

function needed(join: Join, edges: number): number {
  if (join.mode === 'ALL') return edges;
  return join.mode === 'ANY' ? 1 : join.count;
}

function nameOf(change: Change): string {
  return 'reason' in change ? `${change.type} ${change.reason}` : change.type;
}

function choiceLists(): fc.Arbitrary<number[]> {
  return fc.array(fc.nat({ max: 0xffff }), { maxLength: 80 });
}

/** Up to 10 tasks; each depends on some that come before it, but they are listed in any order. */
function runSpecs(): fc.Arbitrary<RunSpec> {
  return fc
    .record({
      tasks: fc.array(taskSketches(), { minLength: 1, maxLength: 10 }),
      failurePolicy: fc.constantFrom('CONTINUE', 'CANCEL'),
      timeoutMs: rarely(60),
      output: fc.constantFrom('', '', 'states', 'boom'),
    })
    .chain(({ tasks, ...rest }) =>
      fc
        .shuffledSubarray(
          tasks.map((sketch, place) => toTask(sketch, place)),
          { minLength: tasks.length },
        )
        .map((shuffled) => spec(shuffled, rest as Partial<RunSpec>)),
    );
}

type Sketch = ReturnType<typeof taskSketches> extends fc.Arbitrary<infer S> ? S : never;

function taskSketches() {
  return fc.record({
    upstreams: fc.array(
      fc.tuple(
        fc.nat({ max: 20 }),
        fc.constantFrom('', '', '?', '!'),
        fc.constantFrom('', '', '', '', 'result == "ok"', 'state != "FAILED"', 'boom'),
      ),
      { maxLength: 4 },
    ),
    when: fc.constantFrom('', '', '', '', '', 'true', 'false', 'boom'),
    inputExpression: fc.constantFrom('', '', '', 'input', 'states', 'boom'),
    join: fc.constantFrom('ALL', 'ALL', 'ANY', 'AT_LEAST'),
    share: fc.nat({ max: 3 }),
    parent: fc.option(fc.nat({ max: 20 }), { nil: undefined }),
    onUnmet: fc.constantFrom('SKIP', 'SKIP', 'FAIL'),
    allowFailure: fc.constantFrom(false, false, true),
    cancelGraceMs: fc.constantFrom(0, 5, 50),
    retry: fc.record({
      maxAttempts: fc.integer({ min: 1, max: 3 }),
      initialDelayMs: fc.constantFrom(0, 7),
      jitter: fc.constantFrom(0, 0.5),
      nonRetryableCodes: fc.constantFrom([], ['FATAL']),
      maxLostAttempts: fc.nat({ max: 2 }),
    }),
    timeouts: fc.record({
      queueMs: rarely(20),
      attemptMs: rarely(20),
      wholeMs: rarely(30),
      heartbeatMs: rarely(10),
    }),
  });
}

function rarely(valueMs: number): fc.Arbitrary<number | undefined> {
  return fc.constantFrom(undefined, undefined, undefined, valueMs);
}

function toTask(sketch: Sketch, place: number): TaskSpec {
  const { upstreams, join, share, parent, ...rest } = sketch;
  const edges = new Map<number, EdgeSketch>();
  for (const [number, condition, when] of place > 0 ? upstreams : []) {
    const upstream = number % place;
    edges.set(upstream, [`t${upstream}${condition}`, { when }]);
  }
  const after = [...edges.values()];
  return task(`t${place}`, {
    ...(rest as object),
    after,
    join: toJoin(join, share, after.length),
    parent: place > 0 && parent !== undefined ? `t${parent % place}` : '',
  });
}

function toJoin(mode: string, share: number, edges: number): Join {
  if (edges === 0 || mode === 'ALL') return { mode: 'ALL' };
  return mode === 'ANY' ? { mode: 'ANY' } : { mode: 'AT_LEAST', count: 1 + (share % edges) };
}
