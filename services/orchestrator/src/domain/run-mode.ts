// What does the mode of a run add to its graph (C.6), and which combinations make no sense?

import { accept, type Refusal, type Result, reject } from './rejection.ts';
import { type Dependency, PLAIN_EDGE, type RunSpec, type TaskSpec } from './spec.ts';

/** The specification with what its mode says of every task written out. Twice is as good as once. */
export function inMode(spec: RunSpec): Result<RunSpec> {
  switch (spec.mode) {
    case 'GRAPH':
      return unmanaged(spec) ?? accept(spec);
    case 'SEQUENTIAL':
      return unmanaged(spec) ?? oneAfterTheOther(spec);
    case 'MANAGED':
      return managed(spec);
  }
}

function unmanaged({ manager, mode }: RunSpec): Refusal | undefined {
  if (manager === undefined) return undefined;
  const message = `the run has a manager, but its mode is ${mode}; ask for the mode MANAGED, or drop the manager`;
  return reject('INVALID_FIELD', message, {}, 'manager');
}

function managed(spec: RunSpec): Result<RunSpec> {
  if (spec.manager === undefined) {
    const message = 'a run of the mode MANAGED needs a manager; say at least who it is: manager.capability';
    return reject('INVALID_FIELD', message, {}, 'manager');
  }
  if (spec.maxParallel === 0) return accept(spec);
  const message = 'max_parallel does not go with the mode MANAGED: the manager decides what is under way';
  return reject('INVALID_FIELD', message, {}, 'max_parallel');
}

/** Each task depends on the one before it, unless it says itself what it makes of that one's end. */
function oneAfterTheOther(spec: RunSpec): Result<RunSpec> {
  const tasks: TaskSpec[] = [];
  for (const [index, task] of spec.tasks.entries()) {
    if (task.join.mode !== 'ALL') {
      const message = `task "${task.key}" joins on ${task.join.mode}, but in a run of the mode SEQUENTIAL each task waits for the one before it; leave the join out`;
      return reject('INVALID_JOIN', message, { key: task.key }, `tasks[${index}].join`);
    }
    const before = spec.tasks[index - 1];
    tasks.push(before === undefined ? task : succeeding(task, before.key));
  }
  return accept({ ...spec, tasks });
}

/** The task, after another one unless it says itself what it makes of that one's end. */
export function succeeding(task: TaskSpec, before: string): TaskSpec {
  if (task.dependencies.some(({ key }) => key === before)) return task;
  return { ...task, dependencies: [...task.dependencies, edgeTo(before)] };
}

/** An edge that says no more than that. */
export function edgeTo(key: string): Dependency {
  return { key, condition: 'SUCCESS', ...PLAIN_EDGE };
}
