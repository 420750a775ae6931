// Who is the manager of a run (C.6), which tasks wait for it, and when is it asked again?
//
// It is a task like any other that is RETRYING while it has nothing to decide, without a moment at which that
// ends: the end of something that it chose ends it. Whatever happens while it decides is remembered
// (RunState.news), and it is asked once more for all of that.

import type { Change } from './events.ts';
import { specOf, taskOf } from './lookup.ts';
import { plainTask } from './plain-task.ts';
import { DEFAULT_RETRY, type Manager, type RunSpec, type TaskSpec } from './spec.ts';
import type { RunState } from './state.ts';
import { isFinalTask } from './states.ts';

/** Bad decisions in a row, as any failed attempts of one round, that fail the run. */
const MAX_ATTEMPTS = 3;

function managerTask({ key, capability, timeouts }: Manager): TaskSpec {
  return plainTask(key, capability, { retry: { ...DEFAULT_RETRY, maxAttempts: MAX_ATTEMPTS }, timeouts });
}

export function isManager(run: RunState, task: number): boolean {
  const { mode, manager } = run.graph.spec;
  return mode === 'MANAGED' && manager?.key === specOf(run, task).key;
}

/** The specification with the manager's own task, the last one. Twice is as good as once. */
export function withManager(spec: RunSpec): RunSpec {
  const { mode, manager, output, outputTask, tasks } = spec;
  if (mode !== 'MANAGED' || manager === undefined) return spec;
  const last = tasks[tasks.length - 1];
  const isThere = last?.key === manager.key && last.capability === manager.capability;
  return {
    ...spec,
    // What the manager ends with, unless the run says what it comes to.
    outputTask: output === '' && outputTask === '' ? manager.key : outputTask,
    tasks: isThere ? tasks : [...tasks, managerTask(manager)],
  };
}

/** Index of the manager's task; undefined in a run without. */
export function managerOf(run: RunState): number | undefined {
  const { mode, manager } = run.graph.spec;
  return mode !== 'MANAGED' || manager === undefined ? undefined : run.graph.indexOf(manager.key);
}

/** Whether the manager decides on the task: on all but itself and what tasks make for themselves. */
export function isManaged(run: RunState, task: number): boolean {
  return run.graph.spec.mode === 'MANAGED' && !isManager(run, task) && !run.owners.has(task);
}

/** What becomes of a task that only waits for the manager: nobody chooses it any more after the last decision. */
export function awaitManager(run: RunState, task: number): Change {
  const manager = managerOf(run);
  if (manager !== undefined && isFinalTask(taskOf(run, manager).state))
    return { type: 'TaskSkipped', task, reason: 'NOT_CHOSEN', upstream: undefined };
  return { type: 'TaskHeld', task, reason: 'AWAITING_MANAGER', untilMs: undefined };
}

/** Whether the change is something that the manager has to be told of. */
export function isNews(run: RunState, change: Change): boolean {
  switch (change.type) {
    case 'TaskCompleted':
    case 'TaskFailed':
    case 'TaskCancelled':
    case 'TaskSkipped':
    case 'TaskReset':
      return isManaged(run, change.task);
    case 'TaskHeld':
      return change.reason === 'AWAITING_MANAGER';
    default:
      return false;
  }
}

/** Keeps RunState.news, by each change of a managed run. */
export function noteNews(run: RunState, change: Change): void {
  if (isNews(run, change)) run.news = true;
  else if (change.type === 'TaskStarted' && isManager(run, change.task)) run.news = false;
}

/** The manager that waits is asked, once there is something to tell; undefined if it does not wait. */
export function wakeManager(run: RunState, change: Change): Change | undefined {
  if (run.phase !== 'RUNNING' || !isNews(run, change)) return undefined;
  const manager = managerOf(run);
  if (manager === undefined) return undefined;
  const { state, retryAtMs } = taskOf(run, manager);
  if (state !== 'RETRYING' || retryAtMs !== undefined) return undefined;
  return { type: 'TaskReady', task: manager, input: undefined };
}

/** The end of the run that the end of its manager is, unless that completed. */
export function endWithManager(run: RunState): Change | undefined {
  const manager = managerOf(run);
  const state = manager === undefined ? undefined : taskOf(run, manager).state;
  if (state === undefined || !isFinalTask(state) || state === 'COMPLETED') return undefined;
  return {
    type: 'RunCancelling',
    reason: state === 'FAILED' ? 'TASK_FAILED' : 'TASK_CANCELLED',
    message: '',
  };
}
