// When has a run stood still for so long that people should be told what it waits for? Pure: the caller
// measures.

import type { Counts } from './line.ts';

/** Longer than an executor takes to come back after a restart of its own. */
const stillAfterMs = 2_000;
/** How often it is worth looking again: another capability may be missing by then. */
const againAfterMs = 5_000;

export interface Stillness {
  /** True when it is time to look for the reason: tasks are ready, and for a while none was running. */
  see(counts: Pick<Counts, 'ready' | 'running'>, nowMs: number): boolean;
}

export function createStillness(): Stillness {
  let lookAtMs: number | undefined;
  return {
    see({ ready, running }, nowMs) {
      if (ready === 0 || running > 0) {
        lookAtMs = undefined;
        return false;
      }
      lookAtMs ??= nowMs + stillAfterMs;
      if (nowMs < lookAtMs) return false;
      lookAtMs = nowMs + againAfterMs;
      return true;
    },
  };
}
