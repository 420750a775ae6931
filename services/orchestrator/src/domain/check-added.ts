// Can tasks be added to a run that is under way? They may depend on what is there, and on one another.

import { compileGraph } from './compile.ts';
import { type Refusal, reject } from './rejection.ts';
import { PLAIN_TASK, type RunSpec, type TaskSpec } from './spec.ts';
import type { RunState } from './state.ts';

/** Of a run, those included that were added before. */
export const MAX_TASKS = 100_000;

/** Undefined if they can. Costs what is added. Fields are named as of `tasks`, in the order given. */
export function checkAdded(run: RunState, added: readonly TaskSpec[]): Refusal | undefined {
  const { graph } = run;
  if (run.tasks.length + added.length > MAX_TASKS) {
    const message = `the run has ${run.tasks.length} tasks, ${MAX_TASKS} are allowed; add fewer than ${added.length}`;
    return reject('INVALID_FIELD', message, {}, 'tasks');
  }
  for (const [index, { key }] of added.entries()) {
    if (graph.indexOf(key) === undefined) continue;
    const message = `the run has a task "${key}" already; give the new one a key of its own`;
    return reject('DUPLICATE_KEY', message, { key }, `tasks[${index}].key`);
  }
  const spec: RunSpec = {
    ...graph.spec,
    mode: 'GRAPH',
    manager: undefined,
    output: '',
    outputTask: '',
    tasks: [...added, ...standIns(run, added)],
  };
  const compiled = compileGraph(spec, graph.expressions, graph.schemas);
  return compiled.ok ? undefined : compiled;
}

/** What the new tasks name of those that are there, bare: nothing that is there depends on what is new. */
function standIns(run: RunState, added: readonly TaskSpec[]): readonly TaskSpec[] {
  const own = new Set(added.map(({ key }) => key));
  const named = new Set<string>();
  for (const { dependencies, parent, flow } of added) {
    for (const { key } of dependencies) named.add(key);
    if (parent !== '') named.add(parent);
    for (const { to } of flow.sendBack) named.add(to);
  }
  const tasks: TaskSpec[] = [];
  for (const key of named) {
    const index = own.has(key) ? undefined : run.graph.indexOf(key);
    const spec = index === undefined ? undefined : run.graph.spec.tasks[index];
    if (spec !== undefined)
      tasks.push({ ...spec, ...PLAIN_TASK, dependencies: [], parent: '', join: { mode: 'ALL' } });
  }
  return tasks;
}
