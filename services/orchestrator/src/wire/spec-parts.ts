// The parts of a task's specification that say when it runs: from messages, and back into them.

import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type Dependency as DependencyMessage,
  type DependencySchema,
  type Join as JoinMessage,
  JoinMode,
  OversizePolicy,
  type RetryPolicy as RetryPolicyMessage,
  type RetryPolicySchema,
  type Selection as SelectionMessage,
  type SelectionSchema,
  type Timeouts as TimeoutsMessage,
  type TimeoutsSchema,
} from '@tutti/proto/tutti/v1/task_pb.ts';
import {
  DEFAULT_JOIN,
  DEFAULT_RETRY,
  type Dependency,
  type Join,
  type RetryPolicy,
  SELECT_ALL,
  type Selection,
  type Timeouts,
} from '../domain/spec.ts';
import { CONDITION_TO_WIRE, conditionFromWire } from './enums.ts';
import { durationFromMs, durationToMs } from './time.ts';

const NO_CODES: readonly string[] = DEFAULT_RETRY.nonRetryableCodes;
const JOIN_ANY: Join = Object.freeze({ mode: 'ANY' });

export function toDependency(message: DependencyMessage): Dependency {
  const { key, when, alias, select } = message;
  const condition = conditionFromWire(message.condition);
  return { key, condition, when, alias, select: select === undefined ? SELECT_ALL : toSelection(select) };
}

function toSelection(message: SelectionMessage): Selection {
  return {
    part: toPart(message),
    maxBytes: message.maxBytes,
    oversize: message.oversize === OversizePolicy.CUT ? 'CUT' : 'REFUSE',
  };
}

function toPart({ nothing, fields, lastItems }: SelectionMessage): Selection['part'] {
  if (nothing) return { type: 'NOTHING' };
  if (fields.length > 0) return { type: 'FIELDS', names: fields };
  return lastItems > 0 ? { type: 'LAST', count: lastItems } : { type: 'ALL' };
}

export function toJoin(message: JoinMessage): Join {
  switch (message.mode) {
    case JoinMode.ANY:
      return JOIN_ANY;
    case JoinMode.AT_LEAST:
      return { mode: 'AT_LEAST', count: message.count };
    default:
      // UNSPECIFIED and ALL; validation lets no unknown value through.
      return DEFAULT_JOIN;
  }
}

export function toRetryPolicy(message: RetryPolicyMessage): RetryPolicy {
  return {
    maxAttempts: message.maxAttempts === 0 ? DEFAULT_RETRY.maxAttempts : message.maxAttempts,
    initialDelayMs:
      message.initialDelay === undefined ? DEFAULT_RETRY.initialDelayMs : durationToMs(message.initialDelay),
    factor: message.factor === 0 ? DEFAULT_RETRY.factor : message.factor,
    maxDelayMs: message.maxDelay === undefined ? DEFAULT_RETRY.maxDelayMs : durationToMs(message.maxDelay),
    jitter: message.jitter,
    nonRetryableCodes: message.nonRetryableCodes.length === 0 ? NO_CODES : message.nonRetryableCodes,
    maxLostAttempts: message.maxLostAttempts ?? DEFAULT_RETRY.maxLostAttempts,
  };
}

export function toTimeouts(message: TimeoutsMessage): Timeouts {
  return {
    queueMs: message.queue === undefined ? undefined : durationToMs(message.queue),
    attemptMs: message.attempt === undefined ? undefined : durationToMs(message.attempt),
    wholeMs: message.whole === undefined ? undefined : durationToMs(message.whole),
    heartbeatMs: message.heartbeat === undefined ? undefined : durationToMs(message.heartbeat),
  };
}

export function fromDependency(dependency: Dependency): MessageInitShape<typeof DependencySchema> {
  const { key, condition, when, alias, select } = dependency;
  return {
    key,
    // SUCCESS is the default.
    condition: condition === 'SUCCESS' ? 0 : CONDITION_TO_WIRE[condition],
    when,
    alias,
    ...(select === SELECT_ALL ? {} : { select: fromSelection(select) }),
  };
}

function fromSelection({ part, maxBytes, oversize }: Selection): MessageInitShape<typeof SelectionSchema> {
  return {
    nothing: part.type === 'NOTHING',
    fields: part.type === 'FIELDS' ? [...part.names] : [],
    lastItems: part.type === 'LAST' ? part.count : 0,
    maxBytes,
    oversize: oversize === 'CUT' ? OversizePolicy.CUT : OversizePolicy.UNSPECIFIED,
  };
}

export function fromJoin(join: Join): { join?: { mode: JoinMode; count?: number } } {
  switch (join.mode) {
    case 'ALL':
      return {};
    case 'ANY':
      return { join: { mode: JoinMode.ANY } };
    case 'AT_LEAST':
      return { join: { mode: JoinMode.AT_LEAST, count: join.count } };
  }
}

export function fromRetryPolicy(retry: RetryPolicy): MessageInitShape<typeof RetryPolicySchema> {
  return {
    maxAttempts: retry.maxAttempts,
    factor: retry.factor,
    jitter: retry.jitter,
    nonRetryableCodes: [...retry.nonRetryableCodes],
    maxLostAttempts: retry.maxLostAttempts,
    initialDelay: durationFromMs(retry.initialDelayMs),
    maxDelay: durationFromMs(retry.maxDelayMs),
  };
}

export function fromTimeouts(timeouts: Timeouts): MessageInitShape<typeof TimeoutsSchema> | undefined {
  const { queueMs, attemptMs, wholeMs, heartbeatMs } = timeouts;
  if (
    queueMs === undefined &&
    attemptMs === undefined &&
    wholeMs === undefined &&
    heartbeatMs === undefined
  ) {
    return undefined;
  }
  return {
    ...(queueMs === undefined ? {} : { queue: durationFromMs(queueMs) }),
    ...(attemptMs === undefined ? {} : { attempt: durationFromMs(attemptMs) }),
    ...(wholeMs === undefined ? {} : { whole: durationFromMs(wholeMs) }),
    ...(heartbeatMs === undefined ? {} : { heartbeat: durationFromMs(heartbeatMs) }),
  };
}
