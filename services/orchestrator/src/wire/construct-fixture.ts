// Arbitrary constructs (work, flow, handling) and their events, for the property tests of wire/.

import fc from 'fast-check';
import type { Change, Feedback, RerunScope, TaskError, Usage } from '../domain/events.ts';
import type { Payload } from '../domain/payload.ts';
import {
  BY_CAPABILITY,
  DEFAULT_RETRY,
  type Flow,
  type Handling,
  NO_TIMEOUTS,
  PLAIN_EDGE,
  PLAIN_FLOW,
  PLAIN_HANDLING,
  type TaskSpec,
  type Work,
} from '../domain/spec.ts';
import type { StateReason } from '../domain/states.ts';

export interface Parts {
  readonly payload: fc.Arbitrary<Payload>;
  readonly text: fc.Arbitrary<string>;
  readonly error: fc.Arbitrary<TaskError>;
  readonly usage: fc.Arbitrary<Usage | undefined>;
  readonly reason: fc.Arbitrary<StateReason>;
}

const count = fc.integer({ min: 1, max: 1_000 });
const milliseconds = fc.integer({ min: 1, max: 31_536_000_000 });
const timeMs = fc.integer({ min: 0, max: 4_000_000_000_000 });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const filled = (text: fc.Arbitrary<string>) => text.map((value) => `x${value}`);

export function constructs({ payload, text }: Parts) {
  const work: fc.Arbitrary<Work> = fc.oneof(
    fc.constant(BY_CAPABILITY),
    fc.record({ type: fc.constant('EXPRESSION' as const), text: filled(text) }),
    fc.record({ type: fc.constant('SIGNAL' as const), name: text }),
    fc.record({
      type: fc.constant('TIMER' as const),
      delayMs: fc.constant(undefined),
      atMs: timeMs,
    }),
    fc.record({ type: fc.constant('TIMER' as const), delayMs: milliseconds, atMs: fc.constant(undefined) }),
    fc.record({
      type: fc.constant('CHILD_RUN' as const),
      spec: text,
      workflow: maybe(fc.record({ name: filled(text), version: count })),
    }),
    fc.record({ type: fc.constant('LINK' as const), runId: text, taskKey: text, result: payload }),
  );
  const flow: fc.Arbitrary<Flow> = fc.record({
    foreach: maybe(
      fc.record({
        items: fc.array(payload, { maxLength: 3 }),
        itemsExpression: text,
        maxParallel: count,
        toleratedFailures: count,
        toleratedShare: fc.double({ min: 0, max: 1, noNaN: true }),
        siblings: fc.constantFrom('CONTINUE', 'STOP'),
      }),
    ),
    repeat: maybe(fc.record({ until: text, maxIterations: count, delayMs: milliseconds, nextInput: text })),
    sendBack: fc.array(fc.record({ to: text, when: text, reason: text, maxIterations: count }), {
      maxLength: 2,
    }),
    startAtMs: timeMs, // Always there: a flow that says nothing is PLAIN_FLOW.
    startDelayMs: fc.integer({ min: 0, max: 1_000 }),
    expectedMs: fc.integer({ min: 0, max: 1_000 }),
  });
  const handling: fc.Arbitrary<Handling> = fc.record({
    errorRules: fc.array(
      fc.record({
        codes: fc.array(text, { maxLength: 2 }),
        action: fc.oneof(
          fc.record({ type: fc.constant('RETRY' as const), delayMs: maybe(milliseconds) }),
          fc.record({ type: fc.constant('FAIL' as const) }),
          fc.record({ type: fc.constant('FALL_BACK' as const) }),
          fc.record({ type: fc.constant('COMPLETE' as const), result: payload }),
        ),
      }),
      { maxLength: 3 },
    ),
    fallback: fc.constant('echo.twice'),
    guardrails: fc.array(
      fc.record({
        check: fc.oneof(
          fc.record({ type: fc.constant('EXPRESSION' as const), text: filled(text) }),
          fc.record({
            type: fc.constant('SCHEMA' as const),
            schema: fc.constantFrom('{}', '{"type":"object","required":["a"]}'),
          }),
          fc.record({ type: fc.constant('CAPABILITY' as const), capability: fc.constant('check.it') }),
        ),
        message: text,
      }),
      { maxLength: 3 },
    ),
    compensation: maybe(
      fc.record({
        capability: fc.constant('undo.it'),
        inputExpression: text,
        retry: fc.constant(DEFAULT_RETRY),
        timeouts: fc.constant(NO_TIMEOUTS),
      }),
    ),
  });
  return {
    work,
    flow: fc.oneof(fc.constant(PLAIN_FLOW), flow),
    handling: fc.oneof(fc.constant(PLAIN_HANDLING), handling),
  };
}

