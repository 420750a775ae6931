// May these tasks join a run that is under way (DESIGN section 7: planners)?
//
// They are held to the rules of a submission: compiled as a graph of their own, with a stand-in for each
// task of the run that they name. Nothing that is there depends on what is new, so a circle can only be
// among the new ones. Costs what is added, not the size of the run.

import { dependsOn } from './again.ts';
import { compileGraph, MAX_DEPENDENCIES } from './compile.ts';
import { sameValue } from './equal.ts';
import type { Change } from './events.ts';
import { edgeCount } from './growth.ts';
import { specOf } from './lookup.ts';
import { accept, type Refusal, type Result, reject } from './rejection.ts';
import { edgeTo, succeeding } from './run-mode.ts';
import { BY_CAPABILITY, DEFAULT_JOIN, type Dependency, PLAIN_TASK, type TaskSpec } from './spec.ts';
import type { RunState } from './state.ts';
import { isFinalRun } from './states.ts';

const NOTHING: readonly Change[] = Object.freeze([]);

/** Of one run, but for what its tasks make for themselves. */
export const MAX_TASKS = 100_000;

/** Tasks that are there already, and equal, are left as they are. */
export function addTasks(run: RunState, tasks: readonly TaskSpec[]): Result<readonly Change[]> {
  if (run.phase !== 'RUNNING') return refuseEnding(run);
  const wrong = refuseKnown(run, tasks) ?? refuseUndoable(run, tasks);
  if (wrong !== undefined) return wrong;
  const fresh = inSequence(
    run,
    tasks.filter(({ key }) => run.graph.indexOf(key) === undefined),
  );
  if (fresh.length === 0) return accept(NOTHING);
  const full = refuseTooMany(run, fresh);
  if (full !== undefined) return full;
  const compiled = compileGraph(standingAlone(run, tasks), run.graph.expressions, run.graph.schemas);
  if (!compiled.ok) return compiled;
  return accept([{ type: 'TasksAdded', specs: fresh, owner: undefined }]);
}

function refuseEnding(run: RunState): Refusal {
  const what = isFinalRun(run.phase) ? 'has ended' : 'is ending';
  const message = `run "${run.runId}" is ${run.phase}: it ${what}, and takes no further tasks`;
  return reject('WRONG_STATE', message, { run_id: run.runId, state: run.phase });
}

function refuseKnown(run: RunState, tasks: readonly TaskSpec[]): Refusal | undefined {
  for (const [index, task] of tasks.entries()) {
    const known = run.graph.indexOf(task.key);
    if (known === undefined || isSame(run, specOf(run, known), task)) continue;
    const message = `the run has a task "${task.key}" already, and tasks[${index}] is another; give it a key of its own`;
    return reject('DUPLICATE_KEY', message, { key: task.key }, `tasks[${index}].key`);
  }
  return undefined;
}

function isSame(run: RunState, known: TaskSpec, task: TaskSpec): boolean {
  if (sameValue(known, task)) return true;
  // What the mode has added was never said.
  const said = known.dependencies.slice(0, -1);
  return run.graph.spec.mode === 'SEQUENTIAL' && sameValue({ ...known, dependencies: said }, task);
}

/** What only a submission can look up, or bring along. */
function refuseUndoable(run: RunState, tasks: readonly TaskSpec[]): Refusal | undefined {
  for (const [index, { key, work }] of tasks.entries()) {
    if (work.type === 'LINK') {
      const message = `task "${key}" is a link; links are looked up at submission: let an executor fetch the result instead`;
      return reject('INVALID_FIELD', message, { key }, `tasks[${index}].link`);
    }
    if (work.type !== 'CHILD_RUN' || run.graph.childGraphs.has(work.spec)) continue;
    const what = work.workflow === undefined ? `"${work.spec}"` : `the workflow "${work.workflow.name}"`;
    const message = `task "${key}" starts a run of ${what}, which the child_specs of the run do not have; it can start what they have`;
    return reject('INVALID_FIELD', message, { key }, `tasks[${index}].child_run`);
  }
  return undefined;
}

function refuseTooMany(run: RunState, fresh: readonly TaskSpec[]): Refusal | undefined {
  const count = run.tasks.length - run.owners.size + fresh.length;
  if (count > MAX_TASKS) {
    const message = `the run would have ${count} tasks, ${MAX_TASKS} are allowed; let a child run do some of it`;
    return reject('LIMIT_REACHED', message, { resource: 'run_tasks', limit: `${MAX_TASKS}` }, 'tasks');
  }
  const edges = fresh.reduce((sum, task) => sum + task.dependencies.length, edgeCount(run.graph));
  if (edges <= MAX_DEPENDENCIES) return undefined;
  const message = `the run would have ${edges} dependencies, ${MAX_DEPENDENCIES} are allowed; let a task in between join what many depend on`;
  const metadata = { resource: 'run_dependencies', limit: `${MAX_DEPENDENCIES}` };
  return reject('LIMIT_REACHED', message, metadata, 'tasks');
}

/** In a SEQUENTIAL run each comes after the one before it. */
function inSequence(run: RunState, fresh: readonly TaskSpec[]): readonly TaskSpec[] {
  if (run.graph.spec.mode !== 'SEQUENTIAL') return fresh;
  let last = run.tasks.length - 1;
  while (run.owners.has(last)) last--;
  return fresh.map((task, index) => succeeding(task, fresh[index - 1]?.key ?? specOf(run, last).key));
}

/** The tasks as a run of their own. What they name of the run stands behind them, so that fields keep their places. */
function standingAlone(run: RunState, tasks: readonly TaskSpec[]) {
  const own = new Set(tasks.map(({ key }) => key));
  const targets = new Set(tasks.flatMap(({ flow }) => flow.sendBack.map(({ to }) => to)));
  const named = new Set([...targets, ...tasks.flatMap(namedBy)]);
  const known = [...named].filter((key) => !own.has(key) && run.graph.indexOf(key) !== undefined);
  return {
    ...run.graph.spec,
    tasks: [
      ...tasks.map((task) => (task.work.type === 'CHILD_RUN' ? { ...task, work: BY_CAPABILITY } : task)),
      ...known.map((key) => standIn(run, key, targets)),
    ],
    ...({ mode: 'GRAPH', manager: undefined, output: '', outputTask: '', inputSchema: '' } as const),
    childSpecs: {},
  };
}

function namedBy({ dependencies, parent }: TaskSpec): readonly string[] {
  const keys = dependencies.map(({ key }) => key);
  return parent === '' ? keys : [...keys, parent];
}

/** Of what it depends on, only what a send-back may name is of interest. */
function standIn(run: RunState, key: string, targets: ReadonlySet<string>): TaskSpec {
  const task = run.graph.indexOf(key);
  const dependencies: Dependency[] = [];
  for (const target of targets) {
    const upstream = run.graph.indexOf(target);
    if (task === undefined || upstream === undefined || upstream === task) continue;
    if (dependsOn(run, task, upstream)) dependencies.push(edgeTo(target));
  }
  const base = specOf(run, task ?? 0);
  return { ...base, ...PLAIN_TASK, dependencies, join: DEFAULT_JOIN, parent: '' };
}
