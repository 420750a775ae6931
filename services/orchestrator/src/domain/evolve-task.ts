// What does an event do to the task that it is about?
//
// A move that the state machine does not have is a defect or a damaged log, so it throws.

import type { Change, RunEvent, TaskError, UnsuccessfulEnd, Usage } from './events.ts';
import { forgetItems, nextExpansion } from './expansion.ts';
import { runningAttempt } from './lookup.ts';
import { moreOf } from './more.ts';
import type { AttemptStatus, TaskStatus } from './state.ts';
import type { AttemptState, FinalTaskState, StateReason, TaskState } from './states.ts';

/** The changes that are about one task. */
export type TaskChange = Exclude<
  Extract<Change, { readonly task: number }>,
  { readonly type: 'TaskDependenciesChanged' }
>;

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
      if (task.more !== undefined) task.more.startAtMs = undefined;
      if (change.executorId !== undefined) moreOf(task).executorId = change.executorId;
      return;
    case 'TaskHeld':
      if (task.state !== 'WAITING') throw illegal(task, 'be held');
      task.reason = change.reason;
      if (change.untilMs !== undefined) holdUntil(task, change.untilMs, event.revision);
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
      endUnsuccessful(runningAttempt(task), change.end, change.error, change, event.atMs);
      if (change.end === 'LOST') task.lostAttempts++;
      task.retryAtMs = change.retryAtMs;
      if (change.checkpoint !== undefined) task.checkpoint = change.checkpoint;
      if (change.fallback === true) beginFallback(task, change.error);
      if (change.feedback !== undefined) moreOf(task).feedback = change.feedback;
      forgetWork(task);
      return;
    case 'TaskCompleted':
      endAttempt(
        runningAttempt(task),
        change.error === undefined ? 'COMPLETED' : (change.end ?? 'FAILED'),
        change.error,
        change.usage,
        event.atMs,
      );
      task.result = change.result;
      finish(task, 'COMPLETED', 'NONE', event.atMs);
      return;
    case 'TaskFailed':
      if (change.ended !== undefined) {
        const error = change.attemptError ?? change.error;
        endUnsuccessful(runningAttempt(task), change.ended.end, error, change, event.atMs);
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
        if (change.reported === true) attempt.reported = true;
      }
      finish(task, 'CANCELLED', change.reason, event.atMs);
      return;
    case 'TaskSkipped':
      finish(task, 'SKIPPED', change.reason, event.atMs);
      return;
    case 'TaskRouted':
      if (task.state !== 'WAITING') throw illegal(task, 'have an edge judged');
      if (task.judged.size === 0) task.judged = new Map();
      (task.judged as Map<number, boolean>).set(change.upstream, change.met);
      if (change.met) task.metEdges++;
      else task.deadEdges++;
      return;
    case 'TaskSentBack':
      endAttempt(runningAttempt(task), 'COMPLETED', undefined, change.usage, event.atMs);
      beginAgain(task, 'SENT_BACK', false);
      countSentBack(task, change);
      return;
    case 'TaskReset': {
      const attempt = task.attempts[task.attempts.length - 1];
      if (attempt?.state === 'RUNNING') endAttempt(attempt, 'CANCELLED', undefined, undefined, event.atMs);
      beginAgain(task, change.reason, change.keepItems === true);
      if (change.reason === 'RERUN') moreOf(task).sentBack.clear();
      if (change.feedback !== undefined) moreOf(task).feedback = change.feedback;
      return;
    }
    case 'TaskRepeating':
      move(task, 'RETRYING', 'REPEATING');
      endAttempt(runningAttempt(task), 'COMPLETED', undefined, change.usage, event.atMs);
      beginIteration(task, change);
      return;
    case 'TaskExpanded':
      runningAttempt(task);
      moreOf(task).expansion = nextExpansion(moreOf(task).expansion, change);
      return;
    case 'TaskSignalled':
      runningAttempt(task);
      return;
    case 'TaskValidating': {
      runningAttempt(task).reported = true;
      task.reason = 'VALIDATING';
      const { result, usage, guardrail } = change;
      moreOf(task).validating = { result, usage, guardrail };
      return;
    }
  }
}

function holdUntil(task: TaskStatus, untilMs: number, revision: number): void {
  const more = moreOf(task);
  more.startAtMs = untilMs;
  more.heldRevision = revision;
}

/** The error and the reason that remain if the fallback fails, too. */
function beginFallback(task: TaskStatus, error: TaskError): void {
  moreOf(task).fallback ??= { error, reason: 'ATTEMPTS_EXHAUSTED' };
  task.reason = 'FALLBACK';
}

/** WAITING, as if it had never run, but for its attempts. */
function beginAgain(task: TaskStatus, reason: 'SENT_BACK' | 'RERUN', keepItems: boolean): void {
  task.state = 'WAITING';
  task.reason = reason;
  beginRound(task);
  if (!keepItems) forgetItems(task);
  task.cancelling = undefined;
  task.readyRevision = 0;
  task.readyAtMs = undefined;
  task.firstReadyAtMs = undefined;
  task.endedAtMs = undefined;
  task.endedRevision = 0;
  task.computedInput = undefined;
  task.result = undefined;
  task.error = undefined;
  const more = moreOf(task);
  more.resets++;
  more.attemptsBefore = task.attempts.length;
  more.iteration = 0;
  more.startAtMs = undefined;
  more.executorId = '';
  more.feedback = undefined;
}

/** Attempts are counted anew. */
function beginRound(task: TaskStatus): void {
  task.pastAttempts = task.attempts.length;
  task.lostAttempts = 0;
  task.checkpoint = undefined;
  task.retryAtMs = undefined;
  if (task.more !== undefined) task.more.fallback = undefined;
  forgetWork(task);
}

/** What only the attempt that has ended needed. */
function forgetWork(task: TaskStatus): void {
  if (task.more === undefined) return;
  task.more.validating = undefined;
  task.more.signal = undefined;
}

function beginIteration(task: TaskStatus, change: Extract<Change, { type: 'TaskRepeating' }>): void {
  beginRound(task);
  forgetItems(task);
  const more = moreOf(task);
  more.iteration = change.iteration;
  more.feedback = undefined;
  task.computedInput = change.nextInput ?? change.result;
  task.retryAtMs = change.repeatAtMs;
}

function countSentBack(task: TaskStatus, change: Extract<Change, { type: 'TaskSentBack' }>): void {
  moreOf(task).sentBack.set(change.to, change.iteration);
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
    childRunId: change.childRunId ?? '',
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

function endUnsuccessful(
  attempt: AttemptStatus,
  state: AttemptState,
  error: TaskError | undefined,
  { usage, reported }: { readonly usage: Usage | undefined; readonly reported?: boolean },
  atMs: number,
): void {
  endAttempt(attempt, state, error, usage, atMs);
  if (reported === true) attempt.reported = true;
}

function finish(task: TaskStatus, state: FinalTaskState, reason: StateReason, atMs: number): void {
  move(task, state, reason);
  if (task.attempts[task.attempts.length - 1]?.state === 'RUNNING')
    throw illegal(task, 'keep a running attempt');
  task.endedAtMs = atMs;
  task.cancelling = undefined;
  task.retryAtMs = undefined;
  forgetWork(task);
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
