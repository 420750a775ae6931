// Which parts of a seed's plan are left? A violation is told with as few of them as still lead to it.

import type { Plan } from './plan.ts';

/** The ids of what is left, a run that was cut with how many of its tasks are left, such as `r0:2,e1,f4`. */
export function selectionOf(plan: Plan): string {
  const cuts = new Map(plan.runs.map(({ id, cut }) => [id, cut]));
  return idsOf(plan)
    .map((id) => (Number.isFinite(cuts.get(id) ?? Number.POSITIVE_INFINITY) ? `${id}:${cuts.get(id)}` : id))
    .join(',');
}

function idsOf({ runs, executors, actions, watchers, faults }: Plan): readonly string[] {
  return [runs, executors, actions, watchers, faults].flatMap((parts) => parts.map(({ id }) => id));
}

/** Throws on an id that the plan does not have, and on a cut that is no number of tasks. */
export function keepOnly(plan: Plan, selection: string): Plan {
  const kept = new Map<string, number>();
  for (const part of selection.split(',').filter((text) => text !== '')) {
    const [id = '', cut = 'Infinity'] = part.split(':');
    if (!(Number(cut) >= 1))
      throw new Error(`"${part}" leaves no task: give a number from 1 after the colon`);
    kept.set(id, Number(cut));
  }
  const known = idsOf(plan);
  const unknown = [...kept.keys()].find((id) => !known.includes(id));
  if (unknown !== undefined) {
    throw new Error(`seed ${plan.seed} plans no "${unknown}": it has ${known.join(', ')}`);
  }
  const left = <T extends { readonly id: string }>(parts: readonly T[]) =>
    parts.filter(({ id }) => kept.has(id));
  return {
    ...plan,
    runs: left(plan.runs).map((run) => ({ ...run, cut: kept.get(run.id) ?? run.cut })),
    executors: left(plan.executors),
    actions: left(plan.actions),
    watchers: left(plan.watchers),
    faults: left(plan.faults),
  };
}
