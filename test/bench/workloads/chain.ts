// How long does one step take from the end of a task to the end of the next? In chains whose tasks take no time to
// speak of, as short and as long as they are in practice; and, to know that work is work, in one of tasks that compute.

import type { ComparedWorkload } from './workload.ts';

interface Chain {
  readonly steps: number;
  readonly fibo: number;
  readonly runs: number;
}

const CHAINS: readonly Chain[] = [
  { steps: 40, fibo: 10, runs: 20 },
  { steps: 400, fibo: 10, runs: 3 },
  { steps: 10, fibo: 33, runs: 3 },
];

export const workload: ComparedWorkload = {
  kind: 'COMPARED',
  help: 'one task after the other: 40 and 400 of fibo(10), 10 of fibo(33)',
  defaultSlots: 32,
  loads: ['chain'],
  async round(contestant, options) {
    // With --tasks, one chain of that length.
    const chains = options.tasks === undefined ? CHAINS : [{ steps: options.tasks, fibo: 10, runs: 3 }];
    for (const { steps, fibo, runs } of chains) {
      // As often as it takes for the code to be hot.
      await contestant.warmUp({
        kind: 'chain',
        runs: Math.max(1, Math.ceil(200 / steps)),
        steps,
        fibo: Math.min(fibo, 10),
      });
      await contestant.measure(`${steps}-of-fibo-${fibo}`, { kind: 'chain', runs, steps, fibo });
    }
  },
};
