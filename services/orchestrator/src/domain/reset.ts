// What does a task leave behind that is to be done again? The undoing of settle.ts.

import { handlesFailure, meets } from './edges.ts';
import { countItem, discountItem, itemOf } from './expansion.ts';
import { hasRun, specOf, taskOf } from './lookup.ts';
import { forgetFailure } from './settle.ts';
import type { Expansion, RunState, TaskStatus } from './state.ts';
import { type FinalTaskState, isFinalTask } from './states.ts';

/** Takes back what the end of this task has told others. Called before the task itself is reset. */
export function unsettle(run: RunState, task: number): void {
  const status = taskOf(run, task);
  const { state } = status;
  if (!isFinalTask(state)) return;
  for (const { task: dependant, condition, when } of run.graph.dependants[task] ?? []) {
    unsettleEdge(run, taskOf(run, dependant), task, meets(condition, state), when);
  }
  forgetFailure(run, task);
  dischargeOwner(run, task, state);
  if (!hasRun(status)) readmitHandler(run, task);
}

function unsettleEdge(
  run: RunState,
  dependant: TaskStatus,
  upstream: number,
  conditionMet: boolean,
  when: string,
): void {
  if (!conditionMet) {
    dependant.deadEdges--;
    return;
  }
  if (when === '') {
    dependant.metEdges--;
    return;
  }
  const judged = dependant.judged.get(upstream);
  if (judged === undefined) return;
  (dependant.judged as Map<number, boolean>).delete(upstream);
  if (judged) dependant.metEdges--;
  else dependant.deadEdges--;
  if (dependant.unrouted.has(upstream)) {
    (dependant.unrouted as Set<number>).delete(upstream);
    if (!dependant.handlesNothing) taskOf(run, upstream).handlers++;
  }
}

/** It may run again, so it may handle failures again. */
function readmitHandler(run: RunState, task: number): void {
  const status = taskOf(run, task);
  status.handlesNothing = false;
  for (const { upstream, condition } of run.graph.dependencies[task] ?? []) {
    if (!handlesFailure(condition) || status.unrouted.has(upstream)) continue;
    taskOf(run, upstream).handlers++;
    forgetFailure(run, upstream);
  }
}

/** Counts a child that is final for the foreach that made it. */
export function chargeOwner(run: RunState, task: number, state: FinalTaskState): void {
  const expansion = expansionAround(run, task);
  if (expansion === undefined) return;
  const index = itemOf(expansion, specOf(run, task).key, task);
  if (index !== undefined) countItem(expansion, index, state);
}

function dischargeOwner(run: RunState, task: number, state: FinalTaskState): void {
  const expansion = expansionAround(run, task);
  if (expansion === undefined) return;
  if (itemOf(expansion, specOf(run, task).key, task) !== undefined) discountItem(expansion, state);
}

function expansionAround(run: RunState, task: number): Expansion | undefined {
  const owner = run.owners.get(task);
  return owner === undefined ? undefined : taskOf(run, owner).more?.expansion;
}
