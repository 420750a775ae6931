// What does a change bring with it, once the run has evolved by it?

import { cancelRest } from './cancel.ts';
import { admit, hasExpression, judge } from './conditions.ts';
import { meets, skipReason } from './edges.ts';
import { ending } from './ending.ts';
import type { Change } from './events.ts';
import { openTasks } from './evolve.ts';
import type { Dependant } from './graph.ts';
import { specOf, taskOf } from './lookup.ts';
import type { RunState } from './state.ts';
import { type FinalTaskState, isFinalTask, type StateReason } from './states.ts';

const NOTHING: readonly Change[] = Object.freeze([]);

/**
 * Must be asked right after each evolve(), before the next: it looks for the edge that tipped the
 * balance. By the time a consequence's turn comes another may have overtaken it; see stillApplies().
 */
export function follow(run: RunState, change: Change): readonly Change[] {
  switch (change.type) {
    case 'RunCancelling':
      return cancelRest(run);
    case 'TaskRetrying':
      return retryAtOnce(run, change.task);
    case 'TaskCompleted':
    case 'TaskFailed':
    case 'TaskCancelled':
    case 'TaskSkipped':
      return followFinal(run, change.task);
    case 'TaskRouted':
      return followRouted(run, change);
    case 'RunSubmitted':
      return admitFirst(run);
    case 'RunCompleted':
    case 'RunFailed':
    case 'RunCancelled':
    case 'TaskReady':
    case 'TaskStarted':
    case 'TaskProgressed':
    case 'TaskCancelling':
      return NOTHING;
  }
}

function retryAtOnce(run: RunState, task: number): readonly Change[] {
  const { retryAtMs, attempts } = taskOf(run, task);
  const endedAtMs = attempts[attempts.length - 1]?.endedAtMs;
  if (retryAtMs === undefined || endedAtMs === undefined || retryAtMs > endedAtMs) return NOTHING;
  return [{ type: 'TaskReady', task, input: undefined }];
}

/** Tasks that nothing comes before, but whose expressions decide. */
function admitFirst(run: RunState): readonly Change[] {
  const changes: Change[] = [];
  for (let task = 0; task < run.tasks.length; task++) {
    if (run.graph.required[task] === 0 && hasExpression(specOf(run, task))) changes.push(admit(run, task));
  }
  return changes;
}

function followFinal(run: RunState, task: number): readonly Change[] {
  if (openTasks(run) === 0) return [ending(run)];
  if (run.phase !== 'RUNNING') return NOTHING;
  const end = endEarly(run);
  if (end !== undefined) return [end];
  const { state } = taskOf(run, task);
  const dependants = run.graph.dependants[task];
  if (dependants === undefined || dependants.length === 0 || !isFinalTask(state)) return NOTHING;
  const changes: Change[] = [];
  for (const dependant of dependants) {
    const change = tip(run, dependant, task, state);
    if (change !== undefined) changes.push(change);
  }
  return changes;
}

function followRouted(run: RunState, change: Extract<Change, { type: 'TaskRouted' }>): readonly Change[] {
  const end = endEarly(run); // A failure may have lost its last handler.
  if (end !== undefined) return [end];
  const { task, upstream, met } = change;
  const tipped = met ? tipMet(run, task) : tipDead(run, task, upstream, 'NOT_ROUTED');
  return tipped === undefined ? NOTHING : [tipped];
}

function endEarly(run: RunState): Change | undefined {
  if (run.failedTask === undefined || run.graph.spec.failurePolicy !== 'CANCEL') return undefined;
  return { type: 'RunCancelling', reason: 'TASK_FAILED', message: '' };
}

/** The change to a waiting task for which this one edge made the difference. */
function tip(
  run: RunState,
  dependant: Dependant,
  upstream: number,
  state: FinalTaskState,
): Change | undefined {
  const { task, condition, when } = dependant;
  if (taskOf(run, task).state !== 'WAITING') return undefined;
  if (!meets(condition, state)) return tipDead(run, task, upstream, skipReason(state));
  return when === '' ? tipMet(run, task) : judge(run, task, upstream, when);
}

function tipMet(run: RunState, task: number): Change | undefined {
  return taskOf(run, task).metEdges === run.graph.required[task] ? admit(run, task) : undefined;
}

function tipDead(run: RunState, task: number, upstream: number, reason: StateReason): Change | undefined {
  const spare = (run.graph.dependencies[task]?.length ?? 0) - (run.graph.required[task] ?? 0);
  if (taskOf(run, task).deadEdges !== spare + 1) return undefined;
  switch (specOf(run, task).onUnmet) {
    case 'SKIP':
      return { type: 'TaskSkipped', task, reason, upstream };
    case 'FAIL': {
      const reason = 'DEPENDENCY_FAILED';
      return { type: 'TaskFailed', task, reason, ended: undefined, error: undefined, usage: undefined };
    }
  }
}

/**
 * Whether a change whose turn has come still holds. Consequences wait in line: a task that should be
 * skipped may be cancelled before its turn, and two failures may both end the run. The first wins.
 * (That nothing becomes ready or is skipped in a run that is ending needs no check: once a failure
 * stands, follow() gives nothing but the end, and what was found before has had its turn by then.)
 */
export function stillApplies(run: RunState, change: Change): boolean {
  switch (change.type) {
    case 'TaskReady':
    case 'TaskSkipped':
    case 'TaskFailed':
      return !isFinalTask(taskOf(run, change.task).state);
    case 'TaskRouted':
      return taskOf(run, change.task).state === 'WAITING';
    case 'RunCancelling':
      return run.phase === 'RUNNING';
    case 'RunSubmitted':
    case 'RunCompleted':
    case 'RunFailed':
    case 'RunCancelled':
    case 'TaskStarted':
    case 'TaskProgressed':
    case 'TaskCancelling':
    case 'TaskRetrying':
    case 'TaskCompleted':
    case 'TaskCancelled':
      return true;
  }
}
