// How full an engine is, for metrics.

import type { Core } from './core.ts';

export interface EngineGauges {
  readonly namespace: string;
  readonly queues: readonly {
    readonly capability: string;
    readonly depth: number;
    /** When the task whose turn it is became ready. */
    readonly oldestReadyAtMs: number | undefined;
  }[];
  readonly executors: number;
  readonly slotsTotal: number;
  readonly slotsUsed: number;
  readonly leases: number;
  readonly activeRuns: number;
}

export function gaugesOf(core: Core): EngineGauges {
  let executors = 0;
  let slotsTotal = 0;
  let slotsUsed = 0;
  for (const executor of core.executors.values()) {
    if (executor.session === undefined) continue;
    executors += 1;
    slotsTotal += executor.slots;
    slotsUsed += executor.used;
  }
  const queues = [...core.queues].map(([capability, queue]) => {
    const next = queue.peek();
    return { capability, depth: queue.size, oldestReadyAtMs: next?.run.state.tasks[next.task]?.readyAtMs };
  });
  return {
    namespace: core.options.namespace,
    queues,
    executors,
    slotsTotal,
    slotsUsed,
    leases: core.leases.size,
    activeRuns: core.runs.size,
  };
}
