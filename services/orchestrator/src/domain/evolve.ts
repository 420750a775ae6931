// What does an event do to its run? The only place that changes a RunState.
//
// Costs the degree of the task that the event is about, never the size of the run; that of a send-back, what
// lies before and behind its two ends.

import { awaited, isLimited, isUnderWay } from './admission.ts';
import { between } from './again.ts';
import { meets } from './edges.ts';
import type { RunEvent, TasksAdded } from './events.ts';
import { evolveRun } from './evolve-run.ts';
import { evolveTask, type TaskChange } from './evolve-task.ts';
import { itemIndex, takeItem } from './expansion.ts';
import { growGraph } from './growth.ts';
import { startAdded } from './initial.ts';
import { hasRun, specOf, taskOf } from './lookup.ts';
import { noteNews } from './manager.ts';
import { moreOf } from './more.ts';
import { chargeOwner, unsettle } from './reset.ts';
import { rewire } from './rewire.ts';
import { admitHandler, noteFailure, settleEdges, withdrawHandler, withdrawRoute } from './settle.ts';
import { ownMap } from './sharing.ts';
import { noteWait } from './signals.ts';
import { noteHeld } from './start-times.ts';
import type { RunState } from './state.ts';
import { isFinalTask } from './states.ts';

/** Updates `run` in place and gives it back. Throws on an event that cannot follow on what was before. */
export function evolve(run: RunState, event: RunEvent): RunState {
  const { change } = event;
  if (event.revision <= run.lastRevision) {
    throw new Error(`run ${run.runId}: revision ${event.revision} comes after ${run.lastRevision}`);
  }
  switch (change.type) {
    case 'RunSubmitted':
    case 'RunCancelling':
    case 'RunCompleted':
    case 'RunFailed':
    case 'RunCancelled':
    case 'RunPaused':
    case 'RunResumed':
    case 'RunSignalled':
    case 'RunRestarted':
    case 'RunCompensating':
      evolveRun(run, change, event.atMs);
      break;
    case 'TasksAdded':
      addTasks(run, change, event);
      break;
    case 'TaskReady':
    case 'TaskHeld':
    case 'TaskStarted':
    case 'TaskProgressed':
    case 'TaskCancelling':
    case 'TaskRetrying':
    case 'TaskCompleted':
    case 'TaskFailed':
    case 'TaskCancelled':
    case 'TaskSkipped':
    case 'TaskRepeating':
    case 'TaskExpanded':
    case 'TaskValidating':
      moveTask(run, change, event);
      break;
    case 'TaskSignalled':
      moveTask(run, change, event);
      takeSignal(run, change.task, change.name);
      break;
    case 'TaskSentBack':
      moveTask(run, change, event);
      beginInnerLoops(run, change.to, change.task);
      break;
    case 'TaskReset':
      unsettle(run, change.task);
      moveTask(run, change, event);
      break;
    case 'TaskRouted':
      evolveTask(taskOf(run, change.task), change, event);
      if (!change.met) withdrawRoute(run, change.task, change.upstream);
      break;
    case 'TaskDependenciesChanged':
      rewire(run, change.task, change.dependencies);
      recount(run, change.task);
      break;
  }
  if (run.graph.spec.mode === 'MANAGED') noteNews(run, change);
  run.lastRevision = event.revision;
  return run;
}

function takeSignal(run: RunState, task: number, name: string): void {
  const payload = run.signals.get(name)?.shift();
  if (payload === undefined) throw new Error(`run ${run.runId} has no signal "${name}" to take`);
  if (run.signals.get(name)?.length === 0) ownMap(run.signals).delete(name);
  moreOf(taskOf(run, task)).signal = payload;
}

/**
 * A loop inside a loop begins anew. Only decisions that come before this one: a counter is cleared by what comes
 * after it alone, so that loops that merely overlap cannot keep each other going.
 */
function beginInnerLoops(run: RunState, to: number, decision: number): void {
  for (const task of between(run, to, decision)) {
    if (task !== decision) taskOf(run, task).more?.sentBack.clear();
  }
}

function addTasks(run: RunState, { specs, owner }: TasksAdded, { revision, atMs }: RunEvent): void {
  const first = run.tasks.length;
  growGraph(run, specs);
  startAdded(run, first, revision, atMs);
  for (let task = first; task < run.tasks.length; task++) {
    settleAdded(run, task, first);
    if (owner === undefined) continue;
    run.owners = ownMap(run.owners).set(task, owner);
    const { expansion } = taskOf(run, owner).more ?? {};
    if (expansion !== undefined && specOf(run, owner).flow.foreach !== undefined) {
      takeItem(expansion, itemIndex(specOf(run, task).key), task);
    }
  }
}

/** A task that is new may depend on tasks that are final already. */
function settleAdded(run: RunState, task: number, first: number): void {
  const edges = run.graph.dependencies[task] ?? [];
  if (edges.length === 0) return;
  recount(run, task);
  for (const edge of edges) if (edge.upstream < first) admitHandler(run, edge);
}

/** Counts the edges of a task that is WAITING anew; those with a `when` are judged one by one. */
function recount(run: RunState, task: number): void {
  const status = taskOf(run, task);
  status.metEdges = 0;
  status.deadEdges = 0;
  for (const { upstream, condition, when } of run.graph.dependencies[task] ?? []) {
    const { state } = taskOf(run, upstream);
    if (!isFinalTask(state)) continue;
    const judged = when === '' ? true : status.judged.get(upstream);
    if (!meets(condition, state) || judged === false) status.deadEdges++;
    else if (judged === true) status.metEdges++;
  }
}

function moveTask(run: RunState, change: TaskChange, event: RunEvent): void {
  const task = taskOf(run, change.task);
  const before = task.state;
  evolveTask(task, change, event);
  if (change.type === 'TaskStarted' && change.leaseToken === '')
    task.reason = awaited(specOf(run, change.task));
  const { state } = task;
  if (change.type === 'TaskHeld' && change.reason === 'RUN_AT_LIMIT') {
    run.line?.join(change.task, specOf(run, change.task).priority);
  }
  if (change.type === 'TaskHeld' || before === 'WAITING') noteHeld(run, change.task);
  noteWait(run, change.task, change.type === 'TaskStarted');
  if (state === before) return;
  if (isLimited(run, change.task)) run.underWay += Number(isUnderWay(state)) - Number(isUnderWay(before));
  run.counts[before]--;
  run.counts[state]++;
  if (!isFinalTask(state)) return;
  task.endedRevision = event.revision;
  settleEdges(run, change.task, state);
  if (state === 'FAILED') noteFailure(run, change.task);
  if (!hasRun(task)) withdrawHandler(run, change.task);
  chargeOwner(run, change.task, state);
}
