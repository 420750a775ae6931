// What stands between a task whose join is met and its being READY?

import { specOf } from './lookup.ts';
import type { RunSpec, TaskSpec } from './spec.ts';
import { runStartMs } from './start-times.ts';
import type { RunState } from './state.ts';
import type { StateReason, TaskState } from './states.ts';

/** Whether a task that depends on nothing still has to be admitted, rather than being READY at once. */
export function needsAdmission(run: RunSpec, task: TaskSpec): boolean {
  return hasExpression(task) || performsItself(task) || isHeldFirst(run, task);
}

/** Tasks whose readiness only an evaluation can tell. */
function hasExpression({ when, inputExpression }: TaskSpec): boolean {
  return when !== '' || inputExpression !== '';
}

/**
 * Whether the orchestrator does the work itself, so that no executor is asked. It has its turn all the same: loops may
 * go round a million times, and lists be long, and no step may be as long as that.
 */
export function performsItself({ work, flow }: TaskSpec): boolean {
  return work.type !== 'CAPABILITY' || flow.foreach !== undefined;
}

/** Whether an attempt of the task is a run of its own. */
export function startsRun({ work, flow }: TaskSpec): boolean {
  return work.type === 'CHILD_RUN' && flow.foreach === undefined;
}

/** Whether RunSpec.maxParallel counts the task: not what it makes itself, nor what nobody is asked for. */
export function isLimited(run: RunState, task: number): boolean {
  return run.line !== undefined && !run.owners.has(task) && !performsItself(specOf(run, task));
}

export function isUnderWay(state: TaskState): boolean {
  return state === 'READY' || state === 'RUNNING' || state === 'RETRYING';
}

/**
 * When a task may become ready whose join is met now. What a task made for itself has begun with it: a clock
 * that went back since must not hold it, least of all an undo, for which no time of the run is waited.
 */
export function startTimeMs(run: RunState, task: number, nowMs: number): number {
  const { startAtMs = 0, startDelayMs } = specOf(run, task).flow;
  const runBeginsAtMs = run.owners.has(task) ? 0 : (runStartMs(run) ?? 0);
  return Math.max(runBeginsAtMs, startAtMs, startDelayMs === 0 ? 0 : nowMs + startDelayMs);
}

/** What a task waits for whose work the orchestrator does itself. */
export function awaited({ work, flow }: TaskSpec): StateReason {
  if (flow.foreach !== undefined) return 'AWAITING_ITEMS';
  switch (work.type) {
    case 'SIGNAL':
      return 'AWAITING_SIGNAL';
    case 'TIMER':
      return 'AWAITING_TIMER';
    case 'CHILD_RUN':
      return 'AWAITING_CHILD_RUN';
    case 'CAPABILITY':
    case 'EXPRESSION':
    case 'LINK':
      return 'NONE';
  }
}

function isHeldFirst(run: RunSpec, { flow }: TaskSpec): boolean {
  return (
    flow.startAtMs !== undefined ||
    flow.startDelayMs > 0 ||
    run.startAtMs !== undefined ||
    run.startDelayMs > 0 ||
    run.maxParallel > 0 ||
    run.mode === 'MANAGED'
  );
}
