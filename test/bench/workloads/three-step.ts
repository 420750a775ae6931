// What do three dependent steps cost, as most business workflows have them? One run after the other, for its
// latency; then 200 at once, for runs a second.

import type { ComparedWorkload } from './workload.ts';

const RUNS = 10_000;
const SERIAL_SHARE = 0.02;
const WARM_UP_RUNS = 1_000;
const AT_ONCE = 200;

export const workload: ComparedWorkload = {
  kind: 'COMPARED',
  help: 'three dependent no-ops: serial, then 200 runs at once',
  defaultSlots: 256,
  loads: ['three-step'],
  async round(contestant, options) {
    const runs = options.tasks ?? RUNS;
    const serial = Math.ceil(runs * SERIAL_SHARE);
    await contestant.warmUp({ kind: 'three-step', runs: Math.min(WARM_UP_RUNS, runs), atOnce: AT_ONCE });
    await contestant.warmUp({ kind: 'three-step', runs: serial, atOnce: 1 });
    await contestant.measure('serial', { kind: 'three-step', runs: serial, atOnce: 1 });
    await contestant.measure('200-at-once', { kind: 'three-step', runs, atOnce: AT_ONCE });
  },
};
