// Brings an engine back to where the durable events left its namespace: ready queues in their order,
// leases with a whole duration ahead of them (their executors may be alive and come back), timers.

import { capabilityOf } from '../domain/lookup.ts';
import type { RunState, TaskStatus } from '../domain/state.ts';
import { hasTurnBefore } from '../scheduling/ready-queue.ts';
import { type ActiveRun, type QueuedTask, queuedTask } from './active-run.ts';
import type { Core } from './core.ts';
import { armExecutor, createAbsentExecutor } from './executor.ts';

export function restore(core: Core, states: readonly RunState[]): void {
  const ready: QueuedTask[] = [];
  const held: HeldTask[] = [];
  for (const state of states) {
    const run = core.admit(state, []);
    core.armRun(run);
    state.tasks.forEach((status, task) => {
      if (status.state === 'READY' && !state.paused) ready.push(queuedTask(run, task));
      if (holdsLease(status)) restoreLease(core, run, task);
      rememberLeases(core, status);
      if (status.more?.startAtMs === undefined) core.armTask(run, task);
      else held.push({ run, task, revision: status.more.heldRevision });
    });
  }
  held.sort((a, b) => a.revision - b.revision);
  for (const { run, task } of held) core.armTask(run, task);
  ready.sort((a, b) => (hasTurnBefore(a, b) ? -1 : 1));
  for (const { run, task } of ready) core.enqueue(run, task);
  for (const executor of core.executors.values()) armExecutor(core, executor);
}

/** Of timers that are due at the same moment the first one set fires first: so they are set as they were before. */
interface HeldTask {
  readonly run: ActiveRun;
  readonly task: number;
  /** Of the event that held it. */
  readonly revision: number;
}

/** Work of the orchestrator's own has no lease, nor has an attempt whose result is being checked. */
function holdsLease({ state, attempts, more }: TaskStatus): boolean {
  return state === 'RUNNING' && attempts.at(-1)?.leaseToken !== '' && more?.validating === undefined;
}

function restoreLease(core: Core, run: ActiveRun, task: number): void {
  const attempt = run.state.tasks[task]?.attempts.at(-1);
  if (attempt === undefined)
    throw new Error(`task ${task} of run ${run.state.runId} is running without an attempt`);
  core.leases.grant({
    token: attempt.leaseToken,
    run,
    task,
    capability: capabilityOf(run.state, task),
    executor: core.executors.get(attempt.executorId) ?? createAbsentExecutor(core, attempt.executorId),
    grantedAtMs: attempt.startedAtMs,
    expiresAtMs: core.nowMs + core.options.leaseDurationMs,
    deafMs: Math.max(0, core.nowMs - attempt.heardAtMs),
  });
}

/** An executor that was not answered before the restart asks again what became of its report. */
function rememberLeases(core: Core, { attempts }: TaskStatus): void {
  for (const { leaseToken, executorId, state, reported } of attempts) {
    const isRecorded = reported === true || state === 'COMPLETED' || state === 'FAILED';
    if (leaseToken === '' || (state === 'RUNNING' && !isRecorded)) continue; // Nobody's, or a living one.
    core.leases.remember(leaseToken, executorId, isRecorded ? 'RECORDED' : 'STALE');
  }
}
