// Does an event log keep the promises by itself? Replays it, whatever constructs its runs are made of.
//
//  A1  Revisions are 1, 2, 3, … without gaps.
//  A2  A run begins once, ends once, and nothing follows its end; by then each of its tasks is final.
//  A3  A task ends once, unless it is reset; nothing happens to it after its end.
//  A4  Attempts of a task are 1, 2, 3, …, one at a time, each with one outcome.
//  A5  A lease is given once, to one executor, and has one outcome.
//  A6  No executor holds more leases than it has slots.
//  A7  What was told to stop does not complete; what is paused is given to nobody.

import { timestampMs } from '@bufbuild/protobuf/wkt';
import { json } from '@tutti/client/client';
import type { Event } from '@tutti/proto/tutti/v1/event_pb.ts';
import { AttemptState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { digestOf } from '../notes.ts';
import type {
  Blame,
  Histories,
  LeaseHistory,
  LeaseOutcome,
  RunEnd,
  RunHistory,
  TaskHistory,
} from './history.ts';
import type { LogEntry } from './log.ts';

type Change = Event['change'];
type Accuse = (rule: string, what: string) => void;

interface Replay {
  readonly runs: Map<string, RunHistory>;
  readonly leases: Map<string, LeaseHistory>;
  /** By executor: the leases that are open. */
  readonly held: Map<string, Set<LeaseHistory>>;
  readonly attemptEnds: Map<string, number>;
  readonly slots: number;
  completedTasks: number;
}

interface Scene {
  readonly replay: Replay;
  readonly run: RunHistory;
  readonly event: Event;
  readonly atMs: number;
  readonly accuse: Accuse;
}

/** @param slots of every executor */
export function replayLog(log: Iterable<LogEntry>, slots: number, blame: Blame): Histories {
  const replay: Replay = {
    runs: new Map(),
    leases: new Map(),
    held: new Map(),
    attemptEnds: new Map(),
    slots,
    completedTasks: 0,
  };
  let eventCount = 0;
  let lastRevision = 0;
  for (const { event, leaseToken } of log) {
    const accuse: Accuse = (rule, what) =>
      blame(
        rule,
        `revision ${event.revision}, ${event.change.case} of ${event.runId}/${event.taskKey}: ${what}`,
      );
    eventCount += 1;
    const revision = Number(event.revision);
    if (revision !== lastRevision + 1) accuse('A1', `it follows revision ${lastRevision}`);
    lastRevision = revision;
    followEvent(replay, event, leaseToken, accuse);
  }
  const { runs, leases, completedTasks, attemptEnds } = replay;
  return { runs, leases, eventCount, completedTasks, attemptEnds };
}

function followEvent(replay: Replay, event: Event, leaseToken: string, accuse: Accuse): void {
  const { change, runId } = event;
  const known = replay.runs.get(runId);
  if (change.case === 'runSubmitted') {
    const { labels, taskCount } = change.value;
    if (known !== undefined) accuse('A2', 'the run was submitted before');
    else replay.runs.set(runId, newRun(runId, labels['request'] ?? '', taskCount));
  } else if (known === undefined) {
    accuse('A2', 'no run was submitted');
  } else if (known.end !== undefined && change.case !== 'runRestarted') {
    accuse('A2', `the run had ended before: ${known.end}`);
  } else {
    const atMs = event.time === undefined ? 0 : timestampMs(event.time);
    const scene: Scene = { replay, run: known, event, atMs, accuse };
    if (event.taskKey === '' || change.case === 'tasksAdded') followRun(scene);
    else followTask(scene, leaseToken);
  }
}

function newRun(runId: string, requestId: string, taskCount: number): RunHistory {
  return {
    runId,
    requestId,
    taskCount,
    tasks: new Map(),
    end: undefined,
    output: undefined,
    isPaused: false,
    isCancelling: false,
    resumedCount: 0,
    marks: new Map(),
  };
}

function followRun({ run, event: { change }, accuse }: Scene): void {
  const mark = (text: unknown) => {
    if (typeof text === 'string') run.marks.set(text, (run.marks.get(text) ?? 0) + 1);
  };
  switch (change.case) {
    case 'tasksAdded':
      run.taskCount += change.value.taskKeys.length;
      return;
    case 'runPaused':
      run.isPaused = true;
      mark(change.value.message);
      return;
    case 'runResumed':
      run.isPaused = false;
      run.resumedCount += 1;
      return;
    case 'runSignalled': {
      const payload = json(change.value.payload);
      mark(isObject(payload) ? payload['mark'] : undefined);
      return;
    }
    case 'runCancelling':
      run.isCancelling = true;
      mark(change.value.message);
      return;
    case 'runRestarted':
      run.end = undefined;
      run.isCancelling = false;
      return;
    case 'runCompleted':
      run.output = json(change.value.output);
      if (run.isCancelling) accuse('A7', 'the run was told to end early');
      endRun(run, 'COMPLETED', accuse);
      return;
    case 'runFailed':
      endRun(run, 'FAILED', accuse);
      return;
    case 'runCancelled':
      endRun(run, 'CANCELLED', accuse);
      return;
    case undefined:
      accuse('A2', 'an event without a change');
      return;
  }
}

function endRun(run: RunHistory, end: RunEnd, accuse: Accuse): void {
  run.end = end;
  const open = [...run.tasks].find(([, task]) => !task.isFinal);
  if (open !== undefined) accuse('A2', `its task ${open[0]} has not ended`);
  else if (run.tasks.size !== run.taskCount) {
    accuse('A2', `${run.tasks.size} of its ${run.taskCount} tasks have ended`);
  }
}

function followTask(scene: Scene, leaseToken: string): void {
  const { run, event, accuse } = scene;
  const { change } = event;
  const task = taskOf(run, event.taskKey);
  if (change.case === 'taskReset') {
    endAttempt(scene, task, 0, { end: 'RESET', digest: '' });
    task.isFinal = false;
    return;
  }
  if (task.isFinal) accuse('A3', 'the task had ended before');
  if (change.case === 'taskStarted') {
    startAttempt(scene, task, leaseToken, change.value);
    return;
  }
  if (change.case === 'taskCancelling') {
    if (task.lease !== undefined) task.lease.isCancelling = true;
    return;
  }
  if (change.case === 'taskValidating') {
    // The attempt goes on without its lease.
    endLease(scene, task, outcomeOf(change));
    return;
  }
  const attempt = attemptIn(change);
  if (attempt !== undefined) endAttempt(scene, task, attempt, outcomeOf(change));
  switch (change.case) {
    case 'taskCompleted':
      scene.replay.completedTasks += 1;
      task.isFinal = true;
      return;
    case 'taskFailed':
    case 'taskCancelled':
    case 'taskSkipped':
      if (task.isUnderWay) accuse('A4', `attempt ${task.attempts} has no outcome`);
      task.isFinal = true;
      return;
  }
}

function taskOf(run: RunHistory, key: string): TaskHistory {
  const known = run.tasks.get(key);
  if (known !== undefined) return known;
  const task = { isFinal: false, attempts: 0, isUnderWay: false, lease: undefined };
  run.tasks.set(key, task);
  return task;
}

function startAttempt(
  { replay, run, event, atMs, accuse }: Scene,
  task: TaskHistory,
  token: string,
  { attempt, executorId }: { readonly attempt: number; readonly executorId: string },
): void {
  if (task.isUnderWay) accuse('A4', `attempt ${task.attempts} has no outcome yet`);
  if (attempt !== task.attempts + 1) accuse('A4', `attempt ${attempt} follows attempt ${task.attempts}`);
  task.attempts = attempt;
  task.isUnderWay = true;
  task.lease = undefined;
  if (executorId === '') return;
  if (run.isPaused) accuse('A7', 'the run is paused');
  if (token === '') accuse('A5', `${executorId} was given no lease`);
  if (replay.leases.has(token)) accuse('A5', `the lease ${token} was given before`);
  const { runId, taskKey } = event;
  const lease: LeaseHistory = {
    token,
    runId,
    taskKey,
    attempt,
    executorId,
    startedAtMs: atMs,
    isCancelling: false,
    outcome: undefined,
    endedAtMs: undefined,
  };
  task.lease = lease;
  replay.leases.set(token, lease);
  const held = replay.held.get(executorId) ?? new Set();
  replay.held.set(executorId, held.add(lease));
  if (held.size > replay.slots)
    accuse('A6', `${executorId} holds ${held.size} leases in ${replay.slots} slots`);
}

/** @param attempt 0: none was under way, or whichever is */
function endAttempt(scene: Scene, task: TaskHistory, attempt: number, outcome: LeaseOutcome): void {
  const { event, accuse, replay } = scene;
  if (attempt === 0 && !task.isUnderWay) return;
  if (attempt === 0 && event.change.case !== 'taskReset') return;
  if (attempt !== 0 && attempt !== task.attempts) {
    accuse('A4', `attempt ${attempt} ends, and the latest is ${task.attempts}`);
  } else if (!task.isUnderWay) accuse('A4', `attempt ${task.attempts} had its outcome before`);
  task.isUnderWay = false;
  replay.attemptEnds.set(outcome.end, (replay.attemptEnds.get(outcome.end) ?? 0) + 1);
  if (task.lease === undefined) return;
  if (task.lease.isCancelling && outcome.end === 'COMPLETED') accuse('A7', 'the attempt was told to stop');
  endLease(scene, task, outcome);
}

function endLease({ replay, atMs, accuse }: Scene, task: TaskHistory, outcome: LeaseOutcome): void {
  const { lease } = task;
  task.lease = undefined;
  if (lease === undefined) return;
  if (lease.outcome !== undefined)
    accuse('A5', `the lease ${lease.token} had its outcome: ${lease.outcome.end}`);
  lease.outcome = outcome;
  lease.endedAtMs = atMs;
  replay.held.get(lease.executorId)?.delete(lease);
}

/** The attempt that ends with it; undefined for a change that ends none. */
function attemptIn(change: Change): number | undefined {
  switch (change.case) {
    case 'taskRetrying':
    case 'taskRepeating':
    case 'taskSentBack':
    case 'taskCompleted':
    case 'taskFailed':
    case 'taskCancelled':
      return change.value.attempt;
    default:
      return undefined;
  }
}

function outcomeOf(change: Change): LeaseOutcome {
  switch (change.case) {
    case 'taskCompleted':
      return change.value.error === undefined
        ? { end: 'COMPLETED', digest: digestOf(change.value.result) }
        : { end: nameOf(change.value.attemptState || AttemptState.FAILED), digest: change.value.error.code };
    case 'taskRepeating':
    case 'taskSentBack':
    case 'taskValidating':
      return { end: 'COMPLETED', digest: digestOf(change.value.result) };
    case 'taskRetrying':
      return { end: nameOf(change.value.attemptState), digest: change.value.error?.code ?? '' };
    case 'taskFailed': {
      const { attemptState, attemptError, error } = change.value;
      return { end: nameOf(attemptState), digest: (attemptError ?? error)?.code ?? '' };
    }
    case 'taskCancelled':
      return { end: 'CANCELLED', digest: '' };
    default:
      return { end: 'RESET', digest: '' };
  }
}

function nameOf(state: AttemptState): string {
  return Object.entries(AttemptState).find(([, value]) => value === state)?.[0] ?? String(state);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
