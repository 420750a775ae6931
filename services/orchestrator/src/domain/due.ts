// Which moments does a task or a run have ahead of it, and what is to be done then? Only those of its
// present state.

import type { RunCommand } from './commands.ts';
import { isAtWork, specOf, taskOf } from './lookup.ts';
import type { TaskSpec } from './spec.ts';
import { isHeld, runBeginsAtMs } from './start-times.ts';
import type { RunState, TaskStatus } from './state.ts';
import { isFinalTask } from './states.ts';

export type DeadlineType =
  | 'Grace'
  | 'Timer'
  | 'Whole'
  | 'Queue'
  | 'Attempt'
  | 'Heartbeat'
  | 'Retry'
  | 'Start';

/** If several have passed, the first of them counts: in the order in which they end more. */
const DEADLINE_TYPES: readonly DeadlineType[] = [
  'Grace',
  'Timer', // None that a timeout comes before: see timerAtMs.
  'Whole',
  'Queue',
  'Attempt',
  'Heartbeat',
  'Retry',
  'Start',
];

/**
 * When something is due for the task at the earliest; undefined if nothing ever is.
 * @param deafMs how long nobody could be heard since the last sign of life of the task's attempt
 */
export function nextDueAtMs(run: RunState, task: number, deafMs: number): number | undefined {
  const status = taskOf(run, task);
  const spec = specOf(run, task);
  if (!hasDeadline(status, spec)) return undefined;
  let earliestMs: number | undefined;
  for (const type of DEADLINE_TYPES) {
    if (isHalted(run, type)) continue;
    const atMs = deadlineAtMs(type, run, task, deafMs);
    if (atMs !== undefined && (earliestMs === undefined || atMs < earliestMs)) earliestMs = atMs;
  }
  return earliestMs;
}

/** What the moment that has come asks for; undefined if none has. */
export function dueCommand(
  run: RunState,
  task: number,
  deafMs: number,
  nowMs: number,
): RunCommand | undefined {
  const type = DEADLINE_TYPES.find(
    (each) => !isHalted(run, each) && isDue(deadlineAtMs(each, run, task, deafMs), nowMs),
  );
  return type === undefined ? undefined : commandAt(type, task, deafMs);
}

/** Nobody is asked while the run is paused, so nobody is late. */
function isHalted(run: RunState, type: DeadlineType): boolean {
  return type === 'Queue' && run.paused;
}

function commandAt(type: DeadlineType, task: number, deafMs: number): RunCommand {
  switch (type) {
    case 'Grace':
      return { type: 'ExpireGrace', task };
    case 'Whole':
      return { type: 'ExpireTask', task };
    case 'Queue':
      return { type: 'ExpireQueue', task };
    case 'Attempt':
      return { type: 'ExpireAttempt', task };
    case 'Heartbeat':
      return { type: 'ExpireSilentAttempt', task, deafMs };
    case 'Retry':
      return { type: 'RetryTask', task };
    case 'Timer':
      return { type: 'FireTimer', task };
    case 'Start':
      return { type: 'BeginTask', task };
  }
}

/** Unix time; undefined where the task, as it stands, has no such deadline. */
export function deadlineAtMs(
  type: DeadlineType,
  run: RunState,
  task: number,
  deafMs: number,
): number | undefined {
  const status = taskOf(run, task);
  const spec = specOf(run, task);
  switch (type) {
    case 'Grace':
      return status.cancelling?.untilMs;
    case 'Whole':
      return wholeAtMs(status, spec);
    case 'Queue':
      return queueAtMs(status, spec);
    case 'Attempt':
      return attemptAtMs(status, spec);
    case 'Heartbeat':
      return heartbeatAtMs(status, spec, deafMs);
    case 'Retry':
      return status.retryAtMs;
    case 'Timer':
      return timerAtMs(status, spec);
    case 'Start':
      return startAtMs(run, task);
  }
}

