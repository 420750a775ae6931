// Is a task that is repeated done, or does another iteration follow (C.5)?

import { asCondition, type Condition, expressionError } from './conditions.ts';
import type { Change, TaskError, Usage } from './events.ts';
import { runningAttempt, specOf, taskOf } from './lookup.ts';
import type { Payload } from './payload.ts';
import { payloadOfJson } from './payload-json.ts';
import type { Repeat } from './spec.ts';
import type { RunState } from './state.ts';
import type { StateReason } from './states.ts';
import { evaluateForTask, iterationOf, resultScope } from './variables.ts';

/** What follows on a result instead of the task's completion; undefined where it completes. */
export function repeatOf(
  run: RunState,
  task: number,
  result: Payload,
  usage: Usage | undefined,
  nowMs: number,
): Change | undefined {
  const { repeat } = specOf(run, task).flow;
  if (repeat === undefined) return undefined;
  const enough = isEnough(run, task, repeat, result);
  if (!enough.ok)
    return stop(
      run,
      task,
      'EXPRESSION_FAILED',
      expressionError('repeat.until', repeat.until, enough.cause),
      usage,
    );
  if (enough.value) return undefined;
  const iteration = presentIteration(run, task);
  if (iteration >= repeat.maxIterations) {
    return repeat.until === '' ? undefined : exhausted(run, task, repeat, usage);
  }
  return again(run, task, repeat, { result, usage, iteration: iteration + 1 }, nowMs);
}

function isEnough(run: RunState, task: number, { until }: Repeat, result: Payload): Condition {
  if (until === '') return { ok: true, value: false };
  return asCondition(evaluateForTask(run, task, until, resultScope(run, result, iterationOf(run, task))));
}

function presentIteration(run: RunState, task: number): number {
  return Math.max(1, taskOf(run, task).more?.iteration ?? 0);
}

interface Next {
  readonly result: Payload;
  readonly usage: Usage | undefined;
  readonly iteration: number;
}

function again(run: RunState, task: number, repeat: Repeat, next: Next, nowMs: number): Change {
  const { result, usage, iteration } = next;
  const nextInput = nextInputOf(run, task, repeat, result);
  if (!nextInput.ok) {
    const error = expressionError('repeat.next_input', repeat.nextInput, nextInput.cause);
    return stop(run, task, 'EXPRESSION_FAILED', error, usage);
  }
  return {
    type: 'TaskRepeating',
    task,
    attempt: runningAttempt(taskOf(run, task)).number,
    result,
    usage,
    iteration,
    nextInput: nextInput.payload,
    repeatAtMs: nowMs + repeat.delayMs,
  };
}

type NextInput =
  | { readonly ok: true; readonly payload: Payload | undefined }
  | { readonly ok: false; readonly cause: string };

function nextInputOf(run: RunState, task: number, { nextInput }: Repeat, result: Payload): NextInput {
  if (nextInput === '') return { ok: true, payload: undefined };
  const scope = resultScope(run, result, iterationOf(run, task));
  const value = evaluateForTask(run, task, nextInput, scope);
  return value.ok ? payloadOfJson(value.value) : value;
}

function exhausted(
  run: RunState,
  task: number,
  { maxIterations, until }: Repeat,
  usage: Usage | undefined,
): Change {
  const message = `\`${until}\` did not hold within ${maxIterations} iterations`;
  const error = { code: 'ITERATIONS_EXHAUSTED', message, details: undefined };
  return stop(run, task, 'ITERATIONS_EXHAUSTED', error, usage);
}

/** The end of a loop that is not to go on. */
export function stop(
  run: RunState,
  task: number,
  reason: StateReason,
  error: TaskError,
  usage: Usage | undefined,
): Change {
  const ended = { attempt: runningAttempt(taskOf(run, task)).number, end: 'FAILED' } as const;
  return { type: 'TaskFailed', task, reason, ended, error, usage };
}
