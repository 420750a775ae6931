// What does a change bring with it, once the run has evolved by it?

import { cancelRest } from './cancel.ts';
import { undoAll } from './compensation.ts';
import { admit, judge, release } from './conditions.ts';
import { meets, skipReason } from './edges.ts';
import { ending } from './ending.ts';
import type { Change } from './events.ts';
import { openTasks } from './evolve-run.ts';
import { goOn, isAwaitedItem } from './foreach.ts';
import type { Dependant } from './graph.ts';
import { checkSpec, isAwaitedCheck, judgeResult, verdictOf } from './guardrails.ts';
import { specOf, taskOf } from './lookup.ts';
import { endWithManager, wakeManager } from './manager.ts';
import { endOwned } from './owned.ts';
import { resultJudged } from './result.ts';
import { offerSignal } from './signals.ts';
import type { RunState } from './state.ts';
import { type FinalTaskState, isFinalTask, type StateReason } from './states.ts';
import { goesOn } from './still-applies.ts';
import { inTurn } from './way-ahead.ts';
import { perform, signalled } from './work.ts';

const NOTHING: readonly Change[] = Object.freeze([]);

/**
 * Must be asked right after each evolve(), before the next: it looks for the edge that tipped the
 * balance. By the time a consequence's turn comes another may have overtaken it; see stillApplies().
 */
export function follow(run: RunState, change: Change, nowMs: number): readonly Change[] {
  const changes = consequences(run, change, nowMs);
  if (run.graph.spec.mode !== 'MANAGED' || changes.some(({ type }) => type === 'RunCancelling'))
    return changes;
  const wake = wakeManager(run, change);
  return wake === undefined ? changes : [...changes, wake];
}

function consequences(run: RunState, change: Change, nowMs: number): readonly Change[] {
  switch (change.type) {
    case 'RunCancelling':
      return cancelRest(run);
    case 'TaskRetrying':
    case 'TaskRepeating':
      return [...endOwned(run, change.task), ...tryAgain(run, change.task)];
    case 'TaskReady':
    case 'TaskHeld':
      return nextInLine(run);
    case 'TaskStarted':
      return change.leaseToken === '' ? perform(run, change.task, nowMs) : NOTHING;
    case 'RunSignalled':
      return offerSignal(run, change.name);
    case 'TaskSignalled':
      return signalled(run, change.task, nowMs);
    case 'TaskReset':
      return followReset(run, change.task, nowMs);
    case 'TasksAdded':
      return admitAdded(run, change.specs.length, nowMs);
    case 'TaskDependenciesChanged':
      return followRewired(run, change.task, nowMs);
    case 'TaskCompleted':
    case 'TaskFailed':
    case 'TaskCancelled':
    case 'TaskSkipped':
      return followFinal(run, change.task, nowMs);
    case 'TaskExpanded':
      return goOn(run, change.task, nowMs);
    case 'TaskValidating':
      return askCheck(run, change.task);
    case 'RunCompensating':
      return undoAll(run);
    case 'TaskRouted':
      return followRouted(run, change, nowMs);
    case 'RunSubmitted':
      return admitFirst(run, nowMs);
    case 'RunCompleted':
    case 'RunFailed':
    case 'RunCancelled':
    case 'RunPaused':
    case 'RunResumed':
    case 'RunRestarted':
    case 'TaskProgressed':
    case 'TaskCancelling':
    case 'TaskSentBack':
      return NOTHING;
  }
}

/** The first of those that are held for RunSpec.maxParallel, where there is room for one more. */
function nextInLine(run: RunState): readonly Change[] {
  if (run.line === undefined || run.underWay >= run.graph.spec.maxParallel || !goesOn(run)) return NOTHING;
  const next = run.line.first((task) => {
    const { state, reason } = taskOf(run, task);
    return state === 'WAITING' && reason === 'RUN_AT_LIMIT';
  });
  return next === undefined ? NOTHING : [release(run, next)];
}

/** What was done once already, or depends on others now, may be ready at once, or hopeless. */
function reconsider(run: RunState, task: number, nowMs: number): readonly Change[] {
  const status = taskOf(run, task);
  if (status.state !== 'WAITING' || !goesOn(run)) return NOTHING;
  const edges = run.graph.dependencies[task] ?? [];
  const required = run.graph.required[task] ?? 0;
  if (status.metEdges >= required) return [admit(run, task, nowMs)];
  if (status.deadEdges > edges.length - required) {
    const culprit = edges.find(({ upstream }) => isDead(run, task, upstream));
    return culprit === undefined ? NOTHING : [unmet(run, task, culprit.upstream)];
  }
  const changes: Change[] = [];
  for (const { upstream, condition, when } of edges) {
    const { state } = taskOf(run, upstream);
    if (when === '' || !isFinalTask(state) || !meets(condition, state) || status.judged.has(upstream))
      continue;
    changes.push(judge(run, task, upstream, when));
  }
  return changes;
}

