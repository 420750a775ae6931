// Which runs does a run take results of?

import type { RunSpec, TaskSpec } from './spec.ts';

const NO_LINKS: readonly string[] = Object.freeze([]);

/** Their ids, each once; those of the runs that it may start are among them, for they are started later. */
export function linksOf({ tasks, childSpecs }: RunSpec): readonly string[] {
  const ofTasks = linksOfTasks(tasks);
  const children = Object.values(childSpecs);
  if (children.length === 0) return ofTasks;
  const links = new Set(ofTasks);
  for (const child of children) for (const link of linksOf(child)) links.add(link);
  return [...links];
}

export function linksOfTasks(tasks: readonly TaskSpec[]): readonly string[] {
  let links: Set<string> | undefined;
  for (const { work } of tasks) {
    if (work.type !== 'LINK') continue;
    links ??= new Set();
    links.add(work.runId);
  }
  return links === undefined ? NO_LINKS : [...links];
}
