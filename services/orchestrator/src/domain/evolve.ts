// What does an event do to its run? The only place that changes a RunState.
//
// Costs the degree of the task that the event is about, never the size of the run.

import { handlesFailure, meets } from './edges.ts';
import type { Change, RunEvent } from './events.ts';
import { evolveTask, type TaskChange } from './evolve-task.ts';
import { hasRun, specOf, taskOf } from './lookup.ts';
import type { RunState } from './state.ts';
import { type FinalTaskState, isFinalTask, type RunPhase } from './states.ts';

/** Updates `run` in place and gives it back. Throws on an event that cannot follow on what was before. */
export function evolve(run: RunState, event: RunEvent): RunState {
  const { change } = event;
  if (event.revision <= run.lastRevision) {
    throw new Error(`run ${run.runId}: revision ${event.revision} comes after ${run.lastRevision}`);
  }
  switch (change.type) {
    case 'RunSubmitted':
      throw new Error(`run ${run.runId} was submitted twice`);
    case 'RunCancelling':
      movePhase(run, change, 'CANCELLING');
      run.reason = change.reason;
      run.message = change.message;
      break;
    case 'RunCompleted':
      endRun(run, change, 'COMPLETED', event.atMs);
      run.output = change.output;
      break;
    case 'RunFailed':
      endRun(run, change, 'FAILED', event.atMs);
      run.reason = change.reason;
      run.failedTask = change.failedTask ?? run.failedTask;
      if (change.reason === 'EXPRESSION_FAILED') run.message = change.message;
      break;
    case 'RunCancelled':
      endRun(run, change, 'CANCELLED', event.atMs);
      run.reason = change.reason;
      break;
    case 'TaskReady':
    case 'TaskStarted':
    case 'TaskProgressed':
    case 'TaskCancelling':
    case 'TaskRetrying':
    case 'TaskCompleted':
    case 'TaskFailed':
    case 'TaskCancelled':
    case 'TaskSkipped':
      moveTask(run, change, event);
      break;
    case 'TaskRouted':
      evolveTask(taskOf(run, change.task), change, event);
      if (!change.met) withdrawRoute(run, change.task, change.upstream);
      break;
  }
  run.lastRevision = event.revision;
  return run;
}

function endRun(run: RunState, change: Change, phase: RunPhase, atMs: number): void {
  if (openTasks(run) > 0) throw new Error(`run ${run.runId}: ${change.type} while tasks are not final`);
  movePhase(run, change, phase);
  run.endedAtMs = atMs;
}

function movePhase(run: RunState, change: Change, phase: RunPhase): void {
  const allowed =
    run.phase === 'RUNNING' || (run.phase === 'CANCELLING' && (phase === 'FAILED' || phase === 'CANCELLED'));
  if (!allowed) throw new Error(`run ${run.runId}: ${change.type} while it is ${run.phase}`);
  run.phase = phase;
}

function moveTask(run: RunState, change: TaskChange, event: RunEvent): void {
  const task = taskOf(run, change.task);
  const before = task.state;
  evolveTask(task, change, event);
  const { state } = task;
  if (state === before) return;
  run.counts[before]--;
  run.counts[state]++;
  if (!isFinalTask(state)) return;
  settleEdges(run, change.task, state);
  if (state === 'FAILED') noteFailure(run, change.task);
  if (!hasRun(task)) withdrawHandler(run, change.task);
}

/** Tells the dependants' counters what came of this task; edges with a `when` are judged one by one. */
function settleEdges(run: RunState, upstream: number, state: FinalTaskState): void {
  const dependants = run.graph.dependants[upstream];
  if (dependants === undefined) return;
  for (const { task, condition, when } of dependants) {
    const status = taskOf(run, task);
    if (!meets(condition, state)) status.deadEdges++;
    else if (when === '') status.metEdges++;
  }
}

/** This task is final and did not run, so it handles nobody's failure. */
function withdrawHandler(run: RunState, task: number): void {
  const dependencies = run.graph.dependencies[task];
  if (dependencies === undefined) return;
  const { unrouted } = taskOf(run, task);
  for (const { upstream, condition } of dependencies) {
    if (!handlesFailure(condition) || unrouted.has(upstream)) continue;
    taskOf(run, upstream).handlers--;
    noteFailure(run, upstream);
  }
}

/** The edge from `upstream` was judged dead: over it, this task handles nothing. */
function withdrawRoute(run: RunState, task: number, upstream: number): void {
  const { state } = taskOf(run, upstream);
  if (state === 'COMPLETED' || state === 'SKIPPED') return;
  const status = taskOf(run, task);
  if (status.unrouted.size === 0) status.unrouted = new Set([upstream]);
  else (status.unrouted as Set<number>).add(upstream);
  // A dead edge from a task that failed was met but for its `when`: it counted as a handler.
  taskOf(run, upstream).handlers--;
  noteFailure(run, upstream);
}

/** Remembers the first failure that nothing can handle any more. */
function noteFailure(run: RunState, task: number): void {
  if (run.failedTask !== undefined) return;
  const { state, handlers } = taskOf(run, task);
  if (state === 'FAILED' && handlers === 0 && !specOf(run, task).allowFailure) run.failedTask = task;
}

/** How many tasks are not final yet. */
export function openTasks(run: RunState): number {
  const { WAITING, READY, RUNNING, RETRYING } = run.counts;
  return WAITING + READY + RUNNING + RETRYING;
}
