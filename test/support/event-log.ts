// Does a namespace's event log keep the promises of DESIGN section 2? Replays the log from its first event
// and judges it by the rules alone, without asking the orchestrator for anything else.
//
//  L1  Revisions are 1, 2, 3, … without gaps (promise 2).
//  L2  A run begins with RunSubmitted and has exactly one last event, after which there is nothing; by then
//      every task is final.
//  L3  A task starts from READY, after every upstream is COMPLETED (promise 5).
//  L4  Attempts of a task are 1, 2, 3, … without holes, one at a time, each with exactly one outcome
//      (promise 4).
//  L5  A task has exactly one final event, and nothing after it.
//
// For graphs without expressions whose edges all ask for SUCCESS and whose joins are ALL; others are refused.

import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Event } from '@tutti/proto/tutti/v1/event_pb.ts';
import type { RunSpec } from '@tutti/proto/tutti/v1/run_pb.ts';
import { AttemptState, DependencyCondition, JoinMode } from '@tutti/proto/tutti/v1/task_pb.ts';

export interface AttemptHistory {
  readonly runId: string;
  readonly taskKey: string;
  readonly number: number;
  readonly executorId: string;
  readonly startedAtMs: number;
  /** RUNNING until its outcome. */
  end: AttemptState;
  endedAtMs: number | undefined;
}

export interface RunHistory {
  /** Undefined: the log ends before the run does. */
  end: 'runCompleted' | 'runFailed' | 'runCancelled' | undefined;
  readonly attempts: readonly AttemptHistory[];
}

export interface LogFindings {
  /** Empty: every rule holds. At most MAX_VIOLATIONS. */
  readonly violations: readonly string[];
  readonly runs: ReadonlyMap<string, RunHistory>;
  /** Of all runs, in the order of their starts. */
  readonly attempts: readonly AttemptHistory[];
}

const MAX_VIOLATIONS = 20;

type Place = 'WAITING' | 'READY' | 'RUNNING' | 'RETRYING' | 'final';

interface TaskReplay {
  place: Place;
  completed: boolean;
  readonly upstreams: readonly string[];
  readonly attempts: AttemptHistory[];
}

interface RunReplay extends RunHistory {
  readonly attempts: AttemptHistory[];
  readonly tasks: ReadonlyMap<string, TaskReplay>;
}

/** @param events the whole log of a namespace. @param specs what was submitted, by run id. */
export function checkLog(events: readonly Event[], specs: ReadonlyMap<string, RunSpec>): LogFindings {
  const violations: string[] = [];
  const runs = new Map<string, RunReplay>();
  events.forEach((event, index) => {
    const blame = (what: string) => {
      const where = `revision ${event.revision}, ${event.change.case} of ${event.runId}/${event.taskKey}`;
      if (violations.length < MAX_VIOLATIONS) violations.push(`${where}: ${what}`);
    };
    if (event.revision !== BigInt(index + 1)) blame(`the log has it in place ${index + 1}`);
    const run = runs.get(event.runId);
    if (event.change.case === 'runSubmitted') {
      const spec = specs.get(event.runId);
      if (spec === undefined) blame('nobody submitted it');
      else if (run !== undefined) blame('the run was submitted before');
      else if (spec.tasks.length !== event.change.value.taskCount) blame('it has another number of tasks');
      if (spec !== undefined && run === undefined) runs.set(event.runId, replayOf(spec));
    } else if (run === undefined) blame('no run was submitted');
    else if (run.end !== undefined) blame(`the run ended before with ${run.end}`);
    else followRun(run, event, blame);
  });
  const attempts = [...runs.values()].flatMap((run) => run.attempts);
  return { violations, runs, attempts: attempts.sort((a, b) => a.startedAtMs - b.startedAtMs) };
}

function replayOf(spec: RunSpec): RunReplay {
  const tasks = spec.tasks.map((task): [string, TaskReplay] => {
    const mode = task.join?.mode ?? JoinMode.UNSPECIFIED;
    const plain =
      task.when === '' &&
      task.inputExpression === '' &&
      task.dependencies.every(
        ({ condition, when }) => condition <= DependencyCondition.SUCCESS && when === '',
      );
    if (!plain || mode > JoinMode.ALL)
      throw new Error(`the edges of task ${task.key} are beyond these rules`);
    const upstreams = task.dependencies.map((dependency) => dependency.key);
    const place = upstreams.length === 0 ? 'READY' : 'WAITING';
    return [task.key, { place, completed: false, upstreams, attempts: [] }];
  });
  return { end: undefined, attempts: [], tasks: new Map(tasks) };
}

