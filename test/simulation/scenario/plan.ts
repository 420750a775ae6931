// What happens in one simulation, besides chance: everything that can be left out to find the smallest
// reproduction of a violation has an id here.

import type { ExecutorCapability } from '../../../services/orchestrator/src/engine/inputs.ts';
import { createRandom, type Random } from '../world/random.ts';
import { CAPABILITIES } from '../world/work.ts';
import { drawFaults, type FaultPlan } from './faults.ts';

export interface Plan {
  readonly seed: number;
  /** Until then there are faults; from then on everybody does what they should. */
  readonly faultsUntilMs: number;
  readonly runs: readonly RunPlan[];
  readonly executors: readonly ExecutorPlan[];
  readonly actions: readonly ActionPlan[];
  readonly watchers: readonly WatcherPlan[];
  readonly faults: readonly FaultPlan[];
}

/** Moments are counted from the beginning of the simulation. */
export interface RunPlan {
  readonly id: string;
  readonly atMs: number;
  readonly namespace: string;
  /** Only the first so many of its tasks. */
  readonly cut: number;
}

export interface ExecutorPlan {
  readonly id: string;
  readonly executorId: string;
  readonly namespace: string;
  readonly slots: number;
  readonly capabilities: readonly ExecutorCapability[];
  readonly honest: boolean;
}

export const ACTIONS = [
  'CANCEL_RUN',
  'CANCEL_TASK',
  'SIGNAL',
  'SIGNAL',
  'PAUSE',
  'RESUME',
  'RERUN',
  'RERUN',
  'CHANGE_DEPENDENCIES',
  'DELETE',
  'ARCHIVE',
  'SUBMIT_AGAIN',
  'LINK',
  'STORE_INPUT',
] as const;

export interface ActionPlan {
  readonly id: string;
  readonly atMs: number;
  readonly namespace: string;
  readonly kind: (typeof ACTIONS)[number];
  /** Which run, of those that fit at that moment; which task; whatever else is to be chosen. */
  readonly choice: number;
}

export interface WatcherPlan {
  readonly id: string;
  readonly atMs: number;
  readonly namespace: string;
  /** The run of this plan; undefined: the whole namespace. */
  readonly run: string | undefined;
  readonly slow: boolean;
}

/** Of simulations: there are so many runs in it that executors are short. */
const LOAD_SHARE = 0.03;
const NAMESPACES = ['default', 'other'] as const;

export function drawPlan(seed: number): Plan {
  const random = createRandom(seed, 'plan');
  const faultsUntilMs = random.between(5_000, 45_000);
  const namespaces = NAMESPACES.slice(0, random.chance(0.25) ? 2 : 1);
  const [fewest, most] = random.chance(LOAD_SHARE) ? [20, 40] : [1, 5];
  const runs = several(
    random,
    fewest,
    most,
    'r',
    (own, id): RunPlan => ({
      id,
      atMs: own.below(faultsUntilMs * 0.7),
      namespace: own.pick(namespaces),
      cut: Number.POSITIVE_INFINITY,
    }),
  );
  const executors = several(
    random,
    1,
    3,
    'e',
    (own, id): ExecutorPlan => ({
      id,
      executorId: id,
      namespace: own.pick(namespaces),
      ...drawOffer(own),
      honest: own.chance(0.5),
    }),
  );
  const actions = several(
    random,
    0,
    8,
    'a',
    (own, id): ActionPlan => ({
      id,
      atMs: own.below(faultsUntilMs),
      namespace: own.pick(namespaces),
      kind: own.pick(ACTIONS),
      choice: own.below(1_000_000),
    }),
  );
  const watchers = several(random, 0, 3, 'w', (own, id): WatcherPlan => {
    const run = own.chance(0.5) ? own.pick(runs) : undefined;
    return {
      id,
      atMs: own.below(faultsUntilMs),
      namespace: run?.namespace ?? own.pick(namespaces),
      run: run?.id,
      slow: own.chance(0.3),
    };
  });
  const faults = drawFaults(random.fork('faults'), faultsUntilMs, executors);
  return { seed, faultsUntilMs, runs, executors, actions, watchers, faults };
}

/** In which there may be runs. */
export function namespacesOf({ runs, actions }: Plan): readonly string[] {
  return [...new Set([...runs, ...actions].map(({ namespace }) => namespace))];
}

function several<T>(
  random: Random,
  least: number,
  most: number,
  letter: string,
  draw: (own: Random, id: string) => T,
): readonly T[] {
  const count = random.between(least, most);
  return Array.from({ length: count }, (_, index) => {
    const id = `${letter}${index}`;
    return draw(random.fork(id), id);
  });
}

function drawOffer(random: Random): Pick<ExecutorPlan, 'slots' | 'capabilities'> {
  const capabilities = CAPABILITIES.filter(() => random.chance(0.75)).map((name) => ({
    name,
    version: '',
    maxConcurrency: random.chance(0.2) ? random.between(1, 2) : 0,
  }));
  return { slots: random.between(1, 4), capabilities };
}
