// Runs many seeds, one thread for each core.

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Portion, PortionDone } from './seeds.worker.ts';
import { addTally, createTally, type Tally } from './tally.ts';

export interface Seeds {
  readonly from: number;
  /** Undefined: until the deadline. */
  readonly count: number | undefined;
  /** Of performance.now(); no portion is begun after it. */
  readonly deadlineMs: number | undefined;
  /** Whether it goes on after the first violation. */
  readonly all: boolean;
  readonly progress: (tally: Tally) => void;
}

export interface SeedsDone {
  readonly tally: Tally;
  readonly broken: PortionDone['broken'];
}

const PORTION = 25;

/** Rejects if a thread fails: that is a defect of the simulation, not a violation. */
export async function runSeeds(seeds: Seeds): Promise<SeedsDone> {
  const tally = createTally();
  const broken: PortionDone['broken'][number][] = [];
  const end = seeds.count === undefined ? Number.POSITIVE_INFINITY : seeds.from + seeds.count;
  let next = seeds.from;

  function nextPortion(): Portion | undefined {
    if (next >= end || (broken.length > 0 && !seeds.all)) return undefined;
    if (seeds.deadlineMs !== undefined && performance.now() >= seeds.deadlineMs) return undefined;
    const portion = { from: next, count: Math.min(PORTION, end - next) };
    next += portion.count;
    return portion;
  }

  async function work(): Promise<void> {
    const worker = new Worker(new URL('./seeds.worker.ts', import.meta.url));
    try {
      for (let portion = nextPortion(); portion !== undefined; portion = nextPortion()) {
        const done = await answerOf(worker, portion);
        addTally(tally, done.tally);
        broken.push(...done.broken);
        seeds.progress(tally);
      }
    } finally {
      await worker.terminate();
    }
  }

  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return { tally, broken: broken.sort((a, b) => a.seed - b.seed) };
}

function answerOf(worker: Worker, portion: Portion): Promise<PortionDone> {
  return new Promise((resolve, reject) => {
    const settled = (): void => {
      worker.off('message', onMessage);
      worker.off('error', onError);
    };
    const onMessage = (done: PortionDone): void => {
      settled();
      resolve(done);
    };
    const onError = (error: unknown): void => {
      settled();
      reject(error);
    };
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.postMessage(portion);
  });
}
