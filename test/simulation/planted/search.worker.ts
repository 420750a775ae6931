// A thread that looks for a seed that finds the mutation which is planted in it. The code as shipped is loaded
// after that, so nothing that comes of it may be imported here by itself.

import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { Mutation } from './mutation.ts';
import { plant } from './plant.ts';

export interface SearchPortion {
  readonly from: number;
  readonly count: number;
}

/** Undefined: none of the portion finds it. */
export type Finding =
  | { readonly seed: number; readonly invariant: string; readonly message: string }
  | undefined;

// Most of the code is the same for all.
enableCompileCache(fileURLToPath(new URL('../../../.cache/compiled', import.meta.url)));
const mutation = workerData as Mutation;
const isPlanted = plant(mutation);
const [{ simulate }, { drawPlan }, { createCoverage }] = await Promise.all([
  import('../simulate.ts'),
  import('../scenario/plan.ts'),
  import('../world/coverage.ts'),
]);

async function search({ from, count }: SearchPortion): Promise<Finding> {
  if (!isPlanted()) throw new Error(`no simulation loads ${mutation.file}, which "${mutation.name}" changes`);
  for (let seed = from; seed < from + count; seed += 1) {
    const { violation } = await simulate(drawPlan(seed), createCoverage());
    if (violation !== undefined) {
      const { invariant, message } = violation;
      return { seed, invariant, message };
    }
  }
  return undefined;
}

parentPort?.on('message', (portion: SearchPortion) => {
  // A rejection ends the thread: it is no finding.
  void search(portion).then((finding) => parentPort?.postMessage(finding));
});
