// How does an event become the message that watchers get, and how is it replayed from it?

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Event as EventMessage, EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
import { AttemptState } from '@tutti/proto/tutti/v1/task_pb.ts';
import type { Change, RunEvent } from '../domain/events.ts';
import type { Graph } from '../domain/graph.ts';
import type { Payload } from '../domain/payload.ts';
import type { RunParent, TaskSpec } from '../domain/spec.ts';
import {
  fromConstructMessage,
  fromFeedbackMessage,
  fromRunConstructMessage,
  toConstructMessage,
  toFeedbackMessage,
} from './construct-events.ts';
import { ATTEMPT_STATE_TO_WIRE, REASON_TO_WIRE, reasonFromWire, unsuccessfulEndFromWire } from './enums.ts';
import {
  fromTaskErrorMessage,
  fromUsage,
  indexOf,
  keyOf,
  toTaskErrorMessage,
  toUsage,
} from './event-parts.ts';
import { fromPayload, toPayload } from './payload.ts';
import { durationFromMs, durationToMs, timestampFromMs, timestampToMs } from './time.ts';

export type ChangeMessage = EventMessage['change'];
export type SetChangeMessage = Exclude<ChangeMessage, { case: undefined }>;
export type ChangeInit = NonNullable<Exclude<MessageInitShape<typeof EventSchema>, EventMessage>['change']>;

/** What of a run its events refer to by index. */
export interface EventRun {
  readonly runId: string;
  readonly graph: Graph;
}

/** What replaying needs and the public message does not hold. */
export interface Replay {
  readonly graph: Graph;
  readonly traceparent: string;
  /** With TaskStarted. */
  readonly leaseToken: string;
  /** With TaskProgressed and TaskRetrying. */
  readonly checkpoint: Payload | undefined;
  /** With TaskRetrying, TaskFailed and TaskCancelled. */
  readonly reported: boolean;
  readonly parent: RunParent | undefined;
  /** The specifications of tasks that were added, by index. */
  addedSpecs(first: number, count: number): readonly TaskSpec[];
}

export function toEventMessage(run: EventRun, event: RunEvent): EventMessage {
  const { change } = event;
  return create(EventSchema, {
    revision: BigInt(event.revision),
    time: timestampFromMs(event.atMs),
    runId: run.runId,
    taskKey: 'task' in change ? keyOf(run.graph, change.task) : '',
    change: toChangeMessage(run.graph, change),
  });
}

export function fromEventMessage(message: EventMessage, replay: Replay): RunEvent {
  if (message.time === undefined) throw new Error(`stored event ${message.revision}: it has no time`);
  return {
    revision: Number(message.revision),
    atMs: timestampToMs(message.time),
    change: fromChangeMessage(message, replay),
  };
}

