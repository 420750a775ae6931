// How much does the process have to do, and to hold? Read off Node itself.

import { totalmem } from 'node:os';
import { performance } from 'node:perf_hooks';
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { LoadSources } from './admission.ts';

/** Of the heap's limit, for what is young: three halves of 64 MiB, unless flags say otherwise. */
const YOUNG_BYTES = 192 * 1024 * 1024;
/** Of the machine's memory, or the container's: contents of payloads are not in the heap. */
const CONTENT_SHARE = 0.5;
const COLLECT_EVERY_MS = 10_000;

type Collect = (how: { readonly type: 'major'; readonly execution: 'async' }) => Promise<void>;

/** `busyShare` counts the time that the event loop did not wait, since it was asked last. */
export function createProcessLoad(): Pick<LoadSources, 'busyShare' | 'memoryShare' | 'memoryIsFull'> {
  let before = performance.eventLoopUtilization();
  let collect: Collect | undefined;
  let collectedAtMs = Number.NEGATIVE_INFINITY;
  const limitBytes = oldLimitBytes();
  const contentLimitBytes = machineBytes() * CONTENT_SHARE;
  return {
    busyShare() {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, before);
      before = now;
      return Number.isFinite(utilization) ? utilization : 0;
    },
    memoryShare: () =>
      Math.max(oldBytes() / limitBytes, getHeapStatistics().external_memory / contentLimitBytes),
    memoryIsFull() {
      if (performance.now() - collectedAtMs < COLLECT_EVERY_MS) return;
      collectedAtMs = performance.now();
      collect ??= exposedCollect();
      // Where nothing new comes in, nothing else would have what is garbage collected.
      void collect({ type: 'major', execution: 'async' });
    },
  };
}

function machineBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

/** What outlives a few collections is old, and it is the old that a process dies of. */
function oldLimitBytes(): number {
  const { heap_size_limit } = getHeapStatistics();
  return Math.max(heap_size_limit - YOUNG_BYTES, heap_size_limit * 0.45);
}

function oldBytes(): number {
  let bytes = 0;
  for (const { space_name, space_used_size } of getHeapSpaceStatistics()) {
    if (!space_name.startsWith('new_') && !space_name.startsWith('read_only')) bytes += space_used_size;
  }
  return bytes;
}

function exposedCollect(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
