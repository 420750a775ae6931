// Which of the tasks that become ready at the same moment is started first? The one from which on the run takes
// longest, by what its tasks say of themselves (TaskSpec.expected_duration).
//
// The way ahead of a task is measured once, when it comes to the run, over the tasks that come with it. Neither
// tasks that are added later nor other dependencies change it: so an order that was given holds, and a restart
// gives the same one.

import type { Change } from './events.ts';
import type { Edge, Graph } from './graph.ts';
import type { TaskSpec } from './spec.ts';

/** Whether one of them says how long it takes. Most runs have none: they pay for this look alone. */
export function saysHowLong(tasks: readonly TaskSpec[]): boolean {
  return tasks.some(({ flow }) => flow.expectedMs > 0);
}

/**
 * By task, from `first` on: its own expected duration and that of the longest way over those that depend on it, in
 * milliseconds. Costs the number of tasks and edges. Contract: no dependencies in a circle.
 *
 * @param dependencies by task, from the first of the run on
 */
export function waysAhead(
  tasks: readonly TaskSpec[],
  dependencies: readonly (readonly Edge[])[],
  first: number,
): number[] {
  const ways: number[] = new Array(tasks.length).fill(0);
  const open = new Int32Array(tasks.length);
  for (let task = 0; task < tasks.length; task++) {
    for (const { upstream } of dependencies[first + task] ?? []) {
      if (upstream >= first) open[upstream - first] = (open[upstream - first] ?? 0) + 1;
    }
  }
  const measured: number[] = [];
  for (let task = 0; task < tasks.length; task++) if (open[task] === 0) measured.push(task);
  for (let next = 0; next < measured.length; next++) {
    const task = measured[next] ?? 0;
    const way = (ways[task] ?? 0) + (tasks[task]?.flow.expectedMs ?? 0);
    ways[task] = way;
    for (const { upstream, condition } of dependencies[first + task] ?? []) {
      const before = upstream - first;
      if (before < 0) continue;
      // What is done about a failure is not what the run is expected to come to.
      if (condition !== 'FAILURE' && way > (ways[before] ?? 0)) ways[before] = way;
      const left = (open[before] ?? 0) - 1;
      open[before] = left;
      if (left === 0) measured.push(before);
    }
  }
  return ways;
}

/** 0 where no task of the run says how long it takes. */
export function wayAhead(graph: Graph, task: number): number {
  return graph.waysAhead?.[task] ?? 0;
}

/** The tasks from `first` on, in their order at one moment; undefined where that is the order of submission. */
export function turnsFrom(graph: Graph, first: number): readonly number[] | undefined {
  if (graph.waysAhead === undefined) return undefined;
  const tasks = Array.from({ length: graph.waysAhead.length - first }, (_, offset) => first + offset);
  longestWayAheadFirst(graph, tasks);
  return tasks;
}

/** Sorts in place; equals stay as they are. */
export function longestWayAheadFirst(graph: Graph, tasks: number[]): void {
  if (graph.waysAhead !== undefined) tasks.sort((a, b) => wayAhead(graph, b) - wayAhead(graph, a));
}

/** What one event means for several tasks, in the order of their turns; what stands before `begin` stays there. */
export function inTurn(graph: Graph, changes: Change[], begin: number): readonly Change[] {
  if (graph.waysAhead === undefined || changes.length - begin < 2) return changes;
  const wayOf = (change: Change) => ('task' in change ? wayAhead(graph, change.task) : 0);
  const others = changes.slice(0, begin);
  return [...others, ...changes.slice(begin).sort((a, b) => wayOf(b) - wayOf(a))];
}
