// Which runs does a run take results of?

import type { RunSpec, TaskSpec } from './spec.ts';

/** Their ids, each once; those of the runs that it may start are among them, for they are started later. */
export function linksOf({ tasks, childSpecs }: RunSpec): readonly string[] {
  const links = new Set(linksOfTasks(tasks));
  for (const child of Object.values(childSpecs)) for (const link of linksOf(child)) links.add(link);
  return [...links];
}

export function linksOfTasks(tasks: readonly TaskSpec[]): readonly string[] {
  const links = new Set<string>();
  for (const { work } of tasks) if (work.type === 'LINK') links.add(work.runId);
  return [...links];
}
