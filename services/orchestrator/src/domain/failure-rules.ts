// What does a task make of its own failures (D.4): rules by error code, and a fallback in the end?

import { type EndOfAttempt, endUnsuccessful, type UnsuccessfulAttempt } from './attempt-end.ts';
import type { Change, TaskError } from './events.ts';
import { runningAttempt, specOf, taskOf } from './lookup.ts';
import type { ErrorRule, Handling } from './spec.ts';
import type { RunState } from './state.ts';

/**
 * The rules come before the policy, and before what the executor says of retrying: they are the wish of
 * whoever submitted the task. An attempt that was lost failed at nothing: it is only tried again.
 */
export function failureOf(run: RunState, task: number, ended: UnsuccessfulAttempt, nowMs: number): Change {
  const fallback = taskOf(run, task).more?.fallback;
  if (ended.end === 'LOST') return afterFallback(run, task, ended, endUnsuccessful(run, task, ended, nowMs));
  if (fallback !== undefined) return fallbackFailed(run, task, ended, fallback);
  const { handling } = specOf(run, task);
  const rule = handling.errorRules.find(({ codes }) => matches(codes, ended.error.code));
  if (rule !== undefined) return byRule(run, task, ended, rule, nowMs);
  const end = endUnsuccessful(run, task, ended, nowMs);
  return end.type === 'TaskFailed' && hasFallback(handling) ? fallBack(run, task, ended, nowMs) : end;
}

/** A trailing `*` stands for any ending; no code for any. */
function matches(codes: readonly string[], code: string): boolean {
  if (codes.length === 0) return true;
  return codes.some((each) => (each.endsWith('*') ? code.startsWith(each.slice(0, -1)) : each === code));
}

function hasFallback({ fallback }: Handling): boolean {
  return fallback !== '';
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
      const exhausted = again.type === 'TaskFailed' && hasFallback(specOf(run, task).handling);
      return exhausted ? fallBack(run, task, ended, nowMs) : again;
    }
    case 'FAIL':
      return { type: 'TaskFailed', task, reason: 'ERROR_RULE', ended: { attempt, end }, error, usage };
    case 'FALL_BACK':
      return fallBack(run, task, ended, nowMs);
    case 'COMPLETE':
      return { type: 'TaskCompleted', task, attempt, result: action.result, usage, error };
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

type First = { readonly error: TaskError; readonly reason: EndReason };
type EndReason = Extract<EndOfAttempt, { type: 'TaskFailed' }>['reason'];

/** The first error remains the reason; the attempt keeps its own. */
function fallbackFailed(run: RunState, task: number, ended: UnsuccessfulAttempt, first: First): Change {
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

function afterFallback(run: RunState, task: number, ended: UnsuccessfulAttempt, end: EndOfAttempt): Change {
  const fallback = taskOf(run, task).more?.fallback;
  return fallback === undefined || end.type === 'TaskRetrying'
    ? end
    : fallbackFailed(run, task, ended, fallback);
}
