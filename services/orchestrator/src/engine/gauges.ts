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
  const queues = depths(core);
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

/** Asked often: costs as much as there are capabilities with ready tasks. */
export function startableTasks(core: Core): number {
  let count = 0;
  for (const [capability, queue] of core.queues) if (core.pool.offers(capability)) count += queue.size;
  for (const queues of core.pinned.values()) for (const queue of queues.values()) count += queue.size;
  return count;
}

/** By capability: the tasks for anyone, and those that wait for one executor. */
function depths(core: Core): EngineGauges['queues'] {
  const byCapability = new Map<string, EngineGauges['queues'][number]>();
  for (const queues of [core.queues, ...core.pinned.values()]) {
    for (const [capability, queue] of queues) {
      const next = queue.peek();
      const readyAtMs = next?.run.state.tasks[next.task]?.readyAtMs;
      const known = byCapability.get(capability);
      const depth = (known?.depth ?? 0) + queue.size;
      const oldestReadyAtMs = earlier(known?.oldestReadyAtMs, readyAtMs);
      byCapability.set(capability, { capability, depth, oldestReadyAtMs });
    }
  }
  return [...byCapability.values()];
}

function earlier(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
