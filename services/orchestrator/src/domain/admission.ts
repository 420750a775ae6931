// What stands between a task whose join is met and its being READY?

import { hasExpression } from './conditions.ts';
import type { RunSpec, TaskSpec } from './spec.ts';
import type { StateReason } from './states.ts';

/** Whether a task that depends on nothing still has to be admitted, rather than being READY at once. */
export function needsAdmission(run: RunSpec, task: TaskSpec): boolean {
  return hasExpression(task) || performsItself(task) || isHeldFirst(run, task);
}

/** Whether the orchestrator does the work itself, so that no executor is asked. */
export function performsItself({ work, flow }: TaskSpec): boolean {
  return work.type !== 'CAPABILITY' || flow.foreach !== undefined;
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
