// Consequences wait in line (apply.ts): does what was decided before still hold once its turn has come?

import { isLimited } from './admission.ts';
import { cancellation } from './cancel.ts';
import { isUndo } from './compensation.ts';
import type { Change, TasksAdded } from './events.ts';
import { nextItems } from './foreach.ts';
import { taskOf } from './lookup.ts';
import { mayTake } from './signals.ts';
import type { RunState } from './state.ts';
import { isFinalTask } from './states.ts';

/**
 * Whether a change whose turn has come still holds. Consequences wait in line: a task that should be
 * skipped may be cancelled before its turn, and two failures may both end the run. The first wins.
 * (That nothing becomes ready or is skipped in a run that is ending needs no check: once a failure
 * stands, follow() gives nothing but the end, and what was found before has had its turn by then.)
 */
export function stillApplies(run: RunState, change: Change): boolean {
  switch (change.type) {
    case 'TaskReady':
      return mayBeReady(run, change.task);
    case 'TaskSkipped':
      return !isFinalTask(taskOf(run, change.task).state);
    case 'TaskFailed':
      if (change.ended !== undefined) return isUnderWay(run, change.task, change.ended.attempt);
      return !isFinalTask(taskOf(run, change.task).state);
    case 'TaskRouted':
    case 'TaskHeld':
      return taskOf(run, change.task).state === 'WAITING';
    case 'TaskStarted':
      return taskOf(run, change.task).state === 'READY' && goesOn(run);
    case 'TaskCompleted':
    case 'TaskRetrying':
    case 'TaskRepeating':
    case 'TaskSentBack':
    case 'TaskValidating':
      return isUnderWay(run, change.task, change.attempt);
    case 'TaskSignalled':
      return mayTake(run, change.task, change.name);
    case 'TaskExpanded':
      return taskOf(run, change.task).state === 'RUNNING';
    case 'TaskCancelled':
      return !isFinalTask(taskOf(run, change.task).state);
    case 'TaskCancelling': {
      // The end of its owner and that of the run may both ask for it.
      const { state, cancelling } = taskOf(run, change.task);
      return state === 'RUNNING' && cancelling === undefined;
    }
    case 'RunCancelling':
      return run.phase === 'RUNNING';
    case 'TasksAdded':
      return mayBeAdded(run, change);
    case 'RunSubmitted':
    case 'RunCompleted':
    case 'RunFailed':
    case 'RunCancelled':
    case 'RunPaused':
    case 'RunResumed':
    case 'RunSignalled':
    case 'RunRestarted':
    case 'RunCompensating':
    case 'TaskProgressed':
    case 'TaskDependenciesChanged':
      return true;
    case 'TaskReset':
      return goesOn(run);
  }
}

/** Two ends may have offered one place; and who was next in line may have been reset before its turn. */
function mayBeReady(run: RunState, task: number): boolean {
  const { state, metEdges } = taskOf(run, task);
  if (state !== 'WAITING') return state === 'RETRYING';
  const hasRoom = !isLimited(run, task) || run.underWay < run.graph.spec.maxParallel;
  return hasRoom && metEdges >= (run.graph.required[task] ?? 0);
}

/**
 * A task may have been started, or have ended its attempt, since somebody asked for its end; and which items come
 * next only their turn tells.
 */
export function asOfNow(run: RunState, change: Change): Change | undefined {
  if (change.type === 'TasksAdded' && change.owner !== undefined && change.specs.length === 0)
    return nextItems(run, change.owner);
  if (change.type !== 'TaskCancelled') return change;
  const { state, attempts } = taskOf(run, change.task);
  const attempt = state === 'RUNNING' ? attempts.length : undefined;
  return attempt === change.attempt ? change : cancellation(run, change.task, change.reason);
}

/** The attempt that a change is about: another may have begun since. */
function isUnderWay(run: RunState, task: number, attempt: number): boolean {
  const { state, attempts } = taskOf(run, task);
  return state === 'RUNNING' && attempts.length === attempt;
}

/** The owner may have ended since. */
function mayBeAdded(run: RunState, { specs, owner }: TasksAdded): boolean {
  if (run.graph.indexOf(specs[0]?.key ?? '') !== undefined) return false;
  if (run.phase === 'COMPENSATING') return specs.every(isUndo);
  return run.phase === 'RUNNING' && (owner === undefined || taskOf(run, owner).state === 'RUNNING');
}

/** While it is not ending early: tasks may still become ready. */
export function goesOn({ phase }: RunState): boolean {
  return phase === 'RUNNING' || phase === 'COMPENSATING';
}
