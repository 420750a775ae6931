// The work that the orchestrator does itself: what does its start come to?
//
// It is an attempt like any other, only without executor and lease: timeouts, retries, guardrails and
// iterations are the same.

import { expressionError } from './conditions.ts';
import type { Change } from './events.ts';
import { expand } from './foreach.ts';
import { specOf, taskOf } from './lookup.ts';
import { payloadOfJson } from './payload-json.ts';
import { attemptFailed, attemptSucceeded } from './result.ts';
import { listen } from './signals.ts';
import type { RunState } from './state.ts';
import { evaluateForTask, inputScope } from './variables.ts';

const NOTHING: readonly Change[] = Object.freeze([]);

export function startOf(run: RunState, task: number): Change {
  const attempt = taskOf(run, task).attempts.length + 1;
  return { type: 'TaskStarted', task, attempt, executorId: '', leaseToken: '' };
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
      return listen(run, task, work.name);
    case 'CAPABILITY':
    case 'TIMER':
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
