// What does an executor's heartbeat renew, and what is it told in turn?

import { accept } from '../domain/rejection.ts';
import type { Core } from './core.ts';
import { armExecutor, type Executor, executorOf, unknownSession } from './executor.ts';
import type { Assignment, Cancellation, EngineCalls, Heartbeat, HeldAttempt } from './inputs.ts';
import { isCancelling, type Lease } from './leases.ts';
import { expireIfDue, leave, loseLease } from './loss.ts';
import { assignmentIn } from './managed.ts';
import { giveBack } from './queues.ts';

export function heartbeat(core: Core, input: Heartbeat): EngineCalls['Heartbeat']['reply'] {
  expireIfDue(core, input.executorId);
  const executor = executorOf(core, input.executorId, input.session);
  if (executor === undefined) return unknownSession(core, input.executorId, input.session);
  executor.heardAtMs = core.nowMs;
  const dropped: string[] = [];
  const cancellations: Cancellation[] = [];
  const named = new Set<string>();
  for (const attempt of input.attempts) {
    named.add(attempt.leaseToken);
    const lease = executor.leases.get(attempt.leaseToken);
    if (lease === undefined) {
      dropped.push(attempt.leaseToken);
      continue;
    }
    lease.expiresAtMs = core.nowMs + core.options.leaseDurationMs;
    recordProgress(core, lease, attempt);
    const stop = pendingCancellation(core, lease);
    if (stop !== undefined) cancellations.push(stop);
  }
  if (input.phase === 'LEAVING') {
    leave(core, executor);
    return accept({ dropped, cancellations, missing: [] });
  }
  withdrawUnstarted(core, executor, named);
  executor.draining = input.phase === 'DRAINING';
  executor.accepting = !executor.draining;
  if (executor.draining) giveBack(core, executor.executorId);
  armExecutor(core, executor);
  return accept({ dropped, cancellations, missing: missingFrom(core, executor, named) });
}

function recordProgress(core: Core, lease: Lease, attempt: HeldAttempt): void {
  const { progress } = attempt;
  const tooLarge = (attempt.checkpoint?.bytes.length ?? 0) > core.options.maxPayloadBytes;
  const checkpoint = tooLarge ? undefined : attempt.checkpoint;
  if (progress === undefined && checkpoint === undefined) return;
  lease.deafMs = 0;
  core.apply(lease.run, { type: 'RecordProgress', task: lease.task, progress, checkpoint });
}

function pendingCancellation(core: Core, lease: Lease): Cancellation | undefined {
  const cancelling = lease.run.state.tasks[lease.task]?.cancelling;
  if (cancelling === undefined) return undefined;
  return {
    leaseToken: lease.token,
    reason: cancelling.reason === 'RUN_ENDING' ? 'RUN_ENDING' : 'CANCEL_REQUESTED',
    graceMs: Math.max(0, cancelling.untilMs - core.nowMs),
  };
}

/** Bounds one answer; what is left follows with the next heartbeat. */
const MAX_RESENT_BYTES = 512 * 1_024;
/** An assignment as young as this may have crossed the heartbeat on its way. */
const ON_ITS_WAY_MS = 1_000;

/** What an executor should stop, and does not even have: nothing is left to wait for. */
function withdrawUnstarted(core: Core, executor: Executor, named: ReadonlySet<string>): void {
  for (const lease of [...executor.leases.values()]) {
    if (isOmitted(core, lease, named) && isCancelling(lease)) {
      loseLease(core, lease, 'EXECUTOR_LOST', 'the assignment did not reach its executor');
    }
  }
}

function isOmitted(core: Core, lease: Lease, named: ReadonlySet<string>): boolean {
  return !named.has(lease.token) && lease.grantedAtMs + ON_ITS_WAY_MS <= core.nowMs;
}

/** Everything here goes on: what is to stop has been withdrawn. */
function missingFrom(core: Core, executor: Executor, named: ReadonlySet<string>): readonly Assignment[] {
  const missing: Assignment[] = [];
  let bytes = 0;
  for (const lease of executor.leases.values()) {
    if (!isOmitted(core, lease, named)) continue;
    const assignment = assignmentIn(core, lease.run.state, lease.task);
    bytes += 1_024 + assignment.input.bytes.length;
    for (const dependency of assignment.dependencies) bytes += 64 + (dependency.result?.bytes.length ?? 0);
    if (missing.length > 0 && bytes > MAX_RESENT_BYTES) break;
    missing.push(assignment);
  }
  return missing;
}
