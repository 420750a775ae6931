// Which executors are there, as people see them?

import type { Core } from './core.ts';
import type { ExecutorSnapshot } from './inputs.ts';

export function listExecutors(core: Core, capability: string): readonly ExecutorSnapshot[] {
  const snapshots: ExecutorSnapshot[] = [];
  for (const executor of core.executors.values()) {
    if (executor.session === undefined) continue;
    if (capability !== '' && !executor.capabilities.has(capability)) continue;
    snapshots.push({
      executorId: executor.executorId,
      draining: executor.draining,
      capabilities: [...executor.capabilities.values()].map(({ name, version, maxConcurrency }) => ({
        name,
        version,
        maxConcurrency,
      })),
      labels: executor.labels,
      slots: executor.slots,
      running: executor.used,
      registeredAtMs: executor.registeredAtMs,
      heardAtMs: executor.heardAtMs,
    });
  }
  return snapshots.sort((a, b) => (a.executorId < b.executorId ? -1 : 1));
}
