// What does it do to the tasks around it that a task which is WAITING depends on others now?

import { handlesFailure } from './edges.ts';
import type { Edge } from './graph.ts';
import { rewireTask } from './growth.ts';
import { taskOf } from './lookup.ts';
import { moreOf } from './more.ts';
import { admitHandler, noteFailure } from './settle.ts';
import type { Dependency } from './spec.ts';
import { noteHeld } from './start-times.ts';
import type { RunState } from './state.ts';
import type { StateReason } from './states.ts';

const HELD: readonly StateReason[] = ['START_TIME_AHEAD', 'RUN_AT_LIMIT', 'AWAITING_MANAGER'];

/** Edges that stay as they were keep what was judged of them. Counting what is met is up to evolve(). */
export function rewire(run: RunState, task: number, dependencies: readonly Dependency[]): void {
  const status = taskOf(run, task);
  if (status.state !== 'WAITING')
    throw new Error(`a task that is ${status.state} cannot get other dependencies`);
  const before = run.graph.dependencies[task] ?? [];
  rewireTask(run, task, dependencies);
  const after = run.graph.dependencies[task] ?? [];
  moreOf(status).rewired = true;
  for (const edge of before) if (!after.some((each) => isSameWait(each, edge))) leave(run, task, edge);
  for (const edge of after) if (!before.some((each) => isSameWait(each, edge))) admitHandler(run, edge);
  if (!HELD.includes(status.reason)) return;
  status.reason = 'NONE'; // Whether it is to be held is judged anew.
  if (status.more !== undefined) status.more.startAtMs = undefined;
  noteHeld(run, task);
}

/** What is handed over may differ. */
function isSameWait(one: Edge, other: Edge): boolean {
  return one.upstream === other.upstream && one.condition === other.condition && one.when === other.when;
}

function leave(run: RunState, task: number, { upstream, condition }: Edge): void {
  const status = taskOf(run, task);
  if (status.judged.has(upstream)) (status.judged as Map<number, boolean>).delete(upstream);
  if (status.unrouted.has(upstream)) {
    (status.unrouted as Set<number>).delete(upstream); // It handled nothing over this edge.
    return;
  }
  if (!handlesFailure(condition)) return;
  taskOf(run, upstream).handlers--;
  noteFailure(run, upstream);
}
