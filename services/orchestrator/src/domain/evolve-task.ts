// What does an event do to the task that it is about?
//
// A move that the state machine does not have is a defect or a damaged log, so it throws.

import type { Change, RunEvent, TaskError, UnsuccessfulEnd, Usage } from './events.ts';
import { runningAttempt } from './lookup.ts';
import type { AttemptStatus, TaskStatus } from './state.ts';
import type { AttemptState, FinalTaskState, StateReason, TaskState } from './states.ts';

/** The changes that are about one task. */
export type TaskChange = Extract<Change, { readonly task: number }>;

const MOVES: Readonly<Record<TaskState, readonly TaskState[]>> = {
  WAITING: ['READY', 'FAILED', 'CANCELLED', 'SKIPPED'],
  READY: ['RUNNING', 'FAILED', 'CANCELLED'],
  RUNNING: ['COMPLETED', 'RETRYING', 'FAILED', 'CANCELLED'],
  RETRYING: ['READY', 'FAILED', 'CANCELLED'],
  COMPLETED: [],
  FAILED: [],
  CANCELLED: [],
  SKIPPED: [],
};

/** Updates `task` in place. What the change means for other tasks is up to evolve(). */
export function evolveTask(task: TaskStatus, change: TaskChange, event: RunEvent): void {
  switch (change.type) {
    case 'TaskReady':
      becomeReady(task, event);
      task.computedInput ??= change.input;
      return;
    case 'TaskStarted':
      startAttempt(task, change, event.atMs);
      return;
    case 'TaskProgressed':
      recordProgress(task, change, event.atMs);
      return;
    case 'TaskCancelling':
      if (task.state !== 'RUNNING' || task.cancelling !== undefined) throw illegal(task, 'be told to stop');
      task.cancelling = { reason: change.reason, untilMs: event.atMs + change.graceMs };
      return;
    case 'TaskRetrying':
      move(task, 'RETRYING', retryReason(change.end));
      endAttempt(runningAttempt(task), change.end, change.error, change.usage, event.atMs);
      if (change.end === 'LOST') task.lostAttempts++;
      task.retryAtMs = change.retryAtMs;
      return;
    case 'TaskCompleted':
      endAttempt(runningAttempt(task), 'COMPLETED', undefined, change.usage, event.atMs);
      task.result = change.result;
      finish(task, 'COMPLETED', 'NONE', event.atMs);
      return;
    case 'TaskFailed':
      if (change.ended !== undefined) {
        endAttempt(runningAttempt(task), change.ended.end, change.error, change.usage, event.atMs);
        if (change.ended.end === 'LOST') task.lostAttempts++;
      }
      task.error = change.error;
      finish(task, 'FAILED', change.reason, event.atMs);
      return;
    case 'TaskCancelled':
      if (change.attempt !== undefined) {
        const attempt = runningAttempt(task);
        endAttempt(attempt, 'CANCELLED', undefined, change.usage, event.atMs);
        attempt.partialResult = change.partialResult;
      }
      finish(task, 'CANCELLED', change.reason, event.atMs);
      return;
    case 'TaskSkipped':
      finish(task, 'SKIPPED', change.reason, event.atMs);
      return;
    case 'TaskRouted':
      if (task.state !== 'WAITING') throw illegal(task, 'have an edge judged');
      if (change.met) task.metEdges++;
      else task.deadEdges++;
      return;
  }
}

/** After a retry the reason stays: it says why the task is queued again. */
function becomeReady(task: TaskStatus, event: RunEvent): void {
  move(task, 'READY', task.reason);
  task.readyRevision = event.revision;
  task.readyAtMs = event.atMs;
  task.firstReadyAtMs ??= event.atMs;
  task.retryAtMs = undefined;
}

function startAttempt(
  task: TaskStatus,
  change: Extract<Change, { type: 'TaskStarted' }>,
  atMs: number,
): void {
  move(task, 'RUNNING', 'NONE');
  const attempt: AttemptStatus = {
    number: change.attempt,
    executorId: change.executorId,
    leaseToken: change.leaseToken,
    startedAtMs: atMs,
    state: 'RUNNING',
    endedAtMs: undefined,
    error: undefined,
    usage: undefined,
    progress: undefined,
    heardAtMs: atMs,
    partialResult: undefined,
  };
  if (task.attempts.length === 0) task.attempts = [attempt];
  else (task.attempts as AttemptStatus[]).push(attempt);
  task.startedAtMs ??= atMs;
}

function recordProgress(
  task: TaskStatus,
  change: Extract<Change, { type: 'TaskProgressed' }>,
  atMs: number,
): void {
  const attempt = runningAttempt(task);
  attempt.heardAtMs = atMs;
  if (change.progress !== undefined) attempt.progress = change.progress;
  if (change.checkpoint !== undefined) task.checkpoint = change.checkpoint;
}

function endAttempt(
  attempt: AttemptStatus,
  state: AttemptState,
  error: TaskError | undefined,
  usage: Usage | undefined,
  atMs: number,
): void {
  attempt.state = state;
  attempt.endedAtMs = atMs;
  attempt.error = error;
  attempt.usage = usage;
}

function finish(task: TaskStatus, state: FinalTaskState, reason: StateReason, atMs: number): void {
  move(task, state, reason);
  if (task.attempts[task.attempts.length - 1]?.state === 'RUNNING')
    throw illegal(task, 'keep a running attempt');
  task.endedAtMs = atMs;
  task.cancelling = undefined;
  task.retryAtMs = undefined;
  task.checkpoint = undefined; // there is no next attempt to hand it to
}

function move(task: TaskStatus, to: TaskState, reason: StateReason): void {
  if (!MOVES[task.state].includes(to) || (task.cancelling !== undefined && to !== 'CANCELLED')) {
    throw illegal(task, `become ${to}`);
  }
  task.state = to;
  task.reason = reason;
}

function illegal(task: TaskStatus, what: string): Error {
  const state = task.cancelling === undefined ? task.state : `${task.state} and told to stop`;
  return new Error(`a task that is ${state} cannot ${what}`);
}

function retryReason(end: UnsuccessfulEnd): StateReason {
  switch (end) {
    case 'FAILED':
      return 'ATTEMPT_FAILED';
    case 'TIMED_OUT':
      return 'ATTEMPT_TIMED_OUT';
    case 'LOST':
      return 'ATTEMPT_LOST';
  }
}
