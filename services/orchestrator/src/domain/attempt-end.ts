// What follows from an attempt that did not succeed: another one, or the end of the task?

import type { Change, Feedback, TaskError, UnsuccessfulEnd, Usage } from './events.ts';
import { runningAttempt, specOf, taskOf } from './lookup.ts';
import type { Payload } from './payload.ts';
import { jitterSeed, retryDelayMs } from './retry.ts';
import type { RetryPolicy } from './spec.ts';
import type { RunState, TaskStatus } from './state.ts';
import type { StateReason } from './states.ts';

export interface UnsuccessfulAttempt {
  readonly end: UnsuccessfulEnd;
  readonly error: TaskError;
  readonly usage: Usage | undefined;
  /** True: its executor says that another one would be useless. */
  readonly final: boolean;
  /** Instead of the policy's delay. */
  readonly retryAfterMs: number | undefined;
  /** What the attempt left for the next one in its last moment. */
  readonly checkpoint?: Payload | undefined;
  /** What the next attempt is to do better. */
  readonly feedback?: Feedback | undefined;
  /** True: its executor reported it, although the end does not tell. */
  readonly reported?: boolean;
}

export type EndOfAttempt = Extract<Change, { readonly type: 'TaskFailed' | 'TaskRetrying' }>;

export function endUnsuccessful(
  run: RunState,
  task: number,
  ended: UnsuccessfulAttempt,
  nowMs: number,
  retryable: 'AS_POLICY_SAYS' | 'ANY_CODE' = 'AS_POLICY_SAYS',
): EndOfAttempt {
  const status = taskOf(run, task);
  const policy = specOf(run, task).retry;
  const attempt = runningAttempt(status).number;
  const { end, error, usage } = ended;
  const reason = failureReason(policy, status, ended, retryable === 'ANY_CODE');
  if (reason !== undefined)
    return { type: 'TaskFailed', task, reason, ended: { attempt, end }, error, usage };
  const retryAtMs = nowMs + delayMs(run, task, attempt, ended);
  const { checkpoint, feedback } = ended;
  return { type: 'TaskRetrying', task, attempt, end, error, retryAtMs, usage, checkpoint, feedback };
}

/** Why there is no further attempt; undefined if there is one. */
function failureReason(
  policy: RetryPolicy,
  status: TaskStatus,
  ended: UnsuccessfulAttempt,
  anyCode: boolean,
): StateReason | undefined {
  const refused = !anyCode && policy.nonRetryableCodes.includes(ended.error.code);
  if (ended.final || refused) return 'ERROR_NOT_RETRYABLE';
  if (ended.end === 'LOST')
    return status.lostAttempts >= policy.maxLostAttempts ? 'EXECUTORS_LOST' : undefined;
  return countedAttempts(status) >= policy.maxAttempts ? 'ATTEMPTS_EXHAUSTED' : undefined;
}

/** What was lost with its executor goes back to the queue at once: the task did nothing wrong. */
function delayMs(run: RunState, task: number, attempt: number, ended: UnsuccessfulAttempt): number {
  if (ended.end === 'LOST') return 0;
  if (ended.retryAfterMs !== undefined) return Math.max(0, ended.retryAfterMs);
  const policy = specOf(run, task).retry;
  const seed = policy.jitter === 0 ? 0 : jitterSeed(run.runId, task, attempt);
  return retryDelayMs(policy, countedAttempts(taskOf(run, task)), seed);
}

/** The running one included: whoever asks has an attempt that was not lost. */
function countedAttempts(status: TaskStatus): number {
  return status.attempts.length - status.pastAttempts - status.lostAttempts;
}
