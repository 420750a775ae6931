// What does the outcome of an attempt come to? Every way in which one ends leads through here, whoever did
// the work: an executor, or the orchestrator itself.

import type { UnsuccessfulAttempt } from './attempt-end.ts';
import type { Change, Usage } from './events.ts';
import { failureOf } from './failure-rules.ts';
import { type Judgement, judgeResult } from './guardrails.ts';
import { runningAttempt, specOf, taskOf } from './lookup.ts';
import type { Payload } from './payload.ts';
import { repeatOf } from './repeat.ts';
import { sendBackOf } from './send-back.ts';
import { PLAIN_FLOW } from './spec.ts';
import type { RunState } from './state.ts';

/** Contract: the task is RUNNING and not being cancelled. */
export function attemptSucceeded(
  run: RunState,
  task: number,
  result: Payload,
  usage: Usage | undefined,
  nowMs: number,
): readonly Change[] {
  // The items of a foreach are judged one by one.
  const judged =
    specOf(run, task).flow.foreach === undefined
      ? judgeResult(run, task, result, usage, 0)
      : ({ type: 'PASSED', result } as const);
  return resultJudged(run, task, judged, usage, nowMs);
}

/** Once its guardrails have been asked, as far as they can be without asking a capability. */
export function resultJudged(
  run: RunState,
  task: number,
  judged: Judgement,
  usage: Usage | undefined,
  nowMs: number,
): readonly Change[] {
  switch (judged.type) {
    case 'ASK':
      return [judged.change];
    case 'REFUSED':
      return attemptFailed(run, task, refusal(judged, usage), nowMs);
    case 'PASSED':
      return resultAccepted(run, task, judged.result, usage, nowMs);
  }
}

function resultAccepted(
  run: RunState,
  task: number,
  result: Payload,
  usage: Usage | undefined,
  nowMs: number,
): readonly Change[] {
  const { flow } = specOf(run, task);
  if (flow !== PLAIN_FLOW) {
    const back = sendBackOf(run, task, result, usage);
    if (back !== undefined) return back;
    const again = repeatOf(run, task, result, usage, nowMs);
    if (again !== undefined) return [again];
  }
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
  const end = failureOf(run, task, ended, nowMs);
  if (ended.reported !== true || (end.type !== 'TaskRetrying' && end.type !== 'TaskFailed')) return [end];
  return [{ ...end, reported: true }];
}

function refusal(
  { reason, result }: Extract<Judgement, { type: 'REFUSED' }>,
  usage: Usage | undefined,
): UnsuccessfulAttempt {
  return {
    end: 'FAILED',
    error: { code: 'RESULT_REFUSED', message: reason, details: undefined },
    usage,
    final: false,
    retryAfterMs: undefined,
    feedback: { reason, refusedResult: result, from: '', decision: undefined, iteration: 0 },
  };
}
