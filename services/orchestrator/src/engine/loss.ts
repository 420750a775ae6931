// When does an executor lose what it holds, and what keeps it from that?

import type { Core } from './core.ts';
import { armExecutor, type Executor, removeExecutor } from './executor.ts';
import type { Lease } from './leases.ts';

/** An executor's moment has come: ends what has expired, and the session if it was silent too long. */
export function expireExecutor(core: Core, executorId: string): void {
  const executor = core.executors.get(executorId);
  if (executor === undefined) return;
  const silent = executor.heardAtMs + core.options.leaseDurationMs <= core.nowMs;
  if (silent) removeExecutor(core, executor);
  for (const lease of [...executor.leases.values()]) {
    if (silent || lease.expiresAtMs <= core.nowMs) {
      // What it let run out must not come straight back to it: first it shows by a heartbeat that it lives.
      executor.accepting = false;
      loseLease(core, lease, 'EXECUTOR_LOST', `executor ${executorId} did not renew its lease in time`);
    }
  }
  if (!silent) armExecutor(core, executor);
}

/**
 * Before what an executor says is taken in. Its timer is only late where too many were due before it,
 * and then it must not renew what it has lost.
 */
export function expireIfDue(core: Core, executorId: string): void {
  const executor = core.executors.get(executorId);
  if (executor !== undefined && core.timers.isDue(executor.timer, core.nowMs)) {
    expireExecutor(core, executorId);
  }
}

/** It said that it goes: what it still holds goes back to the queue. */
export function leave(core: Core, executor: Executor): void {
  removeExecutor(core, executor);
  for (const lease of [...executor.leases.values()]) {
    loseLease(core, lease, 'RELEASED', 'the executor left before it was done');
  }
}

export function loseLease(
  core: Core,
  lease: Lease,
  code: 'EXECUTOR_LOST' | 'RELEASED',
  message: string,
): void {
  core.apply(lease.run, { type: 'LoseAttempt', task: lease.task, code, message }, { lease, status: 'STALE' });
}

/** The process stood still: nobody could be heard, so nobody is lost for it. */
export function extendLeases(core: Core, byMs: number): void {
  for (const executor of core.executors.values()) {
    executor.heardAtMs += byMs;
    for (const lease of executor.leases.values()) {
      lease.expiresAtMs += byMs;
      lease.deafMs += byMs;
      core.armTask(lease.run, lease.task);
    }
    armExecutor(core, executor);
  }
}
