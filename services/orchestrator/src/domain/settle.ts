// What does the end of a task mean to the tasks around it: to the edges of its dependants, and to the
// failures that it might have handled?
//
// A dependant handles the failure of an upstream over each edge FAILURE or FINISHED, unless it ended
// without having run (`handlesNothing`), or the edge was judged dead (`unrouted`). `handlers` counts
// those that do; every function here keeps that true.

import { handlesFailure, meets } from './edges.ts';
import { specOf, taskOf } from './lookup.ts';
import { isManaged } from './manager.ts';
import { ownSet } from './sharing.ts';
import type { DependencyCondition } from './spec.ts';
import type { RunState } from './state.ts';
import type { FinalTaskState } from './states.ts';

/** Tells the dependants' counters what came of this task; edges with a `when` are judged one by one. */
export function settleEdges(run: RunState, upstream: number, state: FinalTaskState): void {
  const dependants = run.graph.dependants[upstream];
  if (dependants === undefined) return;
  for (const { task, condition, when } of dependants) {
    const status = taskOf(run, task);
    if (!meets(condition, state)) status.deadEdges++;
    else if (when === '') status.metEdges++;
  }
}

/** A task that may handle failures over this edge depends on the upstream from now on. */
export function admitHandler(
  run: RunState,
  { upstream, condition }: { readonly upstream: number; readonly condition: DependencyCondition },
): void {
  if (!handlesFailure(condition)) return;
  taskOf(run, upstream).handlers++;
  forgetFailure(run, upstream);
}

/** This task is final and did not run, so it handles nobody's failure. */
export function withdrawHandler(run: RunState, task: number): void {
  const status = taskOf(run, task);
  status.handlesNothing = true;
  const dependencies = run.graph.dependencies[task];
  if (dependencies === undefined) return;
  for (const { upstream, condition } of dependencies) {
    if (!handlesFailure(condition) || status.unrouted.has(upstream)) continue;
    taskOf(run, upstream).handlers--;
    noteFailure(run, upstream);
  }
}

/** The edge from `upstream` was judged dead: over it, this task handles nothing. */
export function withdrawRoute(run: RunState, task: number, upstream: number): void {
  const { state } = taskOf(run, upstream);
  if (state === 'COMPLETED' || state === 'SKIPPED') return;
  const status = taskOf(run, task);
  if (status.unrouted.size === 0) status.unrouted = new Set([upstream]);
  else (status.unrouted as Set<number>).add(upstream);
  // A dead edge from a task that failed was met but for its `when`: it counted as a handler.
  taskOf(run, upstream).handlers--;
  noteFailure(run, upstream);
}

/** Remembers a failure that nothing can handle any more. */
export function noteFailure(run: RunState, task: number): void {
  const { state, handlers } = taskOf(run, task);
  if (state !== 'FAILED' || handlers > 0 || specOf(run, task).allowFailure) return;
  if (isManaged(run, task)) return; // Its manager sees it, and decides what to make of it.
  run.unhandled = ownSet(run.unhandled).add(task);
  run.failedTask ??= task;
}

/** The failure of this task is undone, or may be handled again. */
export function forgetFailure(run: RunState, task: number): void {
  if (!run.unhandled.has(task)) return;
  ownSet(run.unhandled).delete(task);
  if (run.failedTask !== task) return;
  const [first] = run.unhandled;
  run.failedTask = first;
}
