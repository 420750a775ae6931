// How long does a run of one task take? When nothing else goes on, one after the other; then submitted at fixed
// times, half as many a second as this contestant does at its best, which is measured in between.

import type { ComparedWorkload } from './workload.ts';

const RUNS = 500;
const WARM_UP_RUNS = 100;
/** Of the peak, and of the open loop: so long at its rate. */
const PEAK_TASKS = 20_000;
const OPEN_SECONDS = 10;
const SHARE_OF_PEAK = 0.5;
/** However slow the contestant is, and however fast: bounds of what is submitted in the open loop. */
const LEAST_OPEN_RUNS = 100;
const MOST_OPEN_RUNS = 200_000;

export const workload: ComparedWorkload = {
  kind: 'COMPARED',
  help: 'runs of one task: idle, then an open loop at half the peak',
  defaultSlots: 256,
  loads: ['latency-serial', 'latency-open'],
  async round(contestant, options) {
    const runs = options.tasks ?? RUNS;
    await contestant.warmUp({ kind: 'latency-serial', runs: Math.min(WARM_UP_RUNS, runs) });
    await contestant.measure('idle', { kind: 'latency-serial', runs });
    // With --tasks, all of it shrinks in proportion.
    const scale = runs / RUNS;
    const tasks = Math.ceil(PEAK_TASKS * scale);
    const peak = await contestant.measure('peak', { kind: 'flat-single', tasks });
    if (peak === undefined) return;
    const runsPerSecond = (SHARE_OF_PEAK * peak.runs) / peak.seconds;
    const openRuns = Math.ceil(runsPerSecond * OPEN_SECONDS * scale);
    await contestant.measure('half-peak', {
      kind: 'latency-open',
      runs: Math.min(MOST_OPEN_RUNS, Math.max(LEAST_OPEN_RUNS, openRuns)),
      runsPerSecond,
    });
  },
};
