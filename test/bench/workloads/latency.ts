// How long does a run of one task take? When nothing else goes on, one after the other; then submitted at fixed
// times, half as many a second as this contestant does at its best, which is measured in between. Each run is
// submitted by a call of its own, as callers who wait for an answer do.

import type { ComparedWorkload } from './workload.ts';

const RUNS = 500;
/** A second or two: none of them is measured before its code is compiled, and its caches are filled. */
const WARM_UP_RUNS = 1_000;
const PEAK_RUNS = 10_000;
const PEAK_AT_ONCE = 256;
const OPEN_SECONDS = 10;
const SHARE_OF_PEAK = 0.5;
/** However slow the contestant is: a percentile needs some. */
const LEAST_OPEN_RUNS = 100;

export const workload: ComparedWorkload = {
  kind: 'COMPARED',
  help: 'runs of one task: idle, then an open loop at half the peak',
  defaultSlots: 256,
  loads: ['latency-serial', 'latency-open'],
  async round(contestant, options) {
    const runs = options.tasks ?? RUNS;
    // With --tasks, all of it shrinks in proportion.
    const scale = runs / RUNS;
    const kind = 'latency-serial';
    await contestant.warmUp({ kind, runs: Math.min(WARM_UP_RUNS, 4 * runs), atOnce: 1 });
    await contestant.measure('idle', { kind, runs, atOnce: 1 });
    const peakLoad = { kind, runs: Math.ceil(PEAK_RUNS * scale), atOnce: PEAK_AT_ONCE } as const;
    await contestant.warmUp({ ...peakLoad, runs: Math.ceil(peakLoad.runs / 4) });
    const peak = await contestant.measure('peak', peakLoad);
    if (peak === undefined) return;
    const runsPerSecond = (SHARE_OF_PEAK * peak.runs) / peak.seconds;
    await contestant.measure('half-peak', {
      kind: 'latency-open',
      runs: Math.max(LEAST_OPEN_RUNS, Math.ceil(runsPerSecond * OPEN_SECONDS * scale)),
      runsPerSecond,
    });
  },
};
