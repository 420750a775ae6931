// Which tasks are done again, and in which order are they reset?
//
// Upstream first: each is judged anew right after its own reset, by what then stands before it.

import { specOf, taskOf } from './lookup.ts';
import type { RunState } from './state.ts';
import { longestWayAheadFirst } from './way-ahead.ts';

/** Everything between two tasks over dependencies, both included. */
export function between(run: RunState, first: number, last: number): Set<number> {
  const after = reached(first, (task) => (run.graph.dependants[task] ?? []).map((edge) => edge.task));
  const before = reached(last, (task) => (run.graph.dependencies[task] ?? []).map((edge) => edge.upstream));
  return new Set([...after].filter((task) => before.has(task)));
}

/** A task and everything that depends on it, directly or not. */
export function downstream(run: RunState, task: number): Set<number> {
  return reached(task, (each) => (run.graph.dependants[each] ?? []).map((edge) => edge.task));
}

/** Whether the one depends on the other, directly or not. */
export function dependsOn(run: Pick<RunState, 'graph'>, task: number, upstream: number): boolean {
  return reached(task, (each) => (run.graph.dependencies[each] ?? []).map((edge) => edge.upstream)).has(
    upstream,
  );
}

function reached(first: number, next: (task: number) => readonly number[]): Set<number> {
  const found = new Set([first]);
  for (const task of found) for (const each of next(task)) found.add(each);
  return found;
}

/**
 * With the tasks that wait in the queue, for another attempt or for their time, on the strength of what is
 * done again: they have to wait anew. What runs goes on.
 */
export function withQueued(run: RunState, tasks: ReadonlySet<number>): Set<number> {
  const all = new Set(tasks);
  for (const task of all) {
    for (const { task: dependant } of run.graph.dependants[task] ?? []) {
      if (isQueued(run, dependant)) all.add(dependant);
    }
  }
  return all;
}

function isQueued(run: RunState, task: number): boolean {
  const { state, reason } = taskOf(run, task);
  if (state === 'READY' || state === 'RETRYING') return true;
  const held = reason === 'START_TIME_AHEAD' || reason === 'RUN_AT_LIMIT' || reason === 'AWAITING_MANAGER';
  return state === 'WAITING' && held;
}

/** Each after those of the set that it depends on; what is not held by any, in its turn. */
export function inOrder(run: RunState, tasks: ReadonlySet<number>): readonly number[] {
  const open = new Map<number, number>();
  for (const task of tasks) {
    const edges = run.graph.dependencies[task] ?? [];
    open.set(task, edges.filter(({ upstream }) => tasks.has(upstream)).length);
  }
  const order = [...open].filter(([, count]) => count === 0).map(([task]) => task);
  // Where there is a manager, it is the first, and says itself what is next.
  if (run.graph.spec.mode !== 'MANAGED') longestWayAheadFirst(run.graph, order);
  for (const task of order) {
    for (const { task: dependant } of run.graph.dependants[task] ?? []) {
      const count = open.get(dependant);
      if (count === undefined) continue;
      open.set(dependant, count - 1);
      if (count === 1) order.push(dependant);
    }
  }
  if (order.length !== tasks.size) throw new Error(`run ${run.runId}: tasks to be reset go in a circle`);
  return order;
}

/** Made by another task for itself: it is never done again on its own. */
export function isOwned(run: RunState, task: number): boolean {
  return run.owners.has(task) || specOf(run, task).key.includes('#');
}
