// What does a command come to, as the run stands?
//
// Refusals are for people who ask (cancellations). What executors and timers say may have been
// overtaken by events: then it comes to nothing.

import { addTasks } from './additions.ts';
import { cancelRun, cancelTask, endCancelled } from './cancel.ts';
import { changeDependencies } from './change-dependencies.ts';
import { startOwnWork } from './child-runs.ts';
import type { RunCommand } from './commands.ts';
import { enter } from './conditions.ts';
import {
  attemptAtMs,
  heartbeatAtMs,
  isDue,
  queueAtMs,
  runDeadlineMs,
  startAtMs,
  timerAtMs,
  wholeAtMs,
} from './due.ts';
import type { Change, TaskError } from './events.ts';
import { isAtWork, lastError, runningAttempt, specOf, taskOf } from './lookup.ts';
import { isManager } from './manager.ts';
import { managerDecided } from './manager-decision.ts';
import { pauseRun, resumeRun } from './pause.ts';
import { accept, type Result } from './rejection.ts';
import { rerunRun } from './rerun.ts';
import { attemptFailed, attemptSucceeded } from './result.ts';
import { signalRun } from './signals.ts';
import { runBeginsAtMs } from './start-times.ts';
import type { RunState } from './state.ts';
import { elapsed } from './work.ts';

type Command<T extends RunCommand['type']> = Extract<RunCommand, { type: T }>;
type Changes = readonly Change[];

const NOTHING: Changes = Object.freeze([]);
const LOST = { end: 'LOST', final: false, retryAfterMs: undefined } as const;

/** Changes nothing itself; what its changes bring with them is up to follow(). */
export function decide(run: RunState, command: RunCommand, nowMs: number): Result<Changes> {
  switch (command.type) {
    case 'StartAttempt':
      return accept(startAttempt(run, command));
    case 'RefuseAssignment':
      return accept(refuseAssignment(run, command));
    case 'CompleteAttempt':
      return accept(completeAttempt(run, command, nowMs));
    case 'FailAttempt':
      return accept(failAttempt(run, command, nowMs));
    case 'EndCancelledAttempt':
      return accept(endCancelledAttempt(run, command, nowMs));
    case 'RecordProgress':
      return accept(recordProgress(run, command));
    case 'LoseAttempt':
      return accept(loseAttempt(run, command, nowMs));
    case 'ExpireAttempt':
      return accept(expireAttempt(run, command, nowMs));
    case 'ExpireSilentAttempt':
      return accept(expireSilentAttempt(run, command, nowMs));
    case 'ExpireGrace':
      return accept(expireGrace(run, command, nowMs));
    case 'ExpireQueue':
      return accept(expireQueue(run, command, nowMs));
    case 'ExpireTask':
      return accept(expireTask(run, command, nowMs));
    case 'ExpireRun':
      return accept(expireRun(run, nowMs));
    case 'RetryTask':
      return accept(retryTask(run, command, nowMs));
    case 'FireTimer':
      return accept(fireTimer(run, command, nowMs));
    case 'BeginTask':
      return accept(beginTask(run, command, nowMs));
    case 'SignalRun':
      return signalRun(run, command.name, command.payload);
    case 'BeginRun':
      return accept(beginRun(run, nowMs));
    case 'StartOwnWork':
      return accept(startOwnWork(run, command.task, command.child));
    case 'AddTasks':
      return addTasks(run, command.tasks);
    case 'ChangeDependencies':
      return changeDependencies(run, command.task, command.add, command.remove);
    case 'PauseRun':
      return pauseRun(run, command.message);
    case 'ResumeRun':
      return resumeRun(run);
    case 'RerunRun':
      return rerunRun(run, command.scope, command.from);
    case 'CancelRun':
      return cancelRun(run, command.message);
    case 'CancelTask':
      return cancelTask(run, command);
  }
}

function startAttempt(run: RunState, command: Command<'StartAttempt'>): Changes {
  const { task, executorId, leaseToken } = command;
  const status = taskOf(run, task);
  if (status.state !== 'READY') return NOTHING;
  const attempt = status.attempts.length + 1;
  return [{ type: 'TaskStarted', task, attempt, executorId, leaseToken }];
}

