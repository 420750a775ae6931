// Where to find what is known of one task. A wrong index is a defect of the caller: it throws.

import type { TaskError } from './events.ts';
import type { Edge } from './graph.ts';
import type { TaskSpec } from './spec.ts';
import type { AttemptStatus, RunState, TaskStatus } from './state.ts';

export function taskOf(run: RunState, task: number): TaskStatus {
  const status = run.tasks[task];
  if (status === undefined) throw new RangeError(`run ${run.runId} has no task ${task}`);
  return status;
}

export function specOf(run: RunState, task: number): TaskSpec {
  const spec = run.graph.spec.tasks[task];
  if (spec === undefined) throw new RangeError(`run ${run.runId} has no task ${task}`);
  return spec;
}

const NO_EDGES: readonly Edge[] = Object.freeze([]);

/** The foreach that a task is an item of; undefined for any other task. */
export function foreachAround(run: RunState, task: number): number | undefined {
  const owner = run.owners.get(task);
  return owner === undefined || specOf(run, owner).flow.foreach === undefined ? undefined : owner;
}

/** To the tasks that it may know of: an item sees what its foreach depends on. */
export function edgesSeenBy(run: RunState, task: number): readonly Edge[] {
  return run.graph.dependencies[foreachAround(run, task) ?? task] ?? NO_EDGES;
}

/** The attempt of a task that is RUNNING. */
export function runningAttempt(task: TaskStatus): AttemptStatus {
  const attempt = task.attempts[task.attempts.length - 1];
  if (attempt?.state !== 'RUNNING')
    throw new Error('a task without a running attempt was taken for one with');
  return attempt;
}

/** Whether it has an attempt whose outcome is open: not one whose result is being checked. */
export function isAtWork({ state, more }: TaskStatus): boolean {
  return state === 'RUNNING' && more?.validating === undefined;
}

/** Whether it is final by its own work: one that failed in its queue, or was cancelled, is not. */
export function hasRun({ state, attempts, more }: TaskStatus): boolean {
  return state === 'COMPLETED' || (state === 'FAILED' && attempts.length > (more?.attemptsBefore ?? 0));
}

/** Why the latest attempt did not succeed; undefined before the first one has ended. */
export function lastError(task: TaskStatus): TaskError | undefined {
  return task.attempts[task.attempts.length - 1]?.error;
}

/** Who is to perform its next attempt, or performs the running one; empty: the orchestrator itself. */
export function capabilityOf(run: RunState, task: number): string {
  const { capability, handling, flow } = specOf(run, task);
  if (flow.foreach !== undefined) return ''; // It is what its items ask for.
  return taskOf(run, task).more?.fallback === undefined ? capability : handling.fallback;
}
