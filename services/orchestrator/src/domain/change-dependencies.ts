// May a task that is WAITING depend on other tasks than before (A.7)? All of the change is done, or nothing.

import { dependsOn } from './again.ts';
import { compileGraph, MAX_DEPENDENCIES, nameCircle } from './compile.ts';
import { sameValue } from './equal.ts';
import type { Change } from './events.ts';
import { edgeCount } from './growth.ts';
import { specOf, taskOf } from './lookup.ts';
import { isManager } from './manager.ts';
import { accept, type Refusal, type Rejection, type Result, reject } from './rejection.ts';
import { BY_CAPABILITY, DEFAULT_JOIN, type Dependency, PLAIN_TASK, type TaskSpec } from './spec.ts';
import type { RunState } from './state.ts';
import type { TaskState } from './states.ts';

const NOTHING: readonly Change[] = Object.freeze([]);

/** Of one task, as at submission. */
const MAX_OF_ONE = 10_000;

/** What is to be added and there already, or to be removed and not there, is as it should be. */
export function changeDependencies(
  run: RunState,
  task: number,
  add: readonly Dependency[],
  remove: readonly string[],
): Result<readonly Change[]> {
  const wrong = refuseState(run, task) ?? refuseUnknown(run, remove);
  if (wrong !== undefined) return wrong;
  const { dependencies } = specOf(run, task);
  const removed = new Set(remove);
  const kept = dependencies.filter(({ key }) => !removed.has(key));
  const fresh = add.filter((edge) => !kept.some((each) => sameValue(each, edge)));
  const all = [...kept, ...fresh];
  if (sameValue(all, dependencies)) return accept(NOTHING);
  const full = refuseTooMany(run, all.length, dependencies.length);
  if (full !== undefined) return full;
  const compiled = compileAlone(run, task, all);
  if (!compiled.ok) {
    const { rejection } = compiled;
    const places = fresh.map((edge) => add.indexOf(edge));
    return { ok: false, rejection: atChange(rejection, kept.length, places) };
  }
  const circle = findCircle(run, task, fresh);
  if (circle !== undefined) return rejectCircle(run, add, circle);
  const stranded = removed.size === 0 ? undefined : refuseStranded(run, task, all);
  if (stranded !== undefined) return stranded;
  return accept([{ type: 'TaskDependenciesChanged', task, dependencies: all }]);
}

function refuseState(run: RunState, task: number): Refusal | undefined {
  const { key } = specOf(run, task);
  const { state } = taskOf(run, task);
  const metadata = { task_key: key, state };
  if (run.phase !== 'RUNNING') {
    const message = `run "${run.runId}" is ${run.phase}: what task "${key}" depends on is of no account any more`;
    return reject('WRONG_STATE', message, { ...metadata, run_state: run.phase }, 'task_key');
  }
  if (state !== 'WAITING') {
    return notWaiting(key, state);
  }
  if (isManager(run, task)) {
    const message = `task "${key}" is the manager of its run, which decides on all others and waits for none of them`;
    return reject('WRONG_STATE', message, metadata, 'task_key');
  }
  if (!run.owners.has(task)) return undefined;
  const owner = specOf(run, run.owners.get(task) ?? task).key;
  const message = `task "${key}" was made by task "${owner}", which says itself what it waits for`;
  return reject('WRONG_STATE', message, metadata, 'task_key');
}

export function notWaiting(key: string, state: TaskState): Refusal {
  const message = `task "${key}" is ${state}; only while it is WAITING can its dependencies be changed`;
  return reject('WRONG_STATE', message, { task_key: key, state }, 'task_key');
}

function refuseUnknown(run: RunState, remove: readonly string[]): Refusal | undefined {
  for (const [index, key] of remove.entries()) {
    if (run.graph.indexOf(key) !== undefined) continue;
    const message = `remove[${index}] is "${key}", which is no task of this run; name one of its keys`;
    return reject('UNKNOWN_DEPENDENCY', message, { dependency: key }, `remove[${index}]`);
  }
  return undefined;
}

