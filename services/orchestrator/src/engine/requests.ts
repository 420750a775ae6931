// What clients ask for: submissions, cancellations, pauses, signals.

import { submitRun as beginRun } from '../domain/apply.ts';
import type { RunCommand } from '../domain/commands.ts';
import type { RunEvent } from '../domain/events.ts';
import { accept, type Refusal, type Result, reject } from '../domain/rejection.ts';
import type { Core } from './core.ts';
import type {
  CancelledTasks,
  CancelRun,
  CancelTask,
  PauseRun,
  ResumeRun,
  SignalledRun,
  SignalRun,
  SubmitRun,
  SubmittedRun,
} from './inputs.ts';

export function submitRun(core: Core, input: SubmitRun): Result<SubmittedRun> {
  const existing = core.runs.get(input.runId);
  if (existing !== undefined) {
    const revision = existing.state.firstRevision;
    return input.onConflict === 'USE_EXISTING'
      ? accept({ runId: input.runId, revision, existed: true })
      : runExists(input.runId);
  }
  const full = refuseMoreTasks(core, input.graph.spec.tasks.length);
  if (full !== undefined) return full;
  const { run, events } = beginRun(
    input.runId,
    input.graph,
    input.traceparent,
    core.nowMs,
    core.revision + 1,
  );
  core.admit(run, events);
  return accept({ runId: input.runId, revision: run.firstRevision, existed: false });
}

/** Undefined where there is room for so many. */
export function refuseMoreTasks(core: Core, taskCount: number): Refusal | undefined {
  const limit = core.options.maxActiveTasks;
  if (core.activeTasks + taskCount <= limit) return undefined;
  return reject(
    'LIMIT_REACHED',
    `the namespace holds ${core.activeTasks} tasks of ${limit} allowed, too many for ${taskCount} more: try again when some are done`,
    { resource: 'active_tasks', limit: String(limit) },
  );
}

export function runExists(runId: string): Refusal {
  return reject(
    'RUN_ALREADY_EXISTS',
    `a run with id ${runId} exists: choose another id, or ask for the existing run`,
    { run_id: runId },
    'run_id',
  );
}

/** @param left what an earlier run of this id, deleted since, has started */
export function startedRunExists(runId: string, left: string): Refusal {
  return reject(
    'RUN_ALREADY_EXISTS',
    `run ${left}, which an earlier run ${runId} had started, still exists: delete it and the others of that run, or choose another id`,
    { run_id: left },
    'run_id',
  );
}

export function cancelRun(core: Core, input: CancelRun): Result<CancelledTasks> {
  const run = core.runs.get(input.runId);
  if (run === undefined) return runNotFound(core.options.namespace, input.runId);
  const result = core.apply(run, { type: 'CancelRun', message: input.message });
  return result.ok ? accept(countCancelled(result.value)) : result;
}

export function cancelTask(core: Core, input: CancelTask): Result<CancelledTasks> {
  const run = core.runs.get(input.runId);
  if (run === undefined) return runNotFound(core.options.namespace, input.runId);
  const task = run.state.graph.indexOf(input.taskKey);
  if (task === undefined) return taskNotFound(input.runId, input.taskKey);
  const result = core.apply(run, { type: 'CancelTask', task, subtree: input.subtree });
  return result.ok ? accept(countCancelled(result.value)) : result;
}

export function signalRun(core: Core, { runId, name, payload }: SignalRun): Result<SignalledRun> {
  const run = core.runs.get(runId);
  if (run === undefined) return runNotFound(core.options.namespace, runId);
  const result = core.apply(run, { type: 'SignalRun', name, payload });
  if (!result.ok) return result;
  const taken = result.value.find(({ change }) => change.type === 'TaskSignalled')?.change;
  const task = taken !== undefined && 'task' in taken ? run.state.graph.spec.tasks[taken.task] : undefined;
  return accept({ taskKey: task?.key ?? '' });
}

export function pauseRun(core: Core, { runId, message }: PauseRun): Result<true> {
  return ask(core, runId, { type: 'PauseRun', message });
}

export function resumeRun(core: Core, { runId }: ResumeRun): Result<true> {
  return ask(core, runId, { type: 'ResumeRun' });
}

function ask(core: Core, runId: string, command: RunCommand): Result<true> {
  const run = core.runs.get(runId);
  if (run === undefined) return runNotFound(core.options.namespace, runId);
  const result = core.apply(run, command);
  return result.ok ? accept(true) : result;
}

export function runNotFound(namespace: string, runId: string): Refusal {
  return reject(
    'RUN_NOT_FOUND',
    `namespace ${namespace} has no run ${runId}: check both names`,
    { namespace, run_id: runId },
    'run_id',
  );
}

export function taskNotFound(runId: string, taskKey: string): Refusal {
  return reject(
    'TASK_NOT_FOUND',
    `run ${runId} has no task ${taskKey}: list its tasks for their keys`,
    { run_id: runId, task_key: taskKey },
    'task_key',
  );
}

function countCancelled(events: readonly RunEvent[]): CancelledTasks {
  let cancelledCount = 0;
  let cancellingCount = 0;
  for (const { change } of events) {
    if (change.type === 'TaskCancelled') cancelledCount += 1;
    if (change.type === 'TaskCancelling') cancellingCount += 1;
  }
  return { cancelledCount, cancellingCount };
}
