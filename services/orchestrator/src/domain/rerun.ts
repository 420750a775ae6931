// Which tasks of a final run are done again (F.2, A.4), and in which order are they reset?
//
// Tasks that others made for themselves (items, checks, compensations) are never reset on their own:
// whoever made them makes new ones. Results of tasks that are not reset are kept.

import { inOrder } from './again.ts';
import type { Change, RerunScope } from './events.ts';
import { specOf, taskOf } from './lookup.ts';
import { managerOf } from './manager.ts';
import { accept, type Refusal, type Result, reject } from './rejection.ts';
import type { RunState } from './state.ts';
import { isFinalRun, type RunPhase } from './states.ts';

/** @param from with the scope FROM, and only then */
export function rerunRun(
  run: RunState,
  scope: RerunScope,
  from: number | undefined,
): Result<readonly Change[]> {
  if (!isFinalRun(run.phase)) return runNotFinal(run.runId, run.phase);
  if (from !== undefined && run.owners.has(from)) return madeByAnother(run, from);
  const undone = undoneTasks(run);
  const tasks = tasksOf(run, scope, from, undone);
  if (tasks.size === 0) return nothingToDo(run);
  const restarted = { type: 'RunRestarted', scope, from } as const;
  const ordered = inOrder(run, managerFirst(run, tasks));
  return accept([restarted, ...ordered.map((task) => reset(run, task, scope, undone))]);
}

function reset(run: RunState, task: number, scope: RerunScope, undone: ReadonlySet<number>): Change {
  const base = { type: 'TaskReset', task, reason: 'RERUN', feedback: undefined } as const;
  const isList = specOf(run, task).flow.foreach !== undefined;
  return isList && scope === 'FAILED' && !undone.has(task) ? { ...base, keepItems: true } : base;
}

function tasksOf(
  run: RunState,
  scope: RerunScope,
  from: number | undefined,
  undone: ReadonlySet<number>,
): ReadonlySet<number> {
  const tasks = new Set<number>();
  const isOwn = (task: number) => !run.owners.has(task);
  switch (scope) {
    case 'ALL':
      for (const task of run.tasks.keys()) if (isOwn(task)) tasks.add(task);
      return tasks;
    case 'FROM':
      if (from !== undefined) tasks.add(from);
      return withDependants(run, tasks, isOwn);
    case 'FAILED': {
      for (const task of run.tasks.keys()) {
        const { state } = taskOf(run, task);
        const failed = state === 'FAILED' || state === 'CANCELLED' || undone.has(task);
        if (isOwn(task) && failed) tasks.add(task);
      }
      const isOpen = (task: number) => isOwn(task) && taskOf(run, task).state !== 'COMPLETED';
      return withDependants(run, tasks, isOpen);
    }
  }
}

/** What completed and was undone as the run ended; of an item, the task that made it. */
function undoneTasks(run: RunState): ReadonlySet<number> {
  const undone = new Set<number>();
  for (const [undo, owner] of run.owners) {
    const { state, endedRevision } = taskOf(run, undo);
    if (!specOf(run, undo).key.endsWith('#undo') || state !== 'COMPLETED') continue;
    // What was undone earlier has been done again.
    if (endedRevision > taskOf(run, owner).endedRevision) undone.add(run.owners.get(owner) ?? owner);
  }
  return undone;
}

/** Adds whatever depends on them, directly or not, and `follows`. */
function withDependants(
  run: RunState,
  tasks: Set<number>,
  follows: (task: number) => boolean,
): ReadonlySet<number> {
  // A set is walked in the order of insertion, with what is added meanwhile.
  for (const task of tasks) {
    for (const { task: dependant } of run.graph.dependants[task] ?? []) {
      if (follows(dependant)) tasks.add(dependant);
    }
  }
  return tasks;
}

/** In a run that a manager leads nothing starts without its word, nor waits for one that has ended. */
function managerFirst(run: RunState, tasks: ReadonlySet<number>): ReadonlySet<number> {
  const sorted = [...tasks].sort((a, b) => a - b);
  const manager = managerOf(run);
  return new Set(manager === undefined ? sorted : [manager, ...sorted]);
}

export function runNotFinal(runId: string, phase: RunPhase): Refusal {
  const message = `run "${runId}" is ${phase}; wait for its end, or cancel it, before it is done again`;
  return reject('NOT_FINAL', message, { run_id: runId, state: phase }, 'run_id');
}

function nothingToDo(run: RunState): Refusal {
  const message = `no task of run "${run.runId}" failed or was cancelled; name a task to begin from, or ask for all`;
  return reject('WRONG_STATE', message, { run_id: run.runId, state: run.phase }, 'scope');
}

function madeByAnother(run: RunState, task: number): Refusal {
  const { key } = specOf(run, task);
  const owner = specOf(run, run.owners.get(task) ?? task).key;
  const message = `task "${key}" was made by task "${owner}", which makes it anew; begin from "${owner}"`;
  return reject('WRONG_STATE', message, { task_key: key, state: taskOf(run, task).state }, 'task_key');
}