function refuseTooMany(run: RunState, count: number, before: number): Refusal | undefined {
  const edges = edgeCount(run.graph) + count - before;
  if (count <= MAX_OF_ONE && (count <= before || edges <= MAX_DEPENDENCIES)) return undefined;
  const [what, limit] = count > MAX_OF_ONE ? [count, MAX_OF_ONE] : [edges, MAX_DEPENDENCIES];
  const whose = count > MAX_OF_ONE ? 'the task' : 'the run';
  const message = `${whose} would have ${what} dependencies, ${limit} are allowed; let a task in between join what many depend on`;
  return reject('LIMIT_REACHED', message, { resource: 'run_dependencies', limit: `${limit}` }, 'add');
}

/** The task by itself, with a stand-in for each that it names; its other expressions were found usable before. */
function compileAlone(run: RunState, task: number, dependencies: readonly Dependency[]): Result<unknown> {
  const spec = specOf(run, task);
  const alone: TaskSpec = { ...spec, ...PLAIN_TASK, work: BY_CAPABILITY, parent: '', dependencies };
  const named = new Set(dependencies.map(({ key }) => key));
  named.delete(spec.key);
  const standIns = [...named].filter((key) => run.graph.indexOf(key) !== undefined);
  const plain = { ...alone, join: DEFAULT_JOIN, dependencies: [] };
  const bare = { manager: undefined, output: '', outputTask: '', inputSchema: '', childSpecs: {} };
  return compileGraph(
    {
      ...run.graph.spec,
      ...bare,
      mode: 'GRAPH',
      tasks: [alone, ...standIns.map((key) => ({ ...plain, key }))],
    },
    run.graph.expressions,
    run.graph.schemas,
  );
}

/** Fields are named in what was asked for, not in what comes of it. */
function atChange(rejection: Rejection, kept: number, places: readonly number[]): Rejection {
  const [, position = '', rest = ''] = /^tasks\[0\]\.dependencies\[(\d+)\](.*)$/.exec(rejection.field) ?? [];
  const place = places[Number(position) - kept];
  const field = position === '' || place === undefined ? 'remove' : `add[${place}]${rest}`;
  const message = position === '' ? rejection.message : rejection.message.replace(rejection.field, field);
  return { ...rejection, message, field };
}

/**
 * Tasks each of which depends on the next, and the last on the first: the task itself. Costs what depends on the task.
 */
function findCircle(
  run: RunState,
  task: number,
  fresh: readonly Dependency[],
): readonly number[] | undefined {
  const wanted = new Set(fresh.map(({ key }) => run.graph.indexOf(key)));
  /** By task that depends on it, directly or not: the one over which it does. */
  const over = new Map<number, number>([[task, task]]);
  for (const [each] of over) {
    for (const { task: dependant } of run.graph.dependants[each] ?? []) {
      if (over.has(dependant)) continue;
      over.set(dependant, each);
      if (wanted.has(dependant)) return circleFrom(over, dependant, task);
    }
  }
  return undefined;
}

/** A decision can only send back to what it depends on (checkFlow): what would wait is done again by nobody. */
function refuseStranded(run: RunState, task: number, all: readonly Dependency[]): Refusal | undefined {
  const dependencies = [...run.graph.dependencies];
  dependencies[task] = all.map((edge) => ({ ...edge, upstream: run.graph.indexOf(edge.key) ?? task }));
  const changed = { graph: { ...run.graph, dependencies } };
  for (const [decision, { key, flow }] of run.graph.spec.tasks.entries()) {
    const lost = flow.sendBack.find(({ to }) => !dependsOn(changed, decision, run.graph.indexOf(to) ?? task));
    if (lost === undefined) continue;
    const message = `task "${key}" sends back to "${lost.to}", which it would not depend on any more, directly or not; keep a way between them`;
    return reject('WRONG_STATE', message, { task_key: key, to: lost.to }, 'remove');
  }
  return undefined;
}

function circleFrom(over: ReadonlyMap<number, number>, first: number, task: number): readonly number[] {
  const circle = [task];
  for (let each = first; each !== task; each = over.get(each) ?? task) circle.push(each);
  return circle;
}

function rejectCircle(run: RunState, add: readonly Dependency[], circle: readonly number[]): Refusal {
  const cycle = nameCircle(run.graph.spec, circle);
  const upstream = specOf(run, circle[1] ?? 0).key;
  const position = add.findIndex(({ key }) => key === upstream);
  const message = `the dependencies would go in a circle, each task on the next: ${cycle}; nothing was changed`;
  return reject('DEPENDENCY_CYCLE', message, { cycle }, `add[${position}].key`);
}