function refuseAssignment(run: RunState, command: Command<'RefuseAssignment'>): Changes {
  const { task } = command;
  if (taskOf(run, task).state !== 'READY') return NOTHING;
  const error = { code: 'PAYLOAD_TOO_LARGE', message: tooLargeBecause(run, command), details: undefined };
  return [
    { type: 'TaskFailed', task, reason: 'ASSIGNMENT_TOO_LARGE', ended: undefined, error, usage: undefined },
  ];
}

function tooLargeBecause(run: RunState, command: Command<'RefuseAssignment'>): string {
  const { task, upstream, sizeBytes, limitBytes, apart = false } = command;
  if (upstream === undefined) {
    const whole = 'the input and the results of the dependencies come to';
    return `${whole} ${sizeBytes} bytes, the limit of one assignment is ${limitBytes}; make them smaller, or pass a reference to data kept elsewhere`;
  }
  const { key } = specOf(run, upstream);
  if (apart) {
    const edge = `the edge from "${key}" to "${specOf(run, task).key}"`;
    return `the result of "${key}" has ${sizeBytes} bytes and is stored apart; ${edge} takes a part of up to ${limitBytes} bytes, and no part can be taken of what is stored apart: pass all of it or nothing, or let "${key}" return less`;
  }
  return `what is selected of the result of "${key}" has ${sizeBytes} bytes, its edge allows ${limitBytes}; select less, or let it be cut`;
}

function completeAttempt(run: RunState, command: Command<'CompleteAttempt'>, nowMs: number): Changes {
  const { task, result, usage } = command;
  const status = taskOf(run, task);
  if (!isAtWork(status)) return NOTHING;
  if (status.cancelling !== undefined) return [endCancelled(task, status, result, usage, true)];
  if (isManager(run, task)) return managerDecided(run, command, nowMs);
  return attemptSucceeded(run, task, result, usage, nowMs);
}

function failAttempt(run: RunState, command: Command<'FailAttempt'>, nowMs: number): Changes {
  const { task, error, final, retryAfterMs, usage, checkpoint } = command;
  const status = taskOf(run, task);
  if (!isAtWork(status)) return NOTHING;
  if (status.cancelling !== undefined) return [endCancelled(task, status, undefined, usage, true)];
  return attemptFailed(run, task, { end: 'FAILED', error, usage, final, retryAfterMs, checkpoint }, nowMs);
}

/** An executor that stops without being told has given the attempt back. */
function endCancelledAttempt(run: RunState, command: Command<'EndCancelledAttempt'>, nowMs: number): Changes {
  const { task, partialResult, usage } = command;
  const status = taskOf(run, task);
  if (!isAtWork(status)) return NOTHING;
  if (status.cancelling !== undefined) return [endCancelled(task, status, partialResult, usage, true)];
  const message = 'the executor ended the attempt as cancelled, but nobody had cancelled it';
  const error = { code: 'RELEASED', message, details: undefined };
  return attemptFailed(run, task, { ...LOST, error, usage, reported: true }, nowMs);
}

function recordProgress(run: RunState, command: Command<'RecordProgress'>): Changes {
  const { task, progress, checkpoint } = command;
  const status = taskOf(run, task);
  if (!isAtWork(status) || (progress === undefined && checkpoint === undefined)) return NOTHING;
  return [{ type: 'TaskProgressed', task, attempt: runningAttempt(status).number, progress, checkpoint }];
}

function loseAttempt(run: RunState, command: Command<'LoseAttempt'>, nowMs: number): Changes {
  const { task, code, message, reported = false } = command;
  const status = taskOf(run, task);
  if (!isAtWork(status)) return NOTHING;
  if (status.cancelling !== undefined) return [endCancelled(task, status, undefined, undefined, reported)];
  const error = { code, message, details: undefined };
  return attemptFailed(run, task, { ...LOST, error, usage: undefined, reported }, nowMs);
}

function expireAttempt(run: RunState, command: Command<'ExpireAttempt'>, nowMs: number): Changes {
  const { task } = command;
  const spec = specOf(run, task);
  if (!isDue(attemptAtMs(taskOf(run, task), spec), nowMs)) return NOTHING;
  const message = `the attempt did not end within ${spec.timeouts.attemptMs} ms`;
  return timeOut(run, task, { code: 'TIMEOUT', message, details: undefined }, nowMs);
}

