// Which combinations of what a task says make no sense? The proto's own rules see single fields only.

import {
  ErrorAction,
  type Guardrail,
  type TaskSpec as TaskSpecMessage,
} from '@tutti/proto/tutti/v1/task_pb.ts';
import { type Refusal, reject } from '../domain/rejection.ts';
import { acceptPayload } from './limits.ts';

/** Undefined where it makes sense. */
export function refuseConstruct(task: TaskSpecMessage, index: number): Refusal | undefined {
  return (
    refuseWork(task, index) ??
    refuseForeach(task, index) ??
    refuseHandling(task, index) ??
    refusePayloads(task, index)
  );
}

/** Of what a construct holds; the inputs of tasks are looked at where they are taken over. */
function refusePayloads({ foreach, errorRules }: TaskSpecMessage, index: number): Refusal | undefined {
  for (const [position, item] of (foreach?.items ?? []).entries()) {
    const accepted = acceptPayload(item, `tasks[${index}].foreach.items[${position}]`);
    if (!accepted.ok) return accepted;
  }
  for (const [position, { result }] of errorRules.entries()) {
    const accepted = acceptPayload(result, `tasks[${index}].error_rules[${position}].result`);
    if (!accepted.ok) return accepted;
  }
  return undefined;
}

function refuseWork(task: TaskSpecMessage, index: number): Refusal | undefined {
  const given = worksOf(task);
  const at = `tasks[${index}]`;
  if (given.length !== 1) {
    const what = given.length === 0 ? 'does not say what to do' : `says ${given.join(' and ')}`;
    const field = `${at}.${given[1] ?? 'capability'}`;
    const message = `task "${task.key}" ${what}; give exactly one of capability, expression, signal, timer, child_run and link`;
    return reject('INVALID_FIELD', message, { key: task.key }, field);
  }
  const { timer, childRun } = task;
  if (timer !== undefined && (timer.delay === undefined) === (timer.time === undefined)) {
    const message = `the timer of task "${task.key}" needs exactly one of delay and time`;
    return reject('INVALID_FIELD', message, { key: task.key }, `${at}.timer`);
  }
  if (childRun !== undefined && (childRun.spec === '') === (childRun.workflow === '')) {
    const message = `the child_run of task "${task.key}" needs exactly one of spec and workflow`;
    return reject('INVALID_FIELD', message, { key: task.key }, `${at}.child_run`);
  }
  return undefined;
}

function worksOf(task: TaskSpecMessage): readonly string[] {
  const given: string[] = [];
  if (task.capability !== '') given.push('capability');
  if (task.expression !== '') given.push('expression');
  if (task.signal !== undefined) given.push('signal');
  if (task.timer !== undefined) given.push('timer');
  if (task.childRun !== undefined) given.push('child_run');
  if (task.link !== undefined) given.push('link');
  return given;
}

function refuseForeach({ key, foreach, input }: TaskSpecMessage, index: number): Refusal | undefined {
  if (foreach === undefined) return undefined;
  if (input !== undefined) {
    const message = `task "${key}" has a foreach and an input, which its items would not be given; drop it, or let input_expression make each input`;
    return reject('INVALID_FIELD', message, { key }, `tasks[${index}].input`);
  }
  if (foreach.itemsExpression === '' || foreach.items.length === 0) return undefined;
  const message = `the foreach of task "${key}" has items and an items_expression; keep one of the two`;
  return reject('INVALID_FIELD', message, { key }, `tasks[${index}].foreach.items_expression`);
}

function refuseHandling(task: TaskSpecMessage, index: number): Refusal | undefined {
  const { key } = task;
  if (task.fallback !== '' && task.capability === '') {
    const message = `task "${key}" has a fallback but no capability that it could stand in for; drop it`;
    return reject('INVALID_FIELD', message, { key }, `tasks[${index}].fallback`);
  }
  const misplaced = refuseRules(task, index);
  if (misplaced !== undefined) return misplaced;
  for (const [position, rail] of task.guardrails.entries()) {
    const given = checksOf(rail);
    if (given === 1) continue;
    const message = `a guardrail of task "${key}" checks in ${given} ways; give exactly one of check, schema and capability`;
    return reject('INVALID_FIELD', message, { key }, `tasks[${index}].guardrails[${position}]`);
  }
  return undefined;
}

/** What an action would ignore: whoever gave it wants something else. */
function refuseRules({ key, errorRules }: TaskSpecMessage, index: number): Refusal | undefined {
  for (const [position, { action, result, delay }] of errorRules.entries()) {
    const field = `tasks[${index}].error_rules[${position}]`;
    if (result !== undefined && action !== ErrorAction.COMPLETE) {
      const message = `an error rule of task "${key}" has a result, which only ERROR_ACTION_COMPLETE gives; drop it, or ask for that`;
      return reject('INVALID_FIELD', message, { key }, `${field}.result`);
    }
    if (delay !== undefined && action !== ErrorAction.RETRY) {
      const message = `an error rule of task "${key}" has a delay, which only ERROR_ACTION_RETRY keeps; drop it, or ask for that`;
      return reject('INVALID_FIELD', message, { key }, `${field}.delay`);
    }
  }
  return undefined;
}

function checksOf({ check, schema, capability }: Guardrail): number {
  return [check !== '', schema !== undefined, capability !== ''].filter(Boolean).length;
}
