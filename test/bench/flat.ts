// How many tasks a second, with nothing to do in them and nothing between them? Once as a few large
// runs, once as runs of a single task, submitted many in one call.

import type { Rpc } from '../support/rpc.ts';
import type { Stack } from '../support/stack.ts';
import { type Bench, type BenchOptions, noopStack } from './bench.ts';
import { type Cost, measure, median, peakRssMegabytes, round } from './measure.ts';
import { allCompleted, flatRun, type RunInit, submitAll } from './runs.ts';

const TASKS = 50_000;
const ROUNDS = 3;
const SLOTS = 1_024;
const TASKS_OF_A_LARGE_RUN = 10_000;
const WARM_UP_TASKS = 5_000;

interface Shape {
  readonly name: string;
  readonly specs: (tasks: number) => RunInit[];
  /** Runs in one call, and calls at once. */
  readonly batch: number;
  readonly inFlight: number;
}

const SHAPES: readonly Shape[] = [
  {
    name: 'large',
    specs: (tasks) =>
      Array.from({ length: Math.ceil(tasks / TASKS_OF_A_LARGE_RUN) }, (_, index) =>
        flatRun(Math.min(TASKS_OF_A_LARGE_RUN, tasks - index * TASKS_OF_A_LARGE_RUN)),
      ),
    batch: 1,
    inFlight: 2,
  },
  {
    name: 'single',
    specs: (tasks) => Array.from({ length: tasks }, () => flatRun(1)),
    batch: 500,
    inFlight: 4,
  },
];

export const flat: Bench = {
  stack: (options) => noopStack(options, SLOTS),
  async run(stack, rpc, options) {
    const tasks = options.tasks ?? TASKS;
    const shapes: Record<string, unknown> = {};
    for (const shape of SHAPES) {
      await runShape(rpc, shape, Math.min(WARM_UP_TASKS, tasks));
      shapes[shape.name] = await measureShape(stack, rpc, shape, tasks, options);
    }
    return { tasks, ...shapes, peakRssMegabytes: peakRssMegabytes(stack) };
  },
};

async function measureShape(
  stack: Stack,
  rpc: Rpc,
  shape: Shape,
  tasks: number,
  options: BenchOptions,
): Promise<object> {
  const rounds: object[] = [];
  const rates: number[] = [];
  for (let number = 1; number <= (options.rounds ?? ROUNDS); number += 1) {
    const cost = await measure(stack, () => runShape(rpc, shape, tasks));
    const rate = tasks / cost.seconds;
    rates.push(rate);
    rounds.push(describe(cost, tasks));
    options.say(
      `flat ${shape.name}, round ${number}: ${Math.round(rate)} tasks/s in ${cost.seconds.toFixed(2)} s`,
    );
  }
  return { tasksPerSecond: round(median(rates), 0), rounds };
}

async function runShape(rpc: Rpc, shape: Shape, tasks: number): Promise<void> {
  await allCompleted(rpc, await submitAll(rpc, shape.specs(tasks), shape.batch, shape.inFlight));
}

function describe(cost: Cost, tasks: number): object {
  const perThousand = Object.entries(cost.cpuSeconds).map(([name, seconds]) => [
    name,
    round((seconds * 1_000) / tasks, 4),
  ]);
  return {
    seconds: round(cost.seconds, 3),
    tasksPerSecond: round(tasks / cost.seconds, 0),
    cpuSecondsPer1000Tasks: Object.fromEntries(perThousand),
    commits: cost.commits,
  };
}