function expireSilentAttempt(run: RunState, command: Command<'ExpireSilentAttempt'>, nowMs: number): Changes {
  const { task, deafMs } = command;
  const spec = specOf(run, task);
  if (!isDue(heartbeatAtMs(taskOf(run, task), spec, deafMs), nowMs)) return NOTHING;
  const message = `the attempt gave no sign of life for ${spec.timeouts.heartbeatMs} ms`;
  return timeOut(run, task, { code: 'HEARTBEAT_TIMEOUT', message, details: undefined }, nowMs);
}

function timeOut(run: RunState, task: number, error: TaskError, nowMs: number): Changes {
  const status = taskOf(run, task);
  if (status.cancelling !== undefined) return [endCancelled(task, status, undefined, undefined, false)];
  const usage = status.more?.validating?.usage;
  return attemptFailed(run, task, { ...LOST, end: 'TIMED_OUT', error, usage }, nowMs);
}

function expireGrace(run: RunState, command: Command<'ExpireGrace'>, nowMs: number): Changes {
  const status = taskOf(run, command.task);
  if (!isDue(status.cancelling?.untilMs, nowMs)) return NOTHING;
  return [endCancelled(command.task, status, undefined, undefined, false)];
}

function expireQueue(run: RunState, command: Command<'ExpireQueue'>, nowMs: number): Changes {
  const { task } = command;
  const status = taskOf(run, task);
  if (run.paused || !isDue(queueAtMs(status, specOf(run, task)), nowMs)) return NOTHING;
  const error = lastError(status);
  return [{ type: 'TaskFailed', task, reason: 'QUEUE_TIMEOUT', ended: undefined, error, usage: undefined }];
}

function expireTask(run: RunState, command: Command<'ExpireTask'>, nowMs: number): Changes {
  const { task } = command;
  const status = taskOf(run, task);
  const spec = specOf(run, task);
  if (!isDue(wholeAtMs(status, spec), nowMs)) return NOTHING;
  const reason = 'TASK_TIMEOUT';
  if (status.state !== 'RUNNING') {
    return [
      { type: 'TaskFailed', task, reason, ended: undefined, error: lastError(status), usage: undefined },
    ];
  }
  if (status.cancelling !== undefined) return [endCancelled(task, status, undefined, undefined, false)];
  const message = `the task was not final ${spec.timeouts.wholeMs} ms after it first became ready`;
  const error = { code: 'TIMEOUT', message, details: undefined };
  const ended = { attempt: runningAttempt(status).number, end: 'TIMED_OUT' } as const;
  const usage = status.more?.validating?.usage;
  return [{ type: 'TaskFailed', task, reason, ended, error, usage }];
}

function expireRun(run: RunState, nowMs: number): Changes {
  if (!isDue(runDeadlineMs(run), nowMs)) return NOTHING;
  return [{ type: 'RunCancelling', reason: 'RUN_TIMEOUT', message: '' }];
}

function retryTask(run: RunState, command: Command<'RetryTask'>, nowMs: number): Changes {
  const status = taskOf(run, command.task);
  if (status.state !== 'RETRYING' || !isDue(status.retryAtMs, nowMs)) return NOTHING;
  return [{ type: 'TaskReady', task: command.task, input: undefined }];
}

function fireTimer(run: RunState, { task }: Command<'FireTimer'>, nowMs: number): Changes {
  return isDue(timerAtMs(taskOf(run, task), specOf(run, task)), nowMs) ? elapsed(run, task, nowMs) : NOTHING;
}

function beginTask(run: RunState, { task }: Command<'BeginTask'>, nowMs: number): Changes {
  return isDue(startAtMs(run, task), nowMs) ? [enter(run, task, nowMs)] : NOTHING;
}

function beginRun(run: RunState, nowMs: number): Changes {
  if (!isDue(runBeginsAtMs(run), nowMs)) return NOTHING;
  return [...run.held].map((task) => enter(run, task, nowMs));
}
