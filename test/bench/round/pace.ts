// How much of a load is a contestant asked for? All of it; of one that would take minutes, what takes it some seconds.
// Rates and latencies stay what they are; only that they come of fewer runs has to be known, and the counts are kept.

import type { Load, Measured } from '../peers/peer.ts';

/** What a part takes of a slow contestant, about. */
export const PART_SECONDS = 8;
/** The first runs are slower than those that follow: only who would take this many times as long is cut. */
const SLOW = 4;
/** Of a warm-up: what is tried first. */
const TRIAL_SHARE = 0.05;

export interface Pace {
  /** Warms up with as much of the load as its time allows. */
  warmUp(load: Load): Promise<void>;
  /** The load, or as much of it as its time allows, by what the warm-up has shown. */
  cut<L extends Load>(load: L): L;
}

export function createPace(run: (load: Load) => Promise<Measured>, partSeconds = PART_SECONDS): Pace {
  const perSecond = new Map<string, number>();

  async function runNoting(load: Load): Promise<void> {
    const measured = await run(load);
    // What it did, which may be less than it was asked for.
    const count = 'runs' in load ? measured.runs : measured.tasks;
    perSecond.set(keyOf(load), count / measured.seconds);
  }

  function cut<L extends Load>(load: L, most = partSeconds): L {
    const pace = perSecond.get(keyOf(load));
    if (pace === undefined || !isPaced(load) || countOf(load) <= SLOW * most * pace) return load;
    return withCount(load, Math.max(leastOf(load), Math.ceil(pace * most)));
  }

  return {
    cut,
    async warmUp(load) {
      if (isPaced(load)) {
        const trial = withCount(load, Math.max(leastOf(load), Math.ceil(countOf(load) * TRIAL_SHARE)));
        if (countOf(trial) < countOf(load)) await runNoting(trial);
      }
      await runNoting(cut(load, partSeconds / 4));
    },
  };
}

/** Chains and fans are few already, and the open loop has its own time. */
function isPaced({ kind }: Load): boolean {
  return (
    kind === 'flat-large' || kind === 'flat-single' || kind === 'latency-serial' || kind === 'three-step'
  );
}

function keyOf(load: Load): string {
  return 'atOnce' in load ? `${load.kind} ${load.atOnce}` : load.kind;
}

function countOf(load: Load): number {
  return 'runs' in load ? load.runs : load.tasks;
}

/** A percentile needs some; a loop in which many are at work at once needs more than its beginning and its end. */
function leastOf(load: Load): number {
  return Math.min(countOf(load), 'atOnce' in load ? Math.max(50, 10 * load.atOnce) : 500);
}

function withCount<L extends Load>(load: L, count: number): L {
  return 'runs' in load ? { ...load, runs: count } : { ...load, tasks: count };
}
