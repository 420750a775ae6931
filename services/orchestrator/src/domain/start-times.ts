// When may a task, or a run, begin at the earliest (C.7)?

import { taskOf } from './lookup.ts';
import type { RunState } from './state.ts';

/** Before this none of the run's tasks becomes ready; undefined where it may begin at once. */
export function runStartMs({ graph, submittedAtMs }: RunState): number | undefined {
  const { startAtMs, startDelayMs } = graph.spec;
  if (startAtMs === undefined && startDelayMs === 0) return undefined;
  return Math.max(startAtMs ?? 0, submittedAtMs + startDelayMs);
}

/** Whether the task waits for its start time. */
export function isHeld(run: RunState, task: number): boolean {
  const { state, reason } = taskOf(run, task);
  return state === 'WAITING' && reason === 'START_TIME_AHEAD';
}

/**
 * Called by evolve(): keeps `held` true after the task has moved. Those that wait for the start of the
 * run share one moment, and one timer.
 */
export function noteHeld(run: RunState, task: number): void {
  const forRun = isHeld(run, task) && taskOf(run, task).more?.startAtMs === runStartMs(run);
  if (!forRun) {
    if (run.held.size > 0) (run.held as Set<number>).delete(task);
    return;
  }
  if (run.held.size === 0) run.held = new Set();
  (run.held as Set<number>).add(task);
}

/** When the run is to begin; undefined where nothing waits for that. */
export function runBeginsAtMs(run: RunState): number | undefined {
  return run.held.size === 0 ? undefined : runStartMs(run);
}
