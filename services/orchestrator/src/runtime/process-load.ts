// How much does the process have to do? Read off Node itself.

import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { LoadSources } from './admission.ts';

/** `busyShare` counts the time that the event loop did not wait, since it was asked last. */
export function createProcessLoad(): Pick<LoadSources, 'busyShare' | 'heapShare'> {
  let before = performance.eventLoopUtilization();
  return {
    busyShare() {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, before);
      before = now;
      return Number.isFinite(utilization) ? utilization : 0;
    },
    heapShare() {
      const { used_heap_size, heap_size_limit } = getHeapStatistics();
      return used_heap_size / heap_size_limit;
    },
  };
}
