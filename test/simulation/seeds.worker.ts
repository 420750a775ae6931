// A thread that runs the seeds it is given, a few at a time.

import { parentPort } from 'node:worker_threads';
import { drawPlan } from './scenario/plan.ts';
import { simulate } from './simulate.ts';
import { addCoverage, createTally, type Tally } from './tally.ts';
import { createCoverage } from './world/coverage.ts';

export interface Portion {
  readonly from: number;
  readonly count: number;
}

export interface PortionDone {
  readonly tally: Tally;
  /** Seeds that broke an invariant, and which. */
  readonly broken: readonly { readonly seed: number; readonly invariant: string; readonly message: string }[];
}

parentPort?.on('message', (portion: Portion) => {
  void run(portion).then((done) => parentPort?.postMessage(done));
});

async function run({ from, count }: Portion): Promise<PortionDone> {
  const tally = createTally();
  const coverage = createCoverage();
  const broken = [];
  for (let seed = from; seed < from + count; seed += 1) {
    const { violation, steps, virtualMs } = await simulate(drawPlan(seed), coverage);
    tally.seeds += 1;
    tally.steps += steps;
    tally.virtualMs += virtualMs;
    if (violation === undefined) continue;
    broken.push({ seed, invariant: violation.invariant, message: violation.message });
  }
  addCoverage(tally, coverage);
  return { tally, broken };
}
