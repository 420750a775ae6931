// How is a task told to clients? The basic view is its row; the full view adds what its events say.

import { create, fromBinary } from '@bufbuild/protobuf';
import {
  type Event as EventMessage,
  EventSchema,
  type TaskRepeating,
} from '@tutti/proto/tutti/v1/event_pb.ts';
import type { Payload as PayloadMessage } from '@tutti/proto/tutti/v1/payload_pb.ts';
import {
  type Attempt,
  AttemptSchema,
  AttemptState,
  type Task,
  TaskSchema,
  TaskSpecSchema,
  TaskState,
} from '@tutti/proto/tutti/v1/task_pb.ts';
import type { EventRecord, TaskRow } from '../../store/port.ts';
import { REASON_TO_WIRE, TASK_STATE_TO_WIRE } from '../../wire/enums.ts';
import { errorInForm, feedbackInForm, inForm, type PayloadForm } from '../../wire/payload-form.ts';
import { readTaskSpec } from '../../wire/stored-spec.ts';
import { timestampFromMs } from '../../wire/time.ts';

export function toBasicTask(runId: string, row: TaskRow): Task {
  const message = create(TaskSchema, {
    runId,
    key: row.key,
    state: TASK_STATE_TO_WIRE[row.state],
    reason: REASON_TO_WIRE[row.reason],
    attemptCount: row.attemptCount,
  });
  if (row.firstReadyAtMs !== undefined) message.readyTime = timestampFromMs(row.firstReadyAtMs);
  if (row.startedAtMs !== undefined) message.startTime = timestampFromMs(row.startedAtMs);
  if (row.endedAtMs !== undefined) message.endTime = timestampFromMs(row.endedAtMs);
  return message;
}

/** Who is asked for its next attempt; empty: the orchestrator itself does it. */
export function capabilityOf(row: TaskRow): string {
  const { capability, fallback, foreach } = fromBinary(TaskSpecSchema, row.spec);
  if (foreach !== undefined) return ''; // It is what its items ask for.
  return row.reason === 'FALLBACK' ? fallback : capability;
}

/** @param events of this task alone, by revision */
export function toFullTask(
  runId: string,
  row: TaskRow,
  events: readonly EventRecord[],
  form: PayloadForm,
): Task {
  const task = toBasicTask(runId, row);
  task.spec = readTaskSpec(row);
  if (task.spec.input !== undefined) task.spec.input = inForm(task.spec.input, form);
  for (const event of events) applyEvent(task, fromBinary(EventSchema, event.payload), form);
  if (task.state !== TaskState.RETRYING) delete task.retryTime;
  return task;
}