function toChangeMessage(graph: Graph, change: Change): ChangeInit {
  switch (change.type) {
    case 'RunSubmitted': {
      const { name, labels, tasks } = change.graph.spec;
      const { parent } = change;
      return {
        case: 'runSubmitted',
        value: {
          name,
          labels: { ...labels },
          taskCount: tasks.length,
          ...(parent === undefined ? {} : { parent }),
        },
      };
    }
    case 'RunCancelling':
      return {
        case: 'runCancelling',
        value: { reason: REASON_TO_WIRE[change.reason], message: change.message },
      };
    case 'RunCompleted':
      return {
        case: 'runCompleted',
        value: change.output === undefined ? {} : { output: fromPayload(change.output, 'BYTES') },
      };
    case 'RunFailed': {
      const failedTask = change.failedTask === undefined ? '' : keyOf(graph, change.failedTask);
      const { message } = change;
      return { case: 'runFailed', value: { reason: REASON_TO_WIRE[change.reason], failedTask, message } };
    }
    case 'RunCancelled':
      return {
        case: 'runCancelled',
        value: { reason: REASON_TO_WIRE[change.reason], message: change.message ?? '' },
      };
    case 'TaskReady':
      return {
        case: 'taskReady',
        value: {
          ...(change.input === undefined ? {} : { input: fromPayload(change.input, 'BYTES') }),
          executorId: change.executorId ?? '',
        },
      };
    case 'TaskStarted':
      return {
        case: 'taskStarted',
        value: {
          attempt: change.attempt,
          executorId: change.executorId,
          childRunId: change.childRunId ?? '',
        },
      };
    case 'TaskProgressed':
      return {
        case: 'taskProgressed',
        value: {
          attempt: change.attempt,
          checkpointed: change.checkpoint !== undefined,
          ...(change.progress === undefined ? {} : { progress: { ...change.progress } }),
        },
      };
    case 'TaskCancelling':
      return {
        case: 'taskCancelling',
        value: { reason: REASON_TO_WIRE[change.reason], grace: durationFromMs(change.graceMs) },
      };
    case 'TaskRetrying':
      return {
        case: 'taskRetrying',
        value: {
          attempt: change.attempt,
          attemptState: ATTEMPT_STATE_TO_WIRE[change.end],
          error: toTaskErrorMessage(change.error),
          retryTime: timestampFromMs(change.retryAtMs),
          usage: toUsage(change.usage),
          fallback: change.fallback ?? false,
          ...(change.feedback === undefined ? {} : { feedback: toFeedbackMessage(change.feedback) }),
        },
      };
    case 'TaskCompleted': {
      const { attempt, usage, error, end } = change;
      return {
        case: 'taskCompleted',
        value: {
          attempt,
          result: fromPayload(change.result, 'BYTES'),
          usage: toUsage(usage),
          ...(error === undefined ? {} : { error: toTaskErrorMessage(error) }),
          ...(end === undefined ? {} : { attemptState: ATTEMPT_STATE_TO_WIRE[end] }),
        },
      };
    }
    case 'TaskFailed':
      return {
        case: 'taskFailed',
        value: {
          reason: REASON_TO_WIRE[change.reason],
          usage: toUsage(change.usage),
          ...(change.ended === undefined
            ? {}
            : { attempt: change.ended.attempt, attemptState: ATTEMPT_STATE_TO_WIRE[change.ended.end] }),
          ...(change.error === undefined ? {} : { error: toTaskErrorMessage(change.error) }),
          ...(change.attemptError === undefined
            ? {}
            : { attemptError: toTaskErrorMessage(change.attemptError) }),
        },
      };
    case 'TaskCancelled':
      return {
        case: 'taskCancelled',
        value: {
          reason: REASON_TO_WIRE[change.reason],
          attempt: change.attempt ?? 0,
          usage: toUsage(change.usage),
          ...(change.partialResult === undefined
            ? {}
            : { partialResult: fromPayload(change.partialResult, 'BYTES') }),
        },
      };
    case 'TaskSkipped': {
      const { reason, upstream } = change;
      return {
        case: 'taskSkipped',
        value: {
          reason: REASON_TO_WIRE[reason],
          upstream: upstream === undefined ? '' : keyOf(graph, upstream),
        },
      };
    }
    case 'TaskRouted':
      return { case: 'taskRouted', value: { upstream: keyOf(graph, change.upstream), met: change.met } };
    default:
      return toConstructMessage(graph, change);
  }
}

function fromChangeMessage(message: EventMessage, replay: Replay): Change {
  const { change } = message;
  switch (change.case) {
    case undefined:
      throw new Error(`stored event ${message.revision}: it says nothing that this version knows`);
    case 'runSubmitted':
      return {
        type: 'RunSubmitted',
        runId: message.runId,
        graph: replay.graph,
        traceparent: replay.traceparent,
        parent: replay.parent,
      };
    case 'runCancelling':
      return {
        type: 'RunCancelling',
        reason: reasonFromWire(change.value.reason),
        message: change.value.message,
      };
    case 'runCompleted':
      return { type: 'RunCompleted', output: change.value.output && toPayload(change.value.output) };
    case 'runFailed': {
      const { reason, failedTask, message: text } = change.value;
      return {
        type: 'RunFailed',
        reason: reasonFromWire(reason),
        failedTask: failedTask === '' ? undefined : indexOf(replay.graph, failedTask),
        message: text,
      };
    }
    case 'runCancelled':
      return {
        type: 'RunCancelled',
        reason: reasonFromWire(change.value.reason),
        ...(change.value.message === '' ? {} : { message: change.value.message }),
      };
    case 'runPaused':
    case 'runResumed':
    case 'runSignalled':
    case 'runRestarted':
    case 'runCompensating':
    case 'tasksAdded':
      return fromRunConstructMessage(change, replay);
    default:
      return fromTaskChangeMessage(change, indexOf(replay.graph, message.taskKey), replay);
  }
}

