// What does an event about a task do to the ledger? Called once the event is known to be a legal one.

import { AttemptState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { toDependency } from '../../../services/orchestrator/src/wire/spec-parts.ts';
import { type Fact, timeToMs } from './fact.ts';
import type { LeaseEnd, NamespaceModel, RunModel, TaskModel } from './ledger.ts';
import { FINAL, TASK_MOVES, type TaskCase } from './states.ts';

export function takeTaskEvent(namespace: NamespaceModel, run: RunModel, task: TaskModel, fact: Fact): void {
  const { change, timeMs } = fact;
  const to = TASK_MOVES[change.case as TaskCase].to;
  const ended = endOfAttempt(fact, task);
  if (ended !== undefined) endLease(task, ended, fact.revision);
  if (to !== undefined) {
    task.state = to;
    task.endedAtMs = FINAL.has(to) ? timeMs : undefined;
    task.cancelling = false;
    task.validating = false;
  }
  switch (change.case) {
    case 'taskHeld':
      task.heldUntilMs = change.value.until === undefined ? undefined : timeToMs(change.value.until);
      break;
    case 'taskRouted':
      task.judged.set(change.value.upstream, change.value.met);
      break;
    case 'taskDependenciesChanged':
      rewire(task, change.value.dependencies.map(toDependency));
      break;
    case 'taskReady':
      task.readyAtMs = timeMs;
      task.firstReadyAtMs ??= timeMs;
      task.heldUntilMs = undefined;
      task.dueAtMs = undefined;
      break;
    case 'taskStarted':
      start(namespace, run, task, fact);
      break;
    case 'taskProgressed':
      task.heardAtMs = timeMs;
      break;
    case 'taskSignalled': {
      const { name } = change.value;
      run.signals.set(name, (run.signals.get(name) ?? 0) - 1);
      break;
    }
    case 'taskCompleted': {
      const { result } = change.value;
      task.result = result?.data.case === 'bytes' ? result.data.value : new Uint8Array();
      break;
    }
    case 'taskCancelling':
      task.cancelling = true;
      task.stopByMs = timeMs + task.spec.cancelGraceMs;
      break;
    case 'taskValidating':
      task.validating = true;
      break;
    case 'taskRetrying': {
      const { attemptState, retryTime, fallback } = change.value;
      if (attemptState === AttemptState.LOST) loseOne(task);
      task.fallback ||= fallback;
      task.dueAtMs = retryTime === undefined ? undefined : timeToMs(retryTime);
      break;
    }
    case 'taskRepeating': {
      const { iteration, repeatTime } = change.value;
      beginRound(task);
      task.iteration = iteration;
      task.dueAtMs = repeatTime === undefined ? undefined : timeToMs(repeatTime);
      break;
    }
    case 'taskSentBack':
      task.sentBack.set(change.value.to, change.value.iteration);
      run.sentBackRevision = fact.revision;
      beginAgain(task);
      break;
    case 'taskReset':
      for (const other of run.tasks) other.judged.delete(task.key);
      task.sentBack.clear();
      beginAgain(task);
      break;
  }
}

function start(namespace: NamespaceModel, run: RunModel, task: TaskModel, fact: Fact): void {
  const { change, timeMs, leaseToken, atMs } = fact;
  if (change.case !== 'taskStarted') return;
  task.attempts += 1;
  task.round.started += 1;
  if (task.fallback) task.round.fallbacks += 1;
  task.startedAtMs = timeMs;
  task.firstStartedAtMs ??= timeMs;
  task.heardAtMs = timeMs;
  task.childRunId = change.value.childRunId;
  if (leaseToken === '') return;
  const { capability, handling } = task.spec;
  task.lease = {
    token: leaseToken,
    run,
    task,
    attempt: change.value.attempt,
    executorId: change.value.executorId,
    capability: task.fallback ? handling.fallback : capability,
    grantedAtMs: atMs,
    process: fact.process,
    decidedAtMs: timeMs,
    ended: undefined,
    reports: [],
    toldTo: new Set(),
    renewedAtMs: 0,
    triedAtMs: atMs,
  };
  namespace.leases.set(leaseToken, task.lease);
}

function loseOne(task: TaskModel): void {
  task.round.lost += 1;
  if (!task.fallback) return;
  task.round.fallbacks -= 1;
  task.round.lostFallbacks += 1;
}

/** Edges that stay as they were keep what was judged of them. */
function rewire(task: TaskModel, dependencies: TaskModel['dependencies']): void {
  const before = new Map(task.dependencies.map((edge) => [edge.key, edge]));
  for (const { key, condition, when } of dependencies) {
    const old = before.get(key);
    if (old?.condition === condition && old.when === when) before.delete(key);
  }
  for (const key of before.keys()) task.judged.delete(key);
  task.dependencies = dependencies;
  task.heldUntilMs = undefined;
}

/** WAITING, as if it had never run, but for its attempts. */
function beginAgain(task: TaskModel): void {
  beginRound(task);
  task.iteration = 0;
  task.heldUntilMs = undefined;
  task.dueAtMs = undefined;
  task.readyAtMs = undefined;
  task.firstReadyAtMs = undefined;
}

function beginRound(task: TaskModel): void {
  task.round = { started: 0, lost: 0, fallbacks: 0, lostFallbacks: 0 };
  task.fallback = false;
}

function endLease(task: TaskModel, how: LeaseEnd, revision: number): void {
  if (task.lease !== undefined) task.lease.ended = { how, revision };
  task.lease = undefined;
}

/** How the attempt's lease ends with the event; undefined where it does not, or there is none any more. */
export function endOfAttempt({ change }: Fact, task: TaskModel): LeaseEnd | undefined {
  if (task.state !== 'RUNNING' || task.validating) return undefined;
  switch (change.case) {
    case 'taskCompleted':
      return change.value.error === undefined ? 'COMPLETED' : 'EXCUSED';
    case 'taskRepeating':
    case 'taskSentBack':
      return 'COMPLETED';
    case 'taskValidating':
      return 'CHECKED';
    case 'taskRetrying':
      return endOf(change.value.attemptState, change.value.error?.code);
    case 'taskFailed': {
      const { attemptState, attemptError, error } = change.value;
      return endOf(attemptState, (attemptError ?? error)?.code);
    }
    case 'taskCancelled':
      return 'CANCELLED';
    case 'taskReset':
      return 'RESET';
    default:
      return undefined;
  }
}

function endOf(state: AttemptState, code: string | undefined): LeaseEnd | undefined {
  switch (state) {
    case AttemptState.LOST:
      return code === 'RELEASED' ? 'RELEASED' : 'LOST';
    case AttemptState.TIMED_OUT:
      return 'TIMED_OUT';
    case AttemptState.FAILED:
      return 'FAILED';
    default:
      return undefined;
  }
}
