// What becomes of tasks that should be cancelled?

import type { RunCommand } from './commands.ts';
import type { Change, Usage } from './events.ts';
import { runningAttempt, specOf, taskOf } from './lookup.ts';
import type { Payload } from './payload.ts';
import { accept, type Refusal, type Result, reject } from './rejection.ts';
import type { RunState, TaskStatus } from './state.ts';
import { isFinalRun, isFinalTask, type RunPhase, type StateReason, type TaskState } from './states.ts';

const NOTHING: readonly Change[] = Object.freeze([]);

export function cancelRun(run: RunState, message: string): Result<readonly Change[]> {
  if (isFinalRun(run.phase)) return runAlreadyFinal(run.runId, run.phase);
  if (run.phase === 'CANCELLING' || run.phase === 'COMPENSATING') return accept(NOTHING);
  return accept([{ type: 'RunCancelling', reason: 'CANCEL_REQUESTED', message }]);
}

/** With `subtree` refused only if all of it is final. What is being cancelled already goes on so. */
export function cancelTask(
  run: RunState,
  command: Extract<RunCommand, { type: 'CancelTask' }>,
): Result<readonly Change[]> {
  const tasks = command.subtree ? subtree(run, command.task) : [command.task];
  const changes: Change[] = [];
  let open = 0;
  for (const task of tasks) {
    if (!isFinalTask(taskOf(run, task).state)) open++;
    const change = cancellation(run, task, 'CANCEL_REQUESTED');
    if (change !== undefined) changes.push(change);
  }
  if (open > 0) return accept(changes);
  const { state } = taskOf(run, command.task);
  return taskAlreadyFinal(specOf(run, command.task).key, state, command.subtree);
}

export function runAlreadyFinal(runId: string, phase: RunPhase): Refusal {
  const message = `run "${runId}" is ${phase} already; there is nothing to cancel`;
  return reject('ALREADY_FINAL', message, { state: phase });
}

/** @param subtree true: the cancellation was of all that is grouped under it too */
export function taskAlreadyFinal(key: string, state: TaskState, subtree: boolean): Refusal {
  const named = `task "${key}" is ${state} already`;
  const message = subtree ? `${named}, and so is every task under it` : named;
  return reject('ALREADY_FINAL', `${message}; there is nothing to cancel`, { state });
}

/** The end of all that is not final, once the run is CANCELLING. */
export function cancelRest(run: RunState): readonly Change[] {
  const changes: Change[] = [];
  for (let task = 0; task < run.tasks.length; task++) {
    const change = cancellation(run, task, 'RUN_ENDING');
    if (change !== undefined) changes.push(change);
  }
  return changes;
}

/**
 * However an attempt ends that was told to stop, its task is CANCELLED; what it brought is kept.
 * @param reported whether its executor's report ends it
 */
export function endCancelled(
  task: number,
  status: TaskStatus,
  partialResult: Payload | undefined,
  usage: Usage | undefined,
  reported: boolean,
): Change {
  const reason = status.cancelling?.reason ?? 'CANCEL_REQUESTED';
  return {
    type: 'TaskCancelled',
    task,
    reason,
    attempt: runningAttempt(status).number,
    partialResult,
    usage,
    ...(reported ? { reported } : {}),
  };
}

/** A task that runs is told and given its grace; every other one ends at once. */
export function cancellation(run: RunState, task: number, reason: StateReason): Change | undefined {
  const status = taskOf(run, task);
  switch (status.state) {
    case 'WAITING':
    case 'READY':
    case 'RETRYING':
      return {
        type: 'TaskCancelled',
        task,
        reason,
        attempt: undefined,
        partialResult: undefined,
        usage: undefined,
      };
    case 'RUNNING': {
      if (status.cancelling !== undefined) return undefined;
      // Work of the orchestrator's own has nobody to be told, nor has a result that is being checked.
      const alone = runningAttempt(status).leaseToken === '' || status.more?.validating !== undefined;
      const graceMs = alone ? 0 : specOf(run, task).cancelGraceMs;
      if (graceMs > 0) return { type: 'TaskCancelling', task, reason, graceMs };
      const attempt = runningAttempt(status).number;
      const { result: partialResult, usage } = status.more?.validating ?? {};
      return { type: 'TaskCancelled', task, reason, attempt, partialResult, usage };
    }
    case 'COMPLETED':
    case 'FAILED':
    case 'CANCELLED':
    case 'SKIPPED':
      return undefined;
  }
}

/** A task and all below it. Bounded: the graph has no circle of parents. */
function subtree(run: RunState, root: number): readonly number[] {
  const tasks = [root];
  for (let next = 0; next < tasks.length; next++) {
    const children = run.graph.children[tasks[next] ?? root];
    if (children !== undefined) for (const child of children) tasks.push(child);
  }
  return tasks;
}