function applyEvent(task: Task, event: EventMessage, form: PayloadForm): void {
  const { change } = event;
  switch (change.case) {
    case 'taskStarted':
      task.attempts.push(startedAttempt(event, change.value.attempt, change.value.executorId));
      if (change.value.childRunId !== '') task.childRunId = change.value.childRunId;
      return;
    case 'taskProgressed': {
      const attempt = attemptOf(task, change.value.attempt);
      if (attempt !== undefined && change.value.progress !== undefined) {
        attempt.progress = change.value.progress;
      }
      return;
    }
    case 'taskRetrying': {
      const { attempt, attemptState, error, retryTime, usage } = change.value;
      endAttempt(task, event, attempt, { state: attemptState, usage, error: errorInForm(error, form) });
      if (retryTime !== undefined) task.retryTime = retryTime;
      const { feedback } = change.value;
      if (feedback !== undefined) task.feedback = feedbackInForm(feedback, form);
      return;
    }
    case 'taskCompleted': {
      const { attempt, result, usage, attemptState } = change.value;
      const error = errorInForm(change.value.error, form);
      const failed = attemptState === AttemptState.UNSPECIFIED ? AttemptState.FAILED : attemptState;
      const state = error === undefined ? AttemptState.COMPLETED : failed;
      endAttempt(task, event, attempt, { state, usage, error });
      if (result !== undefined) task.result = inForm(result, form);
      return;
    }
    case 'taskFailed': {
      const { attempt, attemptState, usage } = change.value;
      const error = errorInForm(change.value.error, form);
      const own = errorInForm(change.value.attemptError, form) ?? error;
      endAttempt(task, event, attempt, { state: attemptState, usage, error: own });
      if (error !== undefined) task.error = error;
      return;
    }
    case 'taskCancelled': {
      const { attempt, partialResult, usage } = change.value;
      const kept = partialResult === undefined ? undefined : inForm(partialResult, form);
      endAttempt(task, event, attempt, { state: AttemptState.CANCELLED, usage, partialResult: kept });
      return;
    }
    case 'taskReady':
      if (change.value.input !== undefined) task.computedInput = inForm(change.value.input, form);
      return;
    case 'taskSentBack':
    case 'taskRepeating': {
      const { attempt, usage } = change.value;
      endAttempt(task, event, attempt, { state: AttemptState.COMPLETED, usage });
      if (change.case === 'taskRepeating') beginIteration(task, change.value, form);
      else beginAgain(task);
      return;
    }
    case 'taskReset': {
      const running = task.attempts.find(({ state }) => state === AttemptState.RUNNING);
      if (running !== undefined)
        endAttempt(task, event, running.number, { state: AttemptState.CANCELLED, usage: {} });
      beginAgain(task);
      const { feedback } = change.value;
      if (feedback !== undefined) task.feedback = feedbackInForm(feedback, form);
      return;
    }
    case 'taskHeld':
    case 'taskExpanded':
    case 'taskSignalled':
    case 'taskValidating':
      return; // The row, the specification or other tasks say it.
    case 'taskDependenciesChanged':
      return; // The row says them.
    case 'taskRouted':
    case 'taskCancelling':
    case 'taskSkipped':
      return; // The row says it all.
    case 'runSubmitted':
    case 'runCancelling':
    case 'runCompleted':
    case 'runFailed':
    case 'runCancelled':
    case 'runPaused':
    case 'runResumed':
    case 'runSignalled':
    case 'runRestarted':
    case 'runCompensating':
    case 'tasksAdded':
    case undefined:
      return; // Not about a task.
  }
}

/** As if it had never run, but for its attempts. */
function beginAgain(task: Task): void {
  delete task.result;
  delete task.error;
  delete task.computedInput;
  delete task.feedback;
  task.iteration = 0;
}

function beginIteration(task: Task, change: TaskRepeating, form: PayloadForm): void {
  const input = change.nextInput ?? change.result;
  if (input !== undefined) task.computedInput = inForm(input, form);
  if (change.repeatTime !== undefined) task.retryTime = change.repeatTime;
  task.iteration = change.iteration;
  delete task.feedback;
}

function startedAttempt(event: EventMessage, number: number, executorId: string): Attempt {
  const attempt = create(AttemptSchema, { number, executorId, state: AttemptState.RUNNING });
  if (event.time !== undefined) attempt.startTime = event.time;
  return attempt;
}

/** The attempt with this number; undefined for 0, which stands for none. */
function attemptOf(task: Task, number: number): Attempt | undefined {
  return number === 0 ? undefined : task.attempts.find((attempt) => attempt.number === number);
}

interface AttemptEnd {
  readonly state: AttemptState;
  readonly usage: { [name: string]: number };
  readonly error?: Attempt['error'];
  readonly partialResult?: PayloadMessage | undefined;
}

function endAttempt(task: Task, event: EventMessage, number: number, end: AttemptEnd): void {
  const attempt = attemptOf(task, number);
  if (attempt === undefined) return;
  attempt.state = end.state;
  attempt.usage = end.usage;
  if (event.time !== undefined) attempt.endTime = event.time;
  if (end.error !== undefined) attempt.error = end.error;
  if (end.partialResult !== undefined) attempt.partialResult = end.partialResult;
}