function followRewired(run: RunState, task: number, nowMs: number): readonly Change[] {
  const end = endEarly(run); // A failure may have lost its last handler.
  return end === undefined ? reconsider(run, task, nowMs) : [end];
}

function isDead(run: RunState, task: number, upstream: number): boolean {
  const { state } = taskOf(run, upstream);
  const edge = run.graph.dependencies[task]?.find((each) => each.upstream === upstream);
  if (edge === undefined || !isFinalTask(state)) return false;
  return !meets(edge.condition, state) || taskOf(run, task).judged.get(upstream) === false;
}

function admitAdded(run: RunState, count: number, nowMs: number): readonly Change[] {
  const changes: Change[] = [];
  for (let task = run.tasks.length - count; task < run.tasks.length; task++) {
    if (taskOf(run, task).state === 'WAITING') changes.push(...reconsider(run, task, nowMs));
  }
  return inTurn(run.graph, changes, 0);
}

function followReset(run: RunState, task: number, nowMs: number): readonly Change[] {
  return [...endOwned(run, task), ...reconsider(run, task, nowMs), ...nextInLine(run)];
}

/** The next attempt sees what its dependencies came to: it waits where one of them is done again meanwhile. */
function tryAgain(run: RunState, task: number): readonly Change[] {
  const { metEdges } = taskOf(run, task);
  if (metEdges >= (run.graph.required[task] ?? 0)) return retryAtOnce(run, task);
  return [{ type: 'TaskReset', task, reason: 'SENT_BACK', feedback: undefined }];
}

function retryAtOnce(run: RunState, task: number): readonly Change[] {
  const { retryAtMs, attempts } = taskOf(run, task);
  const endedAtMs = attempts[attempts.length - 1]?.endedAtMs;
  if (retryAtMs === undefined || endedAtMs === undefined || retryAtMs > endedAtMs) return NOTHING;
  return [{ type: 'TaskReady', task, input: undefined }];
}

/** Tasks that nothing comes before, but that are not READY by the submission itself. */
function admitFirst(run: RunState, nowMs: number): readonly Change[] {
  const changes: Change[] = [];
  for (let task = 0; task < run.tasks.length; task++) {
    if (run.graph.required[task] === 0 && taskOf(run, task).state === 'WAITING')
      changes.push(admit(run, task, nowMs));
  }
  return inTurn(run.graph, changes, 0);
}

function followFinal(run: RunState, task: number, nowMs: number): readonly Change[] {
  const owned = followSpecial(run, task, nowMs);
  if (openTasks(run) === 0) return [ending(run)];
  if (!goesOn(run)) return owned;
  const end = run.phase === 'RUNNING' ? endEarly(run) : undefined;
  if (end !== undefined) return [end];
  const { state } = taskOf(run, task);
  const dependants = run.graph.dependants[task];
  if (dependants === undefined || dependants.length === 0 || !isFinalTask(state)) return owned;
  const changes: Change[] = [...owned];
  for (const dependant of dependants) {
    const change = tip(run, dependant, task, state, nowMs);
    if (change !== undefined) changes.push(change);
  }
  return inTurn(run.graph, changes, owned.length);
}

/** What few runs have to see to. */
function followSpecial(run: RunState, task: number, nowMs: number): readonly Change[] {
  if (run.owners.size === 0 && run.line === undefined) return NOTHING;
  return [...followOwned(run, task, nowMs), ...nextInLine(run)];
}

/** What the end of a task means to those that it made, and that of an item to the task that made it. */
function followOwned(run: RunState, task: number, nowMs: number): readonly Change[] {
  if (run.owners.size === 0) return NOTHING;
  // An item may end while its result is being checked: the check ends, and the foreach goes on.
  return [...endOwned(run, task), ...followOwner(run, task, nowMs)];
}

function followOwner(run: RunState, task: number, nowMs: number): readonly Change[] {
  const owner = run.owners.get(task);
  if (owner === undefined) return NOTHING;
  if (isAwaitedItem(run, owner, task)) return goOn(run, owner, nowMs);
  return isAwaitedCheck(run, owner, task) ? followCheck(run, owner, task, nowMs) : NOTHING;
}

