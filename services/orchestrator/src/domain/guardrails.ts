// Does a result please (D.5)? Its guardrails are asked one after the other; the first that refuses it makes
// the attempt a failed one, and tells the next attempt why.

import type { Change, Usage } from './events.ts';
import type { Evaluation, Json } from './expression.ts';
import { runningAttempt, specOf, taskOf } from './lookup.ts';
import { EMPTY_PAYLOAD, MAX_PAYLOAD_BYTES, type Payload } from './payload.ts';
import { jsonOfPayload, payloadOfJson } from './payload-json.ts';
import { DEFAULT_RETRY, type Guardrail, NO_TIMEOUTS, PLAIN_TASK, type TaskSpec } from './spec.ts';
import type { RunState } from './state.ts';
import { evaluateForTask, iterationOf, resultScope } from './variables.ts';

export type Judgement =
  | { readonly type: 'PASSED'; readonly result: Payload }
  | { readonly type: 'REFUSED'; readonly reason: string; readonly result: Payload }
  /** A capability is to be asked. */
  | { readonly type: 'ASK'; readonly change: Change };

/** As much of a reason as an error has room for. */
const REASON_CHARACTERS = 4_000;

/** @param from the index of the first guardrail to ask */
export function judgeResult(
  run: RunState,
  task: number,
  result: Payload,
  usage: Usage | undefined,
  from: number,
): Judgement {
  const { guardrails } = specOf(run, task).handling;
  for (let index = from; index < guardrails.length; index++) {
    const rail = guardrails[index] as Guardrail;
    const reason = unreadable(result) ?? refusalOf(run, task, rail, result);
    if (reason !== undefined) return refused(rail, reason, result);
    if (rail.check.type === 'CAPABILITY') {
      const attempt = runningAttempt(taskOf(run, task)).number;
      return {
        type: 'ASK',
        change: { type: 'TaskValidating', task, attempt, result, usage, guardrail: index },
      };
    }
  }
  return { type: 'PASSED', result };
}

/** What the task of a validating capability has come to. */
export function verdictOf(run: RunState, task: number, child: number): Judgement | undefined {
  const validating = taskOf(run, task).more?.validating;
  if (validating === undefined) return undefined;
  const { result, guardrail } = validating;
  const rail = specOf(run, task).handling.guardrails[guardrail];
  if (rail === undefined) return undefined;
  const { state, result: answer, error, reason } = taskOf(run, child);
  if (state !== 'COMPLETED') {
    const why = error === undefined ? reason : `${error.code}: ${error.message}`;
    return refused(rail, `the check did not complete: ${why}`, result);
  }
  const said = answer === undefined ? undefined : jsonOfPayload(answer);
  if (!isObject(said) || typeof said.ok !== 'boolean') {
    return refused(rail, 'the check gave no answer of the form {"ok": true}', result);
  }
  if (!said.ok) return refused(rail, typeof said.reason === 'string' ? said.reason : 'refused', result);
  if (said.result === undefined) return { type: 'PASSED', result };
  const replaced = payloadOfJson(said.result);
  return replaced.ok
    ? { type: 'PASSED', result: replaced.payload }
    : refused(rail, `the check replaced the result by one that cannot be kept: ${replaced.cause}`, result);
}

/** The task that asks a capability. */
export function checkSpec(run: RunState, task: number): TaskSpec | undefined {
  const { more, attempts } = taskOf(run, task);
  const spec = specOf(run, task);
  const { validating } = more ?? {};
  const check = validating === undefined ? undefined : spec.handling.guardrails[validating.guardrail]?.check;
  if (validating === undefined || check?.type !== 'CAPABILITY') return undefined;
  return {
    ...PLAIN_TASK,
    key: checkKey(spec.key, attempts.length, validating.guardrail),
    capability: check.capability,
    input: question(run, task, validating.result) ?? EMPTY_PAYLOAD,
    dependencies: [],
    join: { mode: 'ALL' },
    onUnmet: 'SKIP',
    parent: spec.key,
    priority: spec.priority,
    retry: DEFAULT_RETRY,
    timeouts: NO_TIMEOUTS,
    allowFailure: true,
    cancelGraceMs: spec.cancelGraceMs,
  };
}

/** `KEY#checkATTEMPT.GUARDRAIL`. */
function checkKey(key: string, attempt: number, guardrail: number): string {
  return `${key}#check${attempt}.${guardrail}`;
}

/** Whether the end of this task is that of the check which its owner waits for. */
export function isAwaitedCheck(run: RunState, owner: number, child: number): boolean {
  const { more, attempts, state } = taskOf(run, owner);
  if (state !== 'RUNNING' || more?.validating === undefined) return false;
  const expected = checkKey(specOf(run, owner).key, attempts.length, more.validating.guardrail);
  return specOf(run, child).key === expected;
}

function refusalOf(run: RunState, task: number, { check }: Guardrail, result: Payload): string | undefined {
  switch (check.type) {
    case 'EXPRESSION':
      return refusalBy(
        evaluateForTask(run, task, check.text, resultScope(run, result, iterationOf(run, task))),
        check.text,
      );
    case 'SCHEMA': {
      const json = run.graph.readPayload(result);
      if (json === undefined) return 'the result is no JSON';
      return run.graph.schemas.violationOf('result', check.schema, json);
    }
    case 'CAPABILITY':
      if (question(run, task, result) !== undefined) return undefined; // It will be asked.
      return `the input and the result together exceed what a check can be given, ${MAX_PAYLOAD_BYTES} bytes`;
  }
}

/** Why nobody can judge it; undefined if it can be read. */
function unreadable({ ref }: Payload): string | undefined {
  if (ref === undefined) return undefined;
  return `the result has ${ref.sizeBytes} bytes and is stored apart, where no guardrail sees it; return at most ${MAX_PAYLOAD_BYTES} bytes`;
}

function refusalBy(evaluation: Evaluation, text: string): string | undefined {
  if (!evaluation.ok) return `the check \`${text}\` could not be evaluated: ${evaluation.cause}`;
  const { value } = evaluation;
  if (value === true) return undefined;
  if (value === false) return `the check \`${text}\` is false`;
  return typeof value === 'string' ? value : `the check \`${text}\` gave neither true, false nor a reason`;
}

function refused({ message }: Guardrail, reason: string, result: Payload): Judgement {
  const told = (message === '' ? reason : message).slice(0, REASON_CHARACTERS).toWellFormed();
  return { type: 'REFUSED', reason: told, result };
}

/** What is not JSON or text, or is stored apart, is null to it. Undefined where it would be too large. */
function question(run: RunState, task: number, result: Payload): Payload | undefined {
  const input = taskOf(run, task).computedInput ?? specOf(run, task).input;
  const encoded = payloadOfJson({
    input: jsonOfPayload(input) ?? null,
    result: run.graph.readPayload(result) ?? null,
  });
  return encoded.ok ? encoded.payload : undefined;
}

function isObject(json: Json | undefined): json is { readonly [key: string]: Json } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
