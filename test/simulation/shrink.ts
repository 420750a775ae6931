// What is the smallest part of a plan that still breaks the same invariant?

import type { Plan } from './scenario/plan.ts';
import { keepOnly, selectionOf } from './scenario/selection.ts';

/** Of one task list: what goes wrong with more can mostly be had with fewer. */
const CUTS = [1, 2, 3, 4, 5];

/**
 * Leaves out part after part, the biggest shares first, as long as `breaks` still says yes; then cuts runs
 * short. Everything is tried again until nothing more can go: a few hundred simulations at most.
 * @param breaks whether the plan leads to the violation in question
 */
export async function shrink(plan: Plan, breaks: (plan: Plan) => Promise<boolean>): Promise<Plan> {
  let smallest = plan;
  for (let before = ''; before !== selectionOf(smallest); ) {
    before = selectionOf(smallest);
    smallest = await withFewerParts(smallest, breaks);
    smallest = await withShorterRuns(smallest, breaks);
  }
  return smallest;
}

async function withFewerParts(plan: Plan, breaks: (plan: Plan) => Promise<boolean>): Promise<Plan> {
  let smallest = plan;
  let share = Math.ceil(partsOf(plan).length / 2);
  for (;;) {
    for (let first = 0; first < partsOf(smallest).length; ) {
      const parts = partsOf(smallest);
      const less = keepOnly(smallest, [...parts.slice(0, first), ...parts.slice(first + share)].join(','));
      if (less.runs.length > 0 && (await breaks(less))) smallest = less;
      else first += share;
    }
    if (share === 1) return smallest;
    share = Math.ceil(share / 2);
  }
}

async function withShorterRuns(plan: Plan, breaks: (plan: Plan) => Promise<boolean>): Promise<Plan> {
  let smallest = plan;
  for (const { id } of plan.runs) {
    for (const cut of CUTS) {
      const runs = smallest.runs.map((run) => (run.id === id && run.cut > cut ? { ...run, cut } : run));
      const less = { ...smallest, runs };
      if (selectionOf(less) === selectionOf(smallest) || !(await breaks(less))) continue;
      smallest = less;
      break;
    }
  }
  return smallest;
}

function partsOf(plan: Plan): readonly string[] {
  const selection = selectionOf(plan);
  return selection === '' ? [] : selection.split(',');
}
