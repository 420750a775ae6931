// Do edges go in a circle, and through which tasks? Iterative: a chain may be 100,000 tasks long.

import type { Edge } from './graph.ts';

/**
 * Tasks that depend on one another in a circle, each on the next and the last on the first,
 * beginning with the smallest index; undefined if there is no circle.
 */
export function findDependencyCycle(
  dependencies: readonly (readonly Edge[])[],
  dependants: readonly (readonly { readonly task: number }[])[],
): readonly number[] | undefined {
  const open = countOpen(dependencies, dependants);
  const start = open.findIndex((count) => count > 0);
  if (start === -1) return undefined;
  // What is left is in a circle or behind one, so it always has an upstream that is left too.
  return circleFrom(start, dependencies.length, (task) => {
    const edge = dependencies[task]?.find(({ upstream }) => (open[upstream] ?? 0) > 0);
    return edge?.upstream;
  });
}

/** As above, for parents: `parents[task]` is undefined for a root. */
export function findParentCycle(parents: readonly (number | undefined)[]): readonly number[] | undefined {
  const searchedFrom = new Int32Array(parents.length).fill(-1);
  for (let start = 0; start < parents.length; start++) {
    let task: number | undefined = start;
    while (task !== undefined && searchedFrom[task] === -1) {
      searchedFrom[task] = start;
      task = parents[task];
    }
    if (task !== undefined && searchedFrom[task] === start) {
      return circleFrom(task, parents.length, (child) => parents[child]);
    }
  }
  return undefined;
}

/** For each task, how many of its upstreams cannot be put before it (Kahn's algorithm). */
function countOpen(
  dependencies: readonly (readonly Edge[])[],
  dependants: readonly (readonly { readonly task: number }[])[],
): Int32Array {
  const open = new Int32Array(dependencies.length);
  const sorted: number[] = [];
  for (let task = 0; task < dependencies.length; task++) {
    open[task] = dependencies[task]?.length ?? 0;
    if (open[task] === 0) sorted.push(task);
  }
  for (let next = 0; next < sorted.length; next++) {
    for (const { task } of dependants[sorted[next] ?? 0] ?? []) {
      const left = (open[task] ?? 0) - 1;
      open[task] = left;
      if (left === 0) sorted.push(task);
    }
  }
  return open;
}

/** Walks on until a task comes again: from its first visit on, the way is the circle. */
function circleFrom(
  start: number,
  size: number,
  next: (task: number) => number | undefined,
): readonly number[] {
  const visitedAt = new Int32Array(size).fill(-1);
  const way: number[] = [];
  let task: number | undefined = start;
  while (task !== undefined && visitedAt[task] === -1) {
    visitedAt[task] = way.length;
    way.push(task);
    task = next(task);
  }
  if (task === undefined) throw new Error('a circle was searched where none is');
  return fromSmallest(way.slice(visitedAt[task]));
}

function fromSmallest(circle: readonly number[]): readonly number[] {
  let first = 0;
  for (let at = 1; at < circle.length; at++) {
    if ((circle[at] ?? 0) < (circle[first] ?? 0)) first = at;
  }
  return [...circle.slice(first), ...circle.slice(0, first)];
}
