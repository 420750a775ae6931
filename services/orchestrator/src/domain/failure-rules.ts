// What does a task make of its own failures (D.4): rules by error code, and a fallback in the end?

import { endUnsuccessful, type UnsuccessfulAttempt } from './attempt-end.ts';
import type { Change, TaskError } from './events.ts';
import { runningAttempt, specOf, taskOf } from './lookup.ts';
import { type ErrorRule, type Handling, PLAIN_HANDLING } from './spec.ts';
import type { RunState } from './state.ts';
import type { StateReason } from './states.ts';

/**
 * The rules come before the policy, and before what the executor says of retrying: they are the wish of
 * whoever submitted the task. An attempt that was lost failed at nothing, so no rule is about it. The
 * fallback's own failure is the end: no rule and no policy makes more of it.
 */
export function failureOf(run: RunState, task: number, ended: UnsuccessfulAttempt, nowMs: number): Change {
  const { fallback } = taskOf(run, task).more ?? {};
  if (fallback !== undefined) return afterFallback(run, task, ended, fallback, nowMs);
  const handling = handlingOf(run, task);
  const rule =
    ended.end === 'LOST'
      ? undefined
      : handling.errorRules.find(({ codes }) => matches(codes, ended.error.code));
  if (rule !== undefined) return byRule(run, task, ended, rule, nowMs);
  const end = endUnsuccessful(run, task, ended, nowMs);
  return end.type === 'TaskFailed' && handling.fallback !== '' ? fallBack(run, task, ended, nowMs) : end;
}

/** What a foreach says of failures is for its items. */
function handlingOf(run: RunState, task: number): Handling {
  const { flow, handling } = specOf(run, task);
  return flow.foreach === undefined ? handling : PLAIN_HANDLING;
}

/** A trailing `*` stands for any ending; no code for any. */
function matches(codes: readonly string[], code: string): boolean {
  if (codes.length === 0) return true;
  return codes.some((each) => (each.endsWith('*') ? code.startsWith(each.slice(0, -1)) : each === code));
}

function byRule(
  run: RunState,
  task: number,
  ended: UnsuccessfulAttempt,
  { action }: ErrorRule,
  nowMs: number,
): Change {
  const { end, error, usage } = ended;
  const attempt = runningAttempt(taskOf(run, task)).number;
  switch (action.type) {
    case 'RETRY': {
      const retryAfterMs = action.delayMs ?? ended.retryAfterMs;
      const again = endUnsuccessful(run, task, { ...ended, final: false, retryAfterMs }, nowMs, 'ANY_CODE');
      const exhausted = again.type === 'TaskFailed' && specOf(run, task).handling.fallback !== '';
      return exhausted ? fallBack(run, task, ended, nowMs) : again;
    }
    case 'FAIL':
      return { type: 'TaskFailed', task, reason: 'ERROR_RULE', ended: { attempt, end }, error, usage };
    case 'FALL_BACK':
      return fallBack(run, task, ended, nowMs);
    case 'COMPLETE':
      return { type: 'TaskCompleted', task, attempt, result: action.result, usage, error, end };
  }
}

/** One more attempt, by another capability, at once. */
function fallBack(run: RunState, task: number, ended: UnsuccessfulAttempt, nowMs: number): Change {
  const { end, error, usage, checkpoint, feedback } = ended;
  const attempt = runningAttempt(taskOf(run, task)).number;
  return {
    type: 'TaskRetrying',
    task,
    attempt,
    end,
    error,
    retryAtMs: nowMs,
    usage,
    fallback: true,
    checkpoint,
    feedback,
  };
}

type First = { readonly error: TaskError; readonly reason: StateReason };

/** The first error remains the reason; the attempt keeps its own. What is lost is tried again. */
function afterFallback(
  run: RunState,
  task: number,
  ended: UnsuccessfulAttempt,
  first: First,
  nowMs: number,
): Change {
  if (ended.end === 'LOST') {
    const again = endUnsuccessful(run, task, ended, nowMs);
    if (again.type === 'TaskRetrying') return { ...again, fallback: true };
  }
  const attempt = runningAttempt(taskOf(run, task)).number;
  return {
    type: 'TaskFailed',
    task,
    reason: first.reason,
    ended: { attempt, end: ended.end },
    error: first.error,
    attemptError: ended.error,
    usage: ended.usage,
  };
}