/** @param added specifications of tasks that the run has, from the index `first` on */
export function constructChanges(
  { payload, text, error, usage, reason }: Parts,
  task: fc.Arbitrary<number>,
  added: readonly TaskSpec[],
): fc.Arbitrary<Change> {
  const feedback: fc.Arbitrary<Feedback> = fc.record({
    reason: text,
    refusedResult: maybe(payload),
    from: text,
    decision: maybe(payload),
    iteration: count,
  });
  const ended = { task, attempt: count, result: payload, usage };
  return fc.oneof(
    fc.record({ type: fc.constant('RunPaused' as const), message: text }),
    fc.constant<Change>({ type: 'RunResumed' }),
    fc.record({ type: fc.constant('RunSignalled' as const), name: text, payload }),
    fc.record({
      type: fc.constant('RunRestarted' as const),
      scope: fc.constantFrom<RerunScope[]>('FAILED', 'FROM', 'ALL'),
      from: maybe(task),
    }),
    fc.record({
      type: fc.constant('RunCompensating' as const),
      verdict: fc.record({
        outcome: fc.constantFrom('FAILED' as const, 'CANCELLED' as const),
        reason,
        failedTask: maybe(task),
        message: text,
      }),
    }),
    fc.record({ type: fc.constant('TasksAdded' as const), specs: fc.constant(added), owner: maybe(task) }),
    fc.record({
      type: fc.constant('TaskHeld' as const),
      task,
      reason: fc.constantFrom(
        'START_TIME_AHEAD' as const,
        'RUN_AT_LIMIT' as const,
        'AWAITING_MANAGER' as const,
      ),
      untilMs: maybe(timeMs),
    }),
    fc.record({
      type: fc.constant('TaskSentBack' as const),
      ...ended,
      to: task,
      because: text,
      iteration: count,
    }),
    fc.record({
      type: fc.constant('TaskReset' as const),
      task,
      reason: fc.constantFrom('SENT_BACK' as const, 'RERUN' as const),
      feedback: maybe(feedback),
    }),
    fc.record({
      type: fc.constant('TaskRepeating' as const),
      ...ended,
      iteration: count,
      nextInput: maybe(payload),
      repeatAtMs: maybe(timeMs),
    }),
    fc.record({
      type: fc.constant('TaskExpanded' as const),
      task,
      items: maybe(payload),
      itemCount: count,
      kept: fc.array(count, { maxLength: 3 }),
    }),
    fc.record({ type: fc.constant('TaskSignalled' as const), task, attempt: count, name: text }),
    fc.record({ type: fc.constant('TaskValidating' as const), ...ended, guardrail: count }),
    fc.record({
      type: fc.constant('TaskDependenciesChanged' as const),
      task,
      dependencies: fc.array(
        fc.record({
          key: text,
          condition: fc.constantFrom('SUCCESS' as const, 'FINISHED' as const, 'FAILURE' as const),
          ...Object.fromEntries(
            Object.entries(PLAIN_EDGE).map(([name, value]) => [name, fc.constant(value)]),
          ),
        }) as fc.Arbitrary<TaskSpec['dependencies'][number]>,
        { maxLength: 3 },
      ),
    }),
    fc.record({
      type: fc.constant('TaskRetrying' as const),
      task,
      attempt: count,
      end: fc.constantFrom('FAILED' as const, 'TIMED_OUT' as const),
      error,
      retryAtMs: timeMs,
      usage,
      fallback: fc.constant(true),
      feedback,
      checkpoint: payload,
    }),
    fc.record({
      type: fc.constant('TaskRetrying' as const),
      task,
      attempt: count,
      end: fc.constant('LOST' as const),
      error,
      retryAtMs: timeMs,
      usage,
      checkpoint: maybe(payload),
      reported: fc.constant(true),
    }),
    fc.record({
      type: fc.constant('TaskFailed' as const),
      task,
      reason: fc.constant('EXECUTORS_LOST' as const),
      ended: fc.record({ attempt: count, end: fc.constant('LOST' as const) }),
      error,
      usage,
      reported: fc.constant(true),
    }),
    fc.record({
      type: fc.constant('TaskCancelled' as const),
      task,
      reason: fc.constant('RUN_ENDING' as const),
      attempt: count,
      partialResult: maybe(payload),
      usage,
      reported: fc.constant(true),
    }),
    fc.record({ type: fc.constant('TaskCompleted' as const), ...ended, error }),
    fc.record({
      type: fc.constant('TaskCompleted' as const),
      ...ended,
      error,
      end: fc.constantFrom('FAILED' as const, 'TIMED_OUT' as const),
    }),
  );
}
