// The work that the orchestrator does itself: what does its start come to?
//
// It is an attempt like any other, only without executor and lease: timeouts, retries, guardrails and
// iterations are the same.

import { expressionError } from './conditions.ts';
import { isDue, timerAtMs } from './due.ts';
import type { Change } from './events.ts';
import { expand } from './foreach.ts';
import { specOf, taskOf } from './lookup.ts';
import { payloadOfJson } from './payload-json.ts';
import { attemptFailed, attemptSucceeded } from './result.ts';
import { takeKept } from './signals.ts';
import type { RunState } from './state.ts';
import { evaluateForTask, inputScope } from './variables.ts';

const NOTHING: readonly Change[] = Object.freeze([]);

type Started = Extract<Change, { type: 'TaskStarted' }>;

export function startOf(run: RunState, task: number): Started {
  const attempt = taskOf(run, task).attempts.length + 1;
  return { type: 'TaskStarted', task, attempt, executorId: '', leaseToken: '' };
}

/** It has the signal that it waited for. */
export function signalled(run: RunState, task: number, nowMs: number): readonly Change[] {
  const payload = taskOf(run, task).more?.signal;
  return payload === undefined ? NOTHING : attemptSucceeded(run, task, payload, undefined, nowMs);
}

/** The moment that it waited for has come: it gives what it was given. */
export function elapsed(run: RunState, task: number, nowMs: number): readonly Change[] {
  const { computedInput } = taskOf(run, task);
  return attemptSucceeded(run, task, computedInput ?? specOf(run, task).input, undefined, nowMs);
}

/** Right after the start. NOTHING: it waits. */
export function perform(run: RunState, task: number, nowMs: number): readonly Change[] {
  const { work, flow } = specOf(run, task);
  if (flow.foreach !== undefined) return expand(run, task, nowMs);
  switch (work.type) {
    case 'EXPRESSION':
      return evaluate(run, task, work.text, nowMs);
    case 'LINK':
      return attemptSucceeded(run, task, work.result, undefined, nowMs);
    case 'SIGNAL':
      return takeKept(run, task);
    case 'TIMER':
      return isDue(timerAtMs(taskOf(run, task), specOf(run, task)), nowMs)
        ? elapsed(run, task, nowMs)
        : NOTHING;
    case 'CAPABILITY':
    case 'CHILD_RUN':
      return NOTHING;
  }
}

function evaluate(run: RunState, task: number, text: string, nowMs: number): readonly Change[] {
  const value = evaluateForTask(run, task, text, inputScope(run, task));
  const encoded = value.ok ? payloadOfJson(value.value) : value;
  if (encoded.ok) return attemptSucceeded(run, task, encoded.payload, undefined, nowMs);
  const error = expressionError('expression', text, encoded.cause);
  return attemptFailed(
    run,
    task,
    { end: 'FAILED', error, usage: undefined, final: true, retryAfterMs: undefined },
    nowMs,
  );
}
