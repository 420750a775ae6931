// How do the events of growth, loops, waits and re-runs become messages, and come back from them?

import { create } from '@bufbuild/protobuf';
import { RerunScope as RerunScopeMessage } from '@tutti/proto/tutti/v1/event_pb.ts';
import { RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { type Feedback as FeedbackMessage, FeedbackSchema } from '@tutti/proto/tutti/v1/task_pb.ts';
import type { Change, Feedback, RerunScope } from '../domain/events.ts';
import type { Graph } from '../domain/graph.ts';
import { firstAdded } from '../domain/growth.ts';
import { REASON_TO_WIRE, reasonFromWire } from './enums.ts';
import type { ChangeInit, Replay, SetChangeMessage } from './event-message.ts';
import { fromUsage, indexOf, keyOf, toUsage } from './event-parts.ts';
import { fromPayload, toPayload } from './payload.ts';
import { fromDependency, toDependency } from './spec-parts.ts';
import { timestampFromMs, timestampToMs } from './time.ts';

type RunConstruct = Extract<
  Change,
  {
    type: 'RunPaused' | 'RunResumed' | 'RunSignalled' | 'RunRestarted' | 'RunCompensating' | 'TasksAdded';
  }
>;
type TaskConstruct = Extract<
  Change,
  {
    type:
      | 'TaskHeld'
      | 'TaskSentBack'
      | 'TaskReset'
      | 'TaskRepeating'
      | 'TaskExpanded'
      | 'TaskSignalled'
      | 'TaskValidating'
      | 'TaskDependenciesChanged';
  }
>;
type RunConstructMessage = Extract<
  SetChangeMessage,
  { case: 'runPaused' | 'runResumed' | 'runSignalled' | 'runRestarted' | 'runCompensating' | 'tasksAdded' }
>;
type TaskConstructMessage = Extract<
  SetChangeMessage,
  {
    case:
      | 'taskHeld'
      | 'taskSentBack'
      | 'taskReset'
      | 'taskRepeating'
      | 'taskExpanded'
      | 'taskSignalled'
      | 'taskValidating'
      | 'taskDependenciesChanged';
  }
>;

const SCOPES: Readonly<Record<RerunScope, RerunScopeMessage>> = {
  FAILED: RerunScopeMessage.FAILED,
  FROM: RerunScopeMessage.FROM,
  ALL: RerunScopeMessage.ALL,
};

export function toFeedbackMessage(feedback: Feedback): FeedbackMessage {
  const { reason, refusedResult, from, decision, iteration } = feedback;
  return create(FeedbackSchema, {
    reason,
    from,
    iteration,
    ...(refusedResult === undefined ? {} : { refusedResult: fromPayload(refusedResult, 'BYTES') }),
    ...(decision === undefined ? {} : { decision: fromPayload(decision, 'BYTES') }),
  });
}

export function fromFeedbackMessage(message: FeedbackMessage): Feedback {
  const { reason, from, iteration } = message;
  return {
    reason,
    from,
    iteration,
    refusedResult: message.refusedResult && toPayload(message.refusedResult),
    decision: message.decision && toPayload(message.decision),
  };
}

export function toConstructMessage(graph: Graph, change: RunConstruct | TaskConstruct): ChangeInit {
  switch (change.type) {
    case 'RunPaused':
      return { case: 'runPaused', value: { message: change.message } };
    case 'RunResumed':
      return { case: 'runResumed', value: {} };
    case 'RunSignalled':
      return {
        case: 'runSignalled',
        value: { name: change.name, payload: fromPayload(change.payload, 'BYTES') },
      };
    case 'RunRestarted': {
      const taskKey = change.from === undefined ? '' : keyOf(graph, change.from);
      return { case: 'runRestarted', value: { scope: SCOPES[change.scope], taskKey } };
    }
    case 'RunCompensating': {
      const { outcome, reason, failedTask, message } = change.verdict;
      return {
        case: 'runCompensating',
        value: {
          outcome: RunState[outcome],
          reason: REASON_TO_WIRE[reason],
          failedTask: failedTask === undefined ? '' : keyOf(graph, failedTask),
          message,
        },
      };
    }
    case 'TasksAdded':
      return {
        case: 'tasksAdded',
        value: {
          firstIndex: firstAdded(graph, change),
          taskKeys: change.specs.map(({ key }) => key),
          owner: change.owner === undefined ? '' : keyOf(graph, change.owner),
        },
      };
    default:
      return toTaskConstructMessage(graph, change);
  }
}

function toTaskConstructMessage(graph: Graph, change: TaskConstruct): ChangeInit {
  switch (change.type) {
    case 'TaskHeld':
      return {
        case: 'taskHeld',
        value: {
          reason: REASON_TO_WIRE[change.reason],
          ...(change.untilMs === undefined ? {} : { until: timestampFromMs(change.untilMs) }),
        },
      };
    case 'TaskSentBack': {
      const { attempt, result, usage, to, because, iteration } = change;
      return {
        case: 'taskSentBack',
        value: {
          attempt,
          result: fromPayload(result, 'BYTES'),
          usage: toUsage(usage),
          to: keyOf(graph, to),
          reason: because,
          iteration,
        },
      };
    }
    case 'TaskReset': {
      const { reason, feedback, keepItems = false } = change;
      return {
        case: 'taskReset',
        value: {
          keepItems,
          reason: REASON_TO_WIRE[reason],
          ...(feedback === undefined ? {} : { feedback: toFeedbackMessage(feedback) }),
        },
      };
    }
    case 'TaskRepeating': {
      const { attempt, result, usage, iteration, nextInput, repeatAtMs } = change;
      return {
        case: 'taskRepeating',
        value: {
          attempt,
          result: fromPayload(result, 'BYTES'),
          usage: toUsage(usage),
          iteration,
          ...(repeatAtMs === undefined ? {} : { repeatTime: timestampFromMs(repeatAtMs) }),
          ...(nextInput === undefined ? {} : { nextInput: fromPayload(nextInput, 'BYTES') }),
        },
      };
    }
    case 'TaskExpanded': {
      const { items, itemCount, kept } = change;
      return {
        case: 'taskExpanded',
        value: {
          itemCount,
          kept: [...kept],
          ...(items === undefined ? {} : { items: fromPayload(items, 'BYTES') }),
        },
      };
    }
    case 'TaskSignalled':
      return { case: 'taskSignalled', value: { attempt: change.attempt, name: change.name } };
    case 'TaskValidating': {
      const { attempt, result, usage, guardrail } = change;
      const value = { attempt, result: fromPayload(result, 'BYTES'), usage: toUsage(usage), guardrail };
      return { case: 'taskValidating', value };
    }
    case 'TaskDependenciesChanged':
      return {
        case: 'taskDependenciesChanged',
        value: { dependencies: change.dependencies.map(fromDependency) },
      };
  }
}

export function fromRunConstructMessage(change: RunConstructMessage, replay: Replay): Change {
  switch (change.case) {
    case 'runPaused':
      return { type: 'RunPaused', message: change.value.message };
    case 'runResumed':
      return { type: 'RunResumed' };
    case 'runSignalled':
      return { type: 'RunSignalled', name: change.value.name, payload: toPayload(change.value.payload) };
    case 'runRestarted': {
      const { scope, taskKey } = change.value;
      const from = taskKey === '' ? undefined : indexOf(replay.graph, taskKey);
      return { type: 'RunRestarted', scope: scopeFromWire(scope), from };
    }
    case 'runCompensating': {
      const { outcome, reason, failedTask, message } = change.value;
      const verdict = {
        outcome: outcome === RunState.CANCELLED ? ('CANCELLED' as const) : ('FAILED' as const),
        reason: reasonFromWire(reason),
        failedTask: failedTask === '' ? undefined : indexOf(replay.graph, failedTask),
        message,
      };
      return { type: 'RunCompensating', verdict };
    }
    case 'tasksAdded': {
      const { firstIndex, taskKeys, owner } = change.value;
      return {
        type: 'TasksAdded',
        specs: replay.addedSpecs(firstIndex, taskKeys.length),
        owner: owner === '' ? undefined : indexOf(replay.graph, owner),
      };
    }
  }
}

export function fromConstructMessage(change: TaskConstructMessage, task: number, replay: Replay): Change {
  switch (change.case) {
    case 'taskHeld': {
      const { reason, until } = change.value;
      const held = reasonFromWire(reason);
      if (held !== 'START_TIME_AHEAD' && held !== 'RUN_AT_LIMIT' && held !== 'AWAITING_MANAGER') {
        throw new Error(`stored event: a task is not held for ${held}`);
      }
      return { type: 'TaskHeld', task, reason: held, untilMs: until && timestampToMs(until) };
    }
    case 'taskSentBack': {
      const { attempt, result, usage, to, reason, iteration } = change.value;
      return {
        type: 'TaskSentBack',
        task,
        attempt,
        result: toPayload(result),
        usage: fromUsage(usage),
        to: indexOf(replay.graph, to),
        because: reason,
        iteration,
      };
    }
    case 'taskReset': {
      const { reason, feedback, keepItems } = change.value;
      return {
        type: 'TaskReset',
        task,
        reason: reasonFromWire(reason) === 'SENT_BACK' ? 'SENT_BACK' : 'RERUN',
        feedback: feedback && fromFeedbackMessage(feedback),
        ...(keepItems ? { keepItems } : {}),
      };
    }
    case 'taskRepeating': {
      const { attempt, result, usage, iteration, nextInput, repeatTime } = change.value;
      return {
        type: 'TaskRepeating',
        task,
        attempt,
        result: toPayload(result),
        usage: fromUsage(usage),
        iteration,
        nextInput: nextInput && toPayload(nextInput),
        repeatAtMs: repeatTime && timestampToMs(repeatTime),
      };
    }
    case 'taskExpanded': {
      const { items, itemCount, kept } = change.value;
      return { type: 'TaskExpanded', task, items: items && toPayload(items), itemCount, kept };
    }
    case 'taskSignalled':
      return { type: 'TaskSignalled', task, attempt: change.value.attempt, name: change.value.name };
    case 'taskValidating': {
      const { attempt, result, usage, guardrail } = change.value;
      const checked = { result: toPayload(result), usage: fromUsage(usage), guardrail };
      return { type: 'TaskValidating', task, attempt, ...checked };
    }
    case 'taskDependenciesChanged':
      return {
        type: 'TaskDependenciesChanged',
        task,
        dependencies: change.value.dependencies.map(toDependency),
      };
  }
}

function scopeFromWire(scope: RerunScopeMessage): RerunScope {
  const found = (Object.keys(SCOPES) as RerunScope[]).find((name) => SCOPES[name] === scope);
  if (found === undefined) throw new Error(`stored event: unknown scope ${scope} of a re-run`);
  return found;
}