/** The moment that a RUNNING timer waits for; undefined where it will have been timed out before. */
export function timerAtMs(status: TaskStatus, spec: TaskSpec): number | undefined {
  const { work, flow } = spec;
  if (work.type !== 'TIMER' || flow.foreach !== undefined || !isAtWork(status)) return undefined;
  if (status.more?.validating !== undefined) return undefined; // It has a result already.
  const atMs = work.atMs ?? after(status.attempts[status.attempts.length - 1]?.startedAtMs, work.delayMs);
  if (atMs === undefined) return undefined;
  const timeoutsMs = [attemptAtMs(status, spec), wholeAtMs(status, spec)];
  return timeoutsMs.some((each) => each !== undefined && each < atMs) ? undefined : atMs;
}

/** The moment that a WAITING task is held until; undefined where it is that of the run: see `held`. */
export function startAtMs(run: RunState, task: number): number | undefined {
  return isHeld(run, task) && !run.held.has(task) ? taskOf(run, task).more?.startAtMs : undefined;
}

/** When something is due for the run as a whole; undefined if nothing is. */
export function nextRunDueAtMs(run: RunState): number | undefined {
  const deadlineMs = runDeadlineMs(run);
  const beginsAtMs = run.phase === 'RUNNING' ? runBeginsAtMs(run) : undefined;
  if (deadlineMs === undefined || beginsAtMs === undefined) return deadlineMs ?? beginsAtMs;
  return Math.min(deadlineMs, beginsAtMs);
}

/** What the moment that has come asks for; undefined if none has. */
export function dueRunCommand(run: RunState, nowMs: number): RunCommand | undefined {
  if (isDue(runDeadlineMs(run), nowMs)) return { type: 'ExpireRun' };
  return isDue(nextRunDueAtMs(run), nowMs) ? { type: 'BeginRun' } : undefined;
}

/** When a run that is not ending yet has to; undefined for every other. */
export function runDeadlineMs(run: RunState): number | undefined {
  if (run.phase !== 'RUNNING') return undefined;
  return after(run.restartedAtMs ?? run.submittedAtMs, run.graph.spec.timeoutMs);
}

export function isDue(atMs: number | undefined, nowMs: number): boolean {
  return atMs !== undefined && atMs <= nowMs;
}

/** While READY, counted from the last time it became so. */
export function queueAtMs(status: TaskStatus, spec: TaskSpec): number | undefined {
  return status.state === 'READY' ? after(status.readyAtMs, spec.timeouts.queueMs) : undefined;
}

/** That of a foreach is for each of its items. */
export function attemptAtMs(status: TaskStatus, spec: TaskSpec): number | undefined {
  if (status.state !== 'RUNNING' || spec.flow.foreach !== undefined) return undefined;
  return after(status.attempts[status.attempts.length - 1]?.startedAtMs, spec.timeouts.attemptMs);
}

/** Silence while nobody could be heard is nobody's fault: it does not count. That of a foreach is for each of its items. */
export function heartbeatAtMs(status: TaskStatus, spec: TaskSpec, deafMs: number): number | undefined {
  if (!isAtWork(status) || spec.flow.foreach !== undefined) return undefined;
  const atMs = after(status.attempts[status.attempts.length - 1]?.heardAtMs, spec.timeouts.heartbeatMs);
  return after(atMs, deafMs);
}

/** From the first READY until final. */
export function wholeAtMs(status: TaskStatus, spec: TaskSpec): number | undefined {
  return isFinalTask(status.state) ? undefined : after(status.firstReadyAtMs, spec.timeouts.wholeMs);
}

/** Most tasks have none: this spares them the search. */
function hasDeadline(status: TaskStatus, spec: TaskSpec): boolean {
  const { queueMs, attemptMs, wholeMs, heartbeatMs } = spec.timeouts;
  return (
    wholeMs !== undefined ||
    queueMs !== undefined ||
    attemptMs !== undefined ||
    heartbeatMs !== undefined ||
    status.cancelling !== undefined ||
    status.retryAtMs !== undefined ||
    status.more?.startAtMs !== undefined ||
    spec.work.type === 'TIMER'
  );
}

function after(fromMs: number | undefined, durationMs: number | undefined): number | undefined {
  return fromMs === undefined || durationMs === undefined ? undefined : fromMs + durationMs;
}
