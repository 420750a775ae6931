// How many executors does an engine know, and how much have they said of themselves?

import type { Core } from './core.ts';
import type { RegisterExecutor } from './inputs.ts';

export interface Census {
  has(executorId: string): boolean;
  count(): number;
  /** The capabilities and labels of those that have many, but for one that registers anew. */
  heavyEntries(except: string): number;
}

/** Executors that have so few are bounded by their number. */
const FEW_ENTRIES = 16;

export function createCensus(core: Core): Census {
  return {
    has: (executorId) => core.executors.has(executorId),
    count: () => core.executors.size,
    heavyEntries(except) {
      let sum = 0;
      for (const { executorId, entries } of core.executors.values()) {
        if (executorId !== except && isHeavy(entries)) sum += entries;
      }
      return sum;
    },
  };
}

export function entriesOf({
  capabilities,
  labels,
}: Pick<RegisterExecutor, 'capabilities' | 'labels'>): number {
  return capabilities.length + Object.keys(labels).length;
}

export function isHeavy(entries: number): boolean {
  return entries > FEW_ENTRIES;
}