type Blame = (what: string) => void;

function followRun(run: RunReplay, event: Event, blame: Blame): void {
  switch (event.change.case) {
    case 'runCompleted':
    case 'runFailed':
    case 'runCancelled': {
      run.end = event.change.case;
      const open = [...run.tasks].find(([, task]) => task.place !== 'final');
      if (open !== undefined) blame(`the task ${open[0]} is ${open[1].place}`);
      return;
    }
    case 'runSubmitted':
    case 'runCancelling':
      return;
    case undefined:
      blame('an event without a change');
      return;
  }
  const task = run.tasks.get(event.taskKey);
  if (task === undefined) blame('the run has no such task');
  else if (task.place === 'final') blame('the task was final before');
  else followTask(run, task, event, blame);
}

function followTask(run: RunReplay, task: TaskReplay, event: Event, blame: Blame): void {
  const { change } = event;
  const from = (...places: readonly Place[]) => {
    if (!places.includes(task.place)) blame(`the task was ${task.place}`);
  };
  switch (change.case) {
    case 'taskReady':
      from('WAITING', 'RETRYING');
      task.place = 'READY';
      return;
    case 'taskStarted':
      from('READY');
      startAttempt(run, task, event, change.value, blame);
      return;
    case 'taskRouted':
      from('WAITING');
      return;
    case 'taskProgressed':
    case 'taskCancelling':
      from('RUNNING');
      return;
    case 'taskRetrying':
      from('RUNNING');
      endAttempt(task, change.value.attempt, change.value.attemptState, event, blame);
      task.place = 'RETRYING';
      return;
    case 'taskCompleted':
      from('RUNNING');
      endAttempt(task, change.value.attempt, AttemptState.COMPLETED, event, blame);
      task.completed = true;
      break;
    case 'taskFailed':
      if (task.place === 'RUNNING' || change.value.attempt !== 0) {
        endAttempt(task, change.value.attempt, change.value.attemptState, event, blame);
      }
      break;
    case 'taskCancelled':
      if (task.place === 'RUNNING' || change.value.attempt !== 0) {
        endAttempt(task, change.value.attempt, AttemptState.CANCELLED, event, blame);
      }
      break;
    case 'taskSkipped':
      from('WAITING');
      break;
  }
  task.place = 'final';
}

function startAttempt(
  run: RunReplay,
  task: TaskReplay,
  event: Event,
  started: { readonly attempt: number; readonly executorId: string },
  blame: Blame,
): void {
  const open = task.upstreams.find((key) => run.tasks.get(key)?.completed !== true);
  if (open !== undefined) blame(`its upstream ${open} was not COMPLETED`);
  if (started.attempt !== task.attempts.length + 1)
    blame(`attempt ${started.attempt} after ${task.attempts.length}`);
  const attempt: AttemptHistory = {
    runId: event.runId,
    taskKey: event.taskKey,
    number: started.attempt,
    executorId: started.executorId,
    startedAtMs: timeOf(event),
    end: AttemptState.RUNNING,
    endedAtMs: undefined,
  };
  task.attempts.push(attempt);
  run.attempts.push(attempt);
  task.place = 'RUNNING';
}

function endAttempt(task: TaskReplay, number: number, end: AttemptState, event: Event, blame: Blame): void {
  const attempt = task.attempts.at(-1);
  if (attempt === undefined || attempt.number !== number) blame(`attempt ${number} was not the latest`);
  else if (attempt.end !== AttemptState.RUNNING) blame(`attempt ${number} had its outcome before`);
  else if (end === AttemptState.UNSPECIFIED || end === AttemptState.RUNNING)
    blame(`attempt ${number} has no outcome`);
  if (attempt === undefined) return;
  attempt.end = end;
  attempt.endedAtMs = timeOf(event);
}

function timeOf(event: Event): number {
  if (event.time === undefined) throw new Error(`revision ${event.revision} has no time`);
  return timestampMs(event.time);
}
