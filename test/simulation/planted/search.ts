// Which seed finds a planted bug? Each bug has a thread of its own, for the code is loaded with it.

import { Worker } from 'node:worker_threads';
import type { Found } from './found.ts';
import type { Mutation } from './mutation.ts';
import type { Finding, SearchPortion } from './search.worker.ts';

const PORTION = 25;
/** What a portion may take at most: a mutation that stands still has to be another one. */
const PATIENCE_MS = 120_000;

export interface Searching {
  /** The first seed of these that finds it; undefined if none does. */
  find(seeds: SearchPortion): Promise<Finding>;
  end(): Promise<void>;
}

export function searchFor(mutation: Mutation): Searching {
  const worker = new Worker(new URL('./search.worker.ts', import.meta.url), { workerData: mutation });
  const died = new Promise<never>((_, reject) => worker.once('error', reject));
  died.catch(() => {}); // Whoever asks hears of it.

  async function ask(portion: SearchPortion): Promise<Finding> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new Error(`"${mutation.name}" makes seeds from ${portion.from} on stand still`));
    }, PATIENCE_MS);
    const answered = new Promise<Finding>((resolve) => worker.once('message', resolve));
    worker.postMessage(portion);
    try {
      return await Promise.race([answered, died, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    async find({ from, count }) {
      const end = from + count;
      for (let next = from; next < end; next += PORTION) {
        const finding = await ask({ from: next, count: Math.min(PORTION, end - next) });
        if (finding !== undefined) return finding;
      }
      return undefined;
    },
    end: async () => void (await worker.terminate()),
  };
}

/** Whether the seed that found it last does so again, by the same invariant. */
export async function isStillFound(mutation: Mutation, last: Found | undefined): Promise<boolean> {
  if (last === undefined) return false;
  const searching = searchFor(mutation);
  try {
    const finding = await searching.find({ from: last.seed, count: 1 });
    return finding?.invariant === last.invariant;
  } finally {
    await searching.end();
  }
}

/** Does work on each, so many at a time; results in the order of the items. */
export async function inParallel<T, R>(
  items: readonly T[],
  jobs: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const takeTurns = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item, index);
  };
  await Promise.all(Array.from({ length: jobs }, takeTurns));
  return results;
}
