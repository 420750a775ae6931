// Does a decision send the run back (C.3), and what is then done again?

import { between, inOrder, withQueued } from './again.ts';
import { asCondition, expressionError } from './conditions.ts';
import type { Change, Feedback, Usage } from './events.ts';
import { runningAttempt, specOf, taskOf } from './lookup.ts';
import type { Payload } from './payload.ts';
import { stop } from './repeat.ts';
import type { SendBack } from './spec.ts';
import type { RunState } from './state.ts';
import { evaluateForTask, resultScope, roundOf } from './variables.ts';

const REASON_CHARACTERS = 4_000;

/** What follows on a result instead of the decision's completion; undefined where it sends nothing back. */
export function sendBackOf(
  run: RunState,
  task: number,
  result: Payload,
  usage: Usage | undefined,
): readonly Change[] | undefined {
  for (const rule of specOf(run, task).flow.sendBack) {
    const scope = resultScope(run, result, roundOf(run, task));
    const holds = asCondition(evaluateForTask(run, task, rule.when, scope));
    if (!holds.ok) {
      const error = expressionError('send_back.when', rule.when, holds.cause);
      return [stop(run, task, 'EXPRESSION_FAILED', error, usage)];
    }
    if (holds.value) return sentBack(run, task, rule, result, usage);
  }
  return undefined;
}

function sentBack(
  run: RunState,
  task: number,
  rule: SendBack,
  result: Payload,
  usage: Usage | undefined,
): readonly Change[] {
  const to = run.graph.indexOf(rule.to);
  if (to === undefined) throw new Error(`run ${run.runId} has no task "${rule.to}" to go back to`);
  const { more } = taskOf(run, task);
  const iteration = (more?.sentBack.get(to) ?? 0) + 1;
  if (iteration > rule.maxIterations) {
    const message = `the run was sent back to "${rule.to}" ${rule.maxIterations} times, as often as allowed`;
    const error = { code: 'ITERATIONS_EXHAUSTED', message, details: undefined };
    return [stop(run, task, 'ITERATIONS_EXHAUSTED', error, usage)];
  }
  const because = reasonOf(run, task, rule, result);
  if (!because.ok) return [stop(run, task, 'EXPRESSION_FAILED', because.error, usage)];
  const attempt = runningAttempt(taskOf(run, task)).number;
  const feedback: Feedback = {
    reason: because.text,
    refusedResult: taskOf(run, to).result,
    from: specOf(run, task).key,
    decision: result,
    iteration,
  };
  const again = withQueued(run, between(run, to, task));
  again.delete(task); // It is WAITING by its own event.
  const changes: Change[] = [
    { type: 'TaskSentBack', task, attempt, result, usage, to, because: because.text, iteration },
  ];
  for (const each of inOrder(run, again)) {
    changes.push({
      type: 'TaskReset',
      task: each,
      reason: 'SENT_BACK',
      feedback: each === to ? feedback : undefined,
    });
  }
  return changes;
}

type Reason =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly error: ReturnType<typeof expressionError> };

/** Whatever is no text is told as JSON. */
function reasonOf(run: RunState, task: number, { reason }: SendBack, result: Payload): Reason {
  if (reason === '') return { ok: true, text: '' };
  const value = evaluateForTask(run, task, reason, resultScope(run, result, roundOf(run, task)));
  if (!value.ok) return { ok: false, error: expressionError('send_back.reason', reason, value.cause) };
  const text = typeof value.value === 'string' ? value.value : JSON.stringify(value.value);
  return { ok: true, text: text.slice(0, REASON_CHARACTERS).toWellFormed() };
}