type TaskChangeMessage = Exclude<SetChangeMessage, { case: `run${string}` | 'tasksAdded' }>;

function fromTaskChangeMessage(change: TaskChangeMessage, task: number, replay: Replay): Change {
  switch (change.case) {
    case 'taskReady':
      return {
        type: 'TaskReady',
        task,
        input: change.value.input && toPayload(change.value.input),
        ...(change.value.executorId === '' ? {} : { executorId: change.value.executorId }),
      };
    case 'taskStarted': {
      const { attempt, executorId, childRunId } = change.value;
      const { leaseToken } = replay;
      const started = { type: 'TaskStarted', task, attempt, executorId, leaseToken } as const;
      return childRunId === '' ? started : { ...started, childRunId };
    }
    case 'taskProgressed': {
      const { attempt, progress } = change.value;
      return {
        type: 'TaskProgressed',
        task,
        attempt,
        progress: progress && { percent: progress.percent, message: progress.message },
        checkpoint: replay.checkpoint,
      };
    }
    case 'taskCancelling': {
      const { reason, grace } = change.value;
      const graceMs = grace === undefined ? 0 : durationToMs(grace);
      return { type: 'TaskCancelling', task, reason: reasonFromWire(reason), graceMs };
    }
    case 'taskRetrying': {
      const { attempt, attemptState, error, retryTime, usage, fallback, feedback } = change.value;
      if (error === undefined || retryTime === undefined) {
        throw new Error('stored event: TaskRetrying lacks its error or time');
      }
      return {
        type: 'TaskRetrying',
        task,
        attempt,
        end: unsuccessfulEndFromWire(attemptState),
        error: fromTaskErrorMessage(error),
        retryAtMs: timestampToMs(retryTime),
        usage: fromUsage(usage),
        checkpoint: replay.checkpoint,
        ...(fallback ? { fallback } : {}),
        ...reportedOf(replay),
        ...(feedback === undefined ? {} : { feedback: fromFeedbackMessage(feedback) }),
      };
    }
    case 'taskCompleted': {
      const { attempt, result, usage, error, attemptState } = change.value;
      return {
        type: 'TaskCompleted',
        task,
        attempt,
        result: toPayload(result),
        usage: fromUsage(usage),
        ...(error === undefined ? {} : { error: fromTaskErrorMessage(error) }),
        ...(attemptState === AttemptState.UNSPECIFIED ? {} : { end: unsuccessfulEndFromWire(attemptState) }),
      };
    }
    case 'taskFailed': {
      const { reason, attempt, attemptState, error, usage, attemptError } = change.value;
      return {
        type: 'TaskFailed',
        ...(attemptError === undefined ? {} : { attemptError: fromTaskErrorMessage(attemptError) }),
        task,
        reason: reasonFromWire(reason),
        ended: attempt === 0 ? undefined : { attempt, end: unsuccessfulEndFromWire(attemptState) },
        error: error && fromTaskErrorMessage(error),
        usage: fromUsage(usage),
        ...reportedOf(replay),
      };
    }
    case 'taskCancelled': {
      const { reason, attempt, partialResult, usage } = change.value;
      return {
        type: 'TaskCancelled',
        task,
        reason: reasonFromWire(reason),
        attempt: attempt === 0 ? undefined : attempt,
        partialResult: partialResult && toPayload(partialResult),
        usage: fromUsage(usage),
        ...reportedOf(replay),
      };
    }
    case 'taskSkipped': {
      const { reason, upstream } = change.value;
      return {
        type: 'TaskSkipped',
        task,
        reason: reasonFromWire(reason),
        upstream: upstream === '' ? undefined : indexOf(replay.graph, upstream),
      };
    }
    case 'taskRouted': {
      const { upstream, met } = change.value;
      return { type: 'TaskRouted', task, upstream: indexOf(replay.graph, upstream), met };
    }
    default:
      return fromConstructMessage(change, task, replay);
  }
}

function reportedOf({ reported }: Replay): { readonly reported?: true } {
  return reported ? { reported } : {};
}
