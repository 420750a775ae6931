// What do tasks take the results of that link to tasks of other runs (F.4)? Looked up once, when the run is
// submitted: what they come to stays, whatever becomes of the other run.

import { create, equals, fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { type Payload, PayloadSchema } from '@tutti/proto/tutti/v1/payload_pb.ts';
import type { RunSpec } from '@tutti/proto/tutti/v1/run_pb.ts';
import {
  type Link,
  LinkSchema,
  type Task,
  TaskSpecSchema,
  TaskState,
} from '@tutti/proto/tutti/v1/task_pb.ts';
import { accept, type Refusal, type Result, reject } from '../../domain/rejection.ts';
import { runNotFound, taskNotFound } from '../../engine/requests.ts';
import type { StoreQueries } from '../../runtime/orchestrator.ts';
import { toFullTask } from '../messages/task.ts';

type LinkQueries = Pick<StoreQueries, 'getRun' | 'getTask' | 'readTaskEvents'>;

/**
 * The specification with the results of its links in it. `spec` is not changed.
 * @param path of the specification in the request
 */
export async function withLinks(
  queries: LinkQueries,
  namespace: string,
  spec: RunSpec,
  path: string,
): Promise<Result<RunSpec>> {
  if (!hasLinks(spec)) return accept(spec);
  const tasks: RunSpec['tasks'] = [];
  for (const [index, task] of spec.tasks.entries()) {
    if (task.link === undefined) {
      tasks.push(task);
      continue;
    }
    const field = `${path}.tasks[${index}].link`;
    if (task.link.result !== undefined) return refuseResult(task.key, `${field}.result`);
    const link = await resolveLink(queries, namespace, task.link.runId, task.link.taskKey);
    if (!link.ok) return atField(link, field);
    tasks.push({ ...task, link: link.value });
  }
  const childSpecs: RunSpec['childSpecs'] = {};
  for (const [name, child] of Object.entries(spec.childSpecs)) {
    const resolved = await withLinks(queries, namespace, child, `${path}.child_specs["${name}"]`);
    if (!resolved.ok) return resolved;
    childSpecs[name] = resolved.value;
  }
  return accept({ ...spec, tasks, childSpecs });
}

/** The origin of a task's result, and the result. A link to a link is one to its origin, if it came to the same. */
export async function resolveLink(
  queries: LinkQueries,
  namespace: string,
  runId: string,
  taskKey: string,
): Promise<Result<Link>> {
  const run = await queries.getRun(namespace, runId);
  if (run === undefined) return runNotFound(namespace, runId);
  const row = await queries.getTask(namespace, run.run, taskKey);
  if (row === undefined) return taskNotFound(runId, taskKey);
  if (row.state !== 'COMPLETED') return notCompleted(runId, taskKey, row.state);
  const events = await queries.readTaskEvents(namespace, run.run, [row.task]);
  const task: Task = toFullTask(runId, row, events, 'BYTES');
  if (task.state !== TaskState.COMPLETED) return notCompleted(runId, taskKey, row.state);
  const { link } = fromBinary(TaskSpecSchema, row.spec);
  if (link !== undefined && isSame(link.result, task.result)) return accept(link);
  const found: MessageInitShape<typeof LinkSchema> = { runId, taskKey };
  return accept(create(LinkSchema, task.result === undefined ? found : { ...found, result: task.result }));
}

/** A link may come to something else than its origin did: a list, or what a guardrail has put in the place. */
function isSame(one: Payload | undefined, other: Payload | undefined): boolean {
  const nothing = create(PayloadSchema);
  return equals(PayloadSchema, one ?? nothing, other ?? nothing);
}

export function hasLinks({ tasks, childSpecs }: RunSpec): boolean {
  return tasks.some(({ link }) => link !== undefined) || Object.values(childSpecs).some(hasLinks);
}

function refuseResult(key: string, field: string): Refusal {
  const message = `task "${key}" sets link.result, which the orchestrator looks up; leave it out`;
  return reject('INVALID_FIELD', message, { key }, field);
}

function notCompleted(runId: string, taskKey: string, state: string): Refusal {
  const message = `task "${taskKey}" of run "${runId}" is ${state}: only a COMPLETED one can be linked to`;
  return reject('WRONG_STATE', message, { task_key: taskKey, state }, '');
}

function atField({ rejection }: Refusal, field: string): Refusal {
  return { ok: false, rejection: { ...rejection, field } };
}
