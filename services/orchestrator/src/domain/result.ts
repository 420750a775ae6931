// What does the outcome of an attempt come to? Every way in which one ends leads through here, whoever did
// the work: an executor, or the orchestrator itself.

import { endUnsuccessful, type UnsuccessfulAttempt } from './attempt-end.ts';
import type { Change, Usage } from './events.ts';
import { runningAttempt, taskOf } from './lookup.ts';
import type { Payload } from './payload.ts';
import type { RunState } from './state.ts';

/** Contract: the task is RUNNING and not being cancelled. */
export function attemptSucceeded(
  run: RunState,
  task: number,
  result: Payload,
  usage: Usage | undefined,
  _nowMs: number,
): readonly Change[] {
  const attempt = runningAttempt(taskOf(run, task)).number;
  return [{ type: 'TaskCompleted', task, attempt, result, usage }];
}

/** Contract: the task is RUNNING and not being cancelled. */
export function attemptFailed(
  run: RunState,
  task: number,
  ended: UnsuccessfulAttempt,
  nowMs: number,
): readonly Change[] {
  return [endUnsuccessful(run, task, ended, nowMs)];
}
