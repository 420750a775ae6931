// Which tasks does a manager want added (C.6), and do they keep the rules that submitted ones keep?

import { create, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { RunSpecSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import { type TaskSpec as TaskSpecMessage, TaskSpecSchema } from '@tutti/proto/tutti/v1/task_pb.ts';
import type { Json } from '../domain/expression.ts';
import { accept, type Refusal, type Result, reject } from '../domain/rejection.ts';
import type { TaskSpec } from '../domain/spec.ts';
import { toRunSpec } from '../wire/spec.ts';
import { validate } from './validate.ts';

/** Of one answer. */
const MAX_TASKS = 10_000;

/** Each in the JSON form of TaskSpec; fields are named as of `tasks`. */
export function readTasks(tasks: readonly Json[]): Result<readonly TaskSpec[]> {
  if (tasks.length > MAX_TASKS) {
    const message = `${tasks.length} tasks are too many for one answer, ${MAX_TASKS} are allowed; add the rest in the next round`;
    return reject('INVALID_FIELD', message, {}, 'tasks');
  }
  const messages: TaskSpecMessage[] = [];
  for (const [index, task] of tasks.entries()) {
    const message = readTask(task, index);
    if (!message.ok) return message;
    messages.push(message.value);
  }
  const run = create(RunSpecSchema, { tasks: messages });
  const violation = validate(RunSpecSchema, run, true);
  if (violation !== undefined) return reject('INVALID_FIELD', violation.rawMessage, {}, 'tasks');
  const spec = toRunSpec(run);
  return spec.ok ? accept(spec.value.tasks) : spec;
}

function readTask(json: Json, index: number): Result<TaskSpecMessage> {
  let message: TaskSpecMessage;
  try {
    message = fromJson(TaskSpecSchema, json as JsonValue);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return reject('INVALID_FIELD', `tasks[${index}] is no task: ${cause}`, {}, `tasks[${index}]`);
  }
  return looksElsewhere(message, index) ?? accept(message);
}

/** What would have to be looked up in the store first. */
function looksElsewhere({ key, link, childRun }: TaskSpecMessage, index: number): Refusal | undefined {
  const what =
    link === undefined
      ? childRun !== undefined && childRun.workflow !== ''
        ? 'child_run.workflow'
        : ''
      : 'link';
  if (what === '') return undefined;
  const message = `task "${key}" has ${what}, which a manager cannot add; let it be part of the submission`;
  return reject('INVALID_FIELD', message, { key }, `tasks[${index}].${what}`);
}
