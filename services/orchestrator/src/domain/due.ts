// Which moments does a task or a run have ahead of it? Only those of its present state.

import { specOf, taskOf } from './lookup.ts';
import type { TaskSpec } from './spec.ts';
import type { RunState, TaskStatus } from './state.ts';
import { isFinalTask } from './states.ts';

/** Unix times; undefined where nothing is due. Each asks for the Expire command or RetryTask of its name. */
export interface TaskDeadlines {
  readonly queueAtMs: number | undefined;
  readonly attemptAtMs: number | undefined;
  readonly heartbeatAtMs: number | undefined;
  readonly wholeAtMs: number | undefined;
  readonly graceAtMs: number | undefined;
  readonly retryAtMs: number | undefined;
}

const NO_DEADLINES: TaskDeadlines = Object.freeze({
  queueAtMs: undefined,
  attemptAtMs: undefined,
  heartbeatAtMs: undefined,
  wholeAtMs: undefined,
  graceAtMs: undefined,
  retryAtMs: undefined,
});

export function taskDeadlines(run: RunState, task: number): TaskDeadlines {
  const status = taskOf(run, task);
  const spec = specOf(run, task);
  if (isFinalTask(status.state) || status.state === 'WAITING') return NO_DEADLINES;
  if (!hasDeadline(status, spec)) return NO_DEADLINES;
  return {
    queueAtMs: queueAtMs(status, spec),
    attemptAtMs: attemptAtMs(status, spec),
    heartbeatAtMs: heartbeatAtMs(status, spec),
    wholeAtMs: wholeAtMs(status, spec),
    graceAtMs: status.cancelling?.untilMs,
    retryAtMs: status.retryAtMs,
  };
}

/** When a run that is not ending yet has to; undefined for every other. */
export function runDeadlineMs(run: RunState): number | undefined {
  if (run.phase !== 'RUNNING') return undefined;
  return after(run.submittedAtMs, run.graph.spec.timeoutMs);
}

export function isDue(atMs: number | undefined, nowMs: number): boolean {
  return atMs !== undefined && atMs <= nowMs;
}

/** While READY, counted from the last time it became so. */
export function queueAtMs(status: TaskStatus, spec: TaskSpec): number | undefined {
  return status.state === 'READY' ? after(status.readyAtMs, spec.timeouts.queueMs) : undefined;
}

export function attemptAtMs(status: TaskStatus, spec: TaskSpec): number | undefined {
  if (status.state !== 'RUNNING') return undefined;
  return after(status.attempts[status.attempts.length - 1]?.startedAtMs, spec.timeouts.attemptMs);
}

export function heartbeatAtMs(status: TaskStatus, spec: TaskSpec): number | undefined {
  if (status.state !== 'RUNNING') return undefined;
  return after(status.attempts[status.attempts.length - 1]?.heardAtMs, spec.timeouts.heartbeatMs);
}

/** From the first READY until final. */
export function wholeAtMs(status: TaskStatus, spec: TaskSpec): number | undefined {
  return isFinalTask(status.state) ? undefined : after(status.firstReadyAtMs, spec.timeouts.wholeMs);
}

/** Most tasks have none: this spares them the object. */
function hasDeadline(status: TaskStatus, spec: TaskSpec): boolean {
  const { queueMs, attemptMs, wholeMs, heartbeatMs } = spec.timeouts;
  return (
    wholeMs !== undefined ||
    queueMs !== undefined ||
    attemptMs !== undefined ||
    heartbeatMs !== undefined ||
    status.cancelling !== undefined ||
    status.retryAtMs !== undefined
  );
}

function after(fromMs: number | undefined, durationMs: number | undefined): number | undefined {
  return fromMs === undefined || durationMs === undefined ? undefined : fromMs + durationMs;
}