/** The verdict of a capability on a result: on to the next guardrail, or it is refused. */
function followCheck(run: RunState, task: number, check: number, nowMs: number): readonly Change[] {
  const validating = taskOf(run, task).more?.validating;
  const verdict = verdictOf(run, task, check);
  if (validating === undefined || verdict === undefined) return NOTHING;
  const { usage, guardrail } = validating;
  const judged =
    verdict.type === 'PASSED' ? judgeResult(run, task, verdict.result, usage, guardrail + 1) : verdict;
  return resultJudged(run, task, judged, usage, nowMs);
}

function askCheck(run: RunState, task: number): readonly Change[] {
  const spec = checkSpec(run, task);
  return spec === undefined ? NOTHING : [{ type: 'TasksAdded', specs: [spec], owner: task }];
}

function followRouted(
  run: RunState,
  change: Extract<Change, { type: 'TaskRouted' }>,
  nowMs: number,
): readonly Change[] {
  const end = endEarly(run); // A failure may have lost its last handler.
  if (end !== undefined) return [end];
  const { task, upstream, met } = change;
  const tipped = met ? tipMet(run, task, nowMs) : tipDead(run, task, upstream, 'NOT_ROUTED', nowMs);
  return tipped === undefined ? NOTHING : [tipped];
}

function endEarly(run: RunState): Change | undefined {
  const end = endWithManager(run);
  if (end !== undefined) return end;
  if (run.failedTask === undefined || run.graph.spec.failurePolicy !== 'CANCEL') return undefined;
  if (run.restartedAfter > 0 && !hasFailedAgain(run)) return undefined;
  return { type: 'RunCancelling', reason: 'TASK_FAILED', message: '' };
}

/** What failed before a re-run, and is not done again, ends nothing early. */
function hasFailedAgain(run: RunState): boolean {
  for (const task of run.unhandled) {
    if (taskOf(run, task).endedRevision > run.restartedAfter) return true;
  }
  return false;
}

/** The change to a waiting task for which this one edge made the difference. */
function tip(
  run: RunState,
  dependant: Dependant,
  upstream: number,
  state: FinalTaskState,
  nowMs: number,
): Change | undefined {
  const { task, condition, when } = dependant;
  if (taskOf(run, task).state !== 'WAITING') return undefined;
  if (!meets(condition, state)) return tipDead(run, task, upstream, skipReason(state), nowMs);
  return when === '' ? tipMet(run, task, nowMs) : judge(run, task, upstream, when);
}

/**
 * A decision that sent the run back decides again once something of what is done again has ended, although
 * edges from outside of the loop may have met its join all the while.
 */
function decidesAgain(run: RunState, task: number): boolean {
  const { reason, metEdges } = taskOf(run, task);
  return reason === 'SENT_BACK' && metEdges >= (run.graph.required[task] ?? 0);
}

function tipMet(run: RunState, task: number, nowMs: number): Change | undefined {
  if (decidesAgain(run, task)) return admit(run, task, nowMs);
  return taskOf(run, task).metEdges === run.graph.required[task] ? admit(run, task, nowMs) : undefined;
}

function tipDead(
  run: RunState,
  task: number,
  upstream: number,
  reason: StateReason,
  nowMs: number,
): Change | undefined {
  if (decidesAgain(run, task)) return admit(run, task, nowMs);
  const spare = (run.graph.dependencies[task]?.length ?? 0) - (run.graph.required[task] ?? 0);
  if (taskOf(run, task).deadEdges !== spare + 1) return undefined;
  return unmetBecause(run, task, upstream, reason);
}

function unmet(run: RunState, task: number, upstream: number): Change {
  const { state } = taskOf(run, upstream);
  const notRouted = taskOf(run, task).judged.get(upstream) === false || !isFinalTask(state);
  return unmetBecause(run, task, upstream, notRouted ? 'NOT_ROUTED' : skipReason(state));
}

function unmetBecause(run: RunState, task: number, upstream: number, reason: StateReason): Change {
  switch (specOf(run, task).onUnmet) {
    case 'SKIP':
      return { type: 'TaskSkipped', task, reason, upstream };
    case 'FAIL': {
      const reason = 'DEPENDENCY_FAILED';
      return { type: 'TaskFailed', task, reason, ended: undefined, error: undefined, usage: undefined };
    }
  }
}
