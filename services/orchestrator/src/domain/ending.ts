// How does a run end, once all of its tasks are final?

import { hasToUndo, leftUndone } from './compensation.ts';
import type { Change, Verdict } from './events.ts';
import { hasRun, taskOf } from './lookup.ts';
import { isManager, managerOf } from './manager.ts';
import { completion } from './output.ts';
import type { RunState } from './state.ts';

/** Costs the size of the run where a task was cancelled on its own, else nothing; once for a run. */
export function ending(run: RunState): Change {
  if (run.verdict !== undefined) return asJudged(run.verdict, leftUndone(run));
  const end = endingOf(run);
  if (end.type === 'RunCompleted' || !hasToUndo(run)) return end;
  return { type: 'RunCompensating', verdict: verdictOf(end) };
}

type End = Extract<Change, { readonly type: 'RunCompleted' | 'RunFailed' | 'RunCancelled' }>;

function verdictOf(end: Exclude<End, { type: 'RunCompleted' }>): Verdict {
  if (end.type === 'RunFailed') {
    const { reason, failedTask, message } = end;
    return { outcome: 'FAILED', reason, failedTask, message };
  }
  return { outcome: 'CANCELLED', reason: end.reason, failedTask: undefined, message: '' };
}

/** @param left what could not be undone, in words */
function asJudged({ outcome, reason, failedTask, message: why }: Verdict, left: string): Change {
  const message = [why, left].filter((text) => text !== '').join('; ');
  if (outcome === 'FAILED') return { type: 'RunFailed', reason, failedTask, message };
  return message === '' ? { type: 'RunCancelled', reason } : { type: 'RunCancelled', reason, message };
}

function endingOf(run: RunState): End {
  const { failedTask } = run;
  if (run.phase === 'CANCELLING' && run.reason === 'RUN_TIMEOUT') {
    return { type: 'RunFailed', reason: 'RUN_TIMEOUT', failedTask: undefined, message: '' };
  }
  if (run.phase === 'CANCELLING' && run.reason === 'CANCEL_REQUESTED') {
    return { type: 'RunCancelled', reason: 'CANCEL_REQUESTED' };
  }
  if (failedTask !== undefined) {
    const gaveUp = isManager(run, failedTask) && taskOf(run, failedTask).reason === 'MANAGER_FAILED';
    return { type: 'RunFailed', reason: gaveUp ? 'MANAGER_FAILED' : 'TASK_FAILED', failedTask, message: '' };
  }
  if (run.counts.CANCELLED > 0 && !isManagedWell(run) && cancellationStands(run))
    return { type: 'RunCancelled', reason: 'TASK_CANCELLED' };
  return completion(run);
}

/** A manager that ends the run well has seen what was cancelled. */
function isManagedWell(run: RunState): boolean {
  const manager = managerOf(run);
  return manager !== undefined && taskOf(run, manager).state === 'COMPLETED';
}

/** Whether some task was cancelled and no dependant ran in spite of it. */
function cancellationStands(run: RunState): boolean {
  for (let task = 0; task < run.tasks.length; task++) {
    if (run.owners.has(task)) continue; // What it means, its owner's own state says.
    if (taskOf(run, task).state === 'CANCELLED' && !survived(run, task)) return true;
  }
  return false;
}

function survived(run: RunState, cancelled: number): boolean {
  for (const { task, condition } of run.graph.dependants[cancelled] ?? []) {
    if (condition !== 'FINISHED') continue;
    const status = taskOf(run, task);
    if (hasRun(status) && !status.unrouted.has(cancelled)) return true;
  }
  return false;
}
