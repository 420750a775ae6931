// What do the expressions of a task decide, once their time has come?

import { isLimited, startTimeMs } from './admission.ts';
import type { Change, TaskError } from './events.ts';
import type { Evaluation } from './expression.ts';
import { specOf, taskOf } from './lookup.ts';
import { awaitManager, isManaged } from './manager.ts';
import type { Payload } from './payload.ts';
import { payloadOfJson } from './payload-json.ts';
import type { RunState } from './state.ts';
import { evaluateForEdge, evaluateForTask, inputScope } from './variables.ts';

/** What becomes of a task whose join is met: its own `when` is decided once, then it may be held. */
export function admit(run: RunState, task: number, nowMs: number): Change {
  const { when } = specOf(run, task);
  if (when === '') return enter(run, task, nowMs);
  const holds = asCondition(evaluateForTask(run, task, when));
  if (!holds.ok) return expressionFailed(task, 'when', when, holds.cause);
  if (!holds.value) return { type: 'TaskSkipped', task, reason: 'CONDITION_FALSE', upstream: undefined };
  return enter(run, task, nowMs);
}

/** What becomes of a task that is to be done: it is held for its time or its turn, or ready. */
export function enter(run: RunState, task: number, nowMs: number): Change {
  const startAtMs = taskOf(run, task).more?.startAtMs ?? startTimeMs(run, task, nowMs);
  if (startAtMs > nowMs) return { type: 'TaskHeld', task, reason: 'START_TIME_AHEAD', untilMs: startAtMs };
  if (isManaged(run, task)) return awaitManager(run, task);
  if (isLimited(run, task)) return { type: 'TaskHeld', task, reason: 'RUN_AT_LIMIT', untilMs: undefined };
  return release(run, task);
}

/** What becomes of a task that nothing holds back any more. */
export function release(run: RunState, task: number): Change {
  const { inputExpression, flow } = specOf(run, task);
  // That of a foreach is evaluated for each of its items.
  if (inputExpression === '' || flow.foreach !== undefined) return ready(task, undefined);
  const value = evaluateForTask(run, task, inputExpression, inputScope(run, task));
  const encoded = value.ok ? payloadOfJson(value.value) : value;
  if (encoded.ok) return ready(task, encoded.payload);
  return expressionFailed(task, 'input_expression', inputExpression, encoded.cause);
}

/** What becomes of an edge with a `when` whose upstream has come to what the edge asks for. */
export function judge(run: RunState, task: number, upstream: number, when: string): Change {
  const holds = asCondition(evaluateForEdge(run, upstream, when));
  if (holds.ok) return { type: 'TaskRouted', task, upstream, met: holds.value };
  const place = `when of the dependency on "${specOf(run, upstream).key}"`;
  return expressionFailed(task, place, when, holds.cause);
}

export type Condition =
  | { readonly ok: true; readonly value: boolean }
  | { readonly ok: false; readonly cause: string };

export function asCondition(evaluation: Evaluation): Condition {
  if (!evaluation.ok) return evaluation;
  const { value } = evaluation;
  if (typeof value === 'boolean') return { ok: true, value };
  const given = value === null ? 'null' : Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`;
  return { ok: false, cause: `it gave ${given}; a condition must give true or false` };
}

function ready(task: number, input: Payload | undefined): Change {
  return { type: 'TaskReady', task, input };
}

function expressionFailed(task: number, place: string, expression: string, cause: string): Change {
  const error = expressionError(place, expression, cause);
  const reason = 'EXPRESSION_FAILED';
  return { type: 'TaskFailed', task, reason, ended: undefined, error, usage: undefined };
}

/** As much of a cause as an error has room for: it may quote data. */
const CAUSE_CHARACTERS = 2_000;

/** @param place the field of the specification */
export function expressionError(place: string, expression: string, cause: string): TaskError {
  const message = `${place}: \`${expression}\` could not be evaluated: ${cause.slice(0, CAUSE_CHARACTERS)}`;
  return { code: 'EXPRESSION_FAILED', message: message.toWellFormed(), details: undefined };
}
