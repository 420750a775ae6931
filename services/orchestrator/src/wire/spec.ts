// How does a submitted specification become the domain's, with every default filled in?

import { FailurePolicy, type RunSpec as RunSpecMessage } from '@tutti/proto/tutti/v1/run_pb.ts';
import {
  type Dependency as DependencyMessage,
  type Join as JoinMessage,
  JoinMode,
  OversizePolicy,
  type RetryPolicy as RetryPolicyMessage,
  type Selection as SelectionMessage,
  type TaskSpec as TaskSpecMessage,
  type Timeouts as TimeoutsMessage,
  UnmetPolicy,
} from '@tutti/proto/tutti/v1/task_pb.ts';
import { EMPTY_PAYLOAD, type Payload } from '../domain/payload.ts';
import { accept, type Refusal, type Result, reject } from '../domain/rejection.ts';
import {
  DEFAULT_CANCEL_GRACE_MS,
  DEFAULT_JOIN,
  DEFAULT_PRIORITY,
  DEFAULT_RETRY,
  type Dependency,
  type Join,
  NO_TIMEOUTS,
  type RetryPolicy,
  type RunSpec,
  SELECT_ALL,
  type Selection,
  type TaskSpec,
  type Timeouts,
} from '../domain/spec.ts';
import { conditionFromWire } from './enums.ts';
import { intern } from './intern.ts';
import { acceptPayload } from './limits.ts';
import { durationToMs } from './time.ts';

// Most tasks say nothing of these: they share one value.
const NO_DEPENDENCIES: readonly Dependency[] = Object.freeze([]);
const NO_CODES: readonly string[] = DEFAULT_RETRY.nonRetryableCodes;
const JOIN_ANY: Join = Object.freeze({ mode: 'ANY' });
const EMPTY = accept(EMPTY_PAYLOAD);

/**
 * Contract: the message has passed validation (api/validate.ts). Refuses only payloads, and what a
 * domain's join has no place for; the field of the refusal is the path from the specification, such
 * as `tasks[3].input`.
 */
export function toRunSpec(message: RunSpecMessage): Result<RunSpec> {
  const runInput = message.input === undefined ? EMPTY : acceptPayload(message.input, 'input');
  if (!runInput.ok) return runInput;
  const tasks: TaskSpec[] = [];
  for (const [index, task] of message.tasks.entries()) {
    const misplaced = misplacedCount(task, index) ?? contradiction(task, index);
    if (misplaced !== undefined) return misplaced;
    if (task.input === undefined) {
      tasks.push(toTaskSpec(task));
      continue;
    }
    const input = acceptPayload(task.input, `tasks[${index}].input`);
    if (!input.ok) return input;
    tasks.push(toTaskSpec(task, input.value));
  }
  return accept({ ...toRunSettings(message, runInput.value), tasks });
}

/** Two answers to one question: whoever gave both would get one that they did not mean. */
function contradiction(task: TaskSpecMessage, index: number): Refusal | undefined {
  if (task.input !== undefined && task.inputExpression !== '') {
    const message = `task "${task.key}" has an input and an input_expression; keep one of the two`;
    return reject('INVALID_FIELD', message, {}, `tasks[${index}].input_expression`);
  }
  for (const [position, { select }] of task.dependencies.entries()) {
    if (select === undefined) continue;
    const parts = [select.nothing, select.fields.length > 0, select.lastItems > 0].filter(Boolean).length;
    if (parts < 2) continue;
    const message = `a dependency of task "${task.key}" selects in ${parts} ways; keep one of nothing, fields and last_items`;
    return reject('INVALID_FIELD', message, {}, `tasks[${index}].dependencies[${position}].select`);
  }
  return undefined;
}

/** A count that its mode would ignore: whoever gave it wants a join that they would not get. */
function misplacedCount({ key, join, dependencies }: TaskSpecMessage, index: number): Refusal | undefined {
  if (join === undefined || join.count === 0 || join.mode === JoinMode.AT_LEAST) return undefined;
  const message =
    `task "${key}" gives its join the count ${join.count}, which its mode would ignore; ` +
    'ask for JOIN_MODE_AT_LEAST, or leave the count out';
  const distinct = new Set(dependencies.map((dependency) => dependency.key)).size;
  const metadata = { key, count: `${join.count}`, dependencies: `${distinct}` };
  return reject('INVALID_JOIN', message, metadata, `tasks[${index}].join.count`);
}

/**
 * All of a run's specification but its tasks.
 * @param input what `message.input` was accepted as; left out where it is unset
 */
export function toRunSettings(
  message: RunSpecMessage,
  input: Payload = EMPTY_PAYLOAD,
): Omit<RunSpec, 'tasks'> {
  return {
    name: message.name,
    labels: message.labels,
    failurePolicy: message.failurePolicy === FailurePolicy.CANCEL ? 'CANCEL' : 'CONTINUE',
    timeoutMs: message.timeout === undefined ? undefined : durationToMs(message.timeout),
    input,
    output: message.output,
    outputTask: message.outputTask,
    // A client names it in its submission; the specification is a copy that knows nothing of it.
    workflow: undefined,
  };
}

/** @param input what `message.input` was accepted as; left out where it is unset */
export function toTaskSpec(message: TaskSpecMessage, input: Payload = EMPTY_PAYLOAD): TaskSpec {
  return {
    key: message.key,
    capability: intern(message.capability),
    input,
    dependencies:
      message.dependencies.length === 0 ? NO_DEPENDENCIES : message.dependencies.map(toDependency),
    join: message.join === undefined ? DEFAULT_JOIN : toJoin(message.join),
    onUnmet: message.onUnmet === UnmetPolicy.FAIL ? 'FAIL' : 'SKIP',
    parent: message.parent,
    priority: message.priority ?? DEFAULT_PRIORITY,
    retry: message.retry === undefined ? DEFAULT_RETRY : toRetryPolicy(message.retry),
    timeouts: message.timeouts === undefined ? NO_TIMEOUTS : toTimeouts(message.timeouts),
    allowFailure: message.allowFailure,
    cancelGraceMs:
      message.cancelGrace === undefined ? DEFAULT_CANCEL_GRACE_MS : durationToMs(message.cancelGrace),
    when: message.when,
    inputExpression: message.inputExpression,
  };
}

function toDependency(message: DependencyMessage): Dependency {
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

function toJoin(message: JoinMessage): Join {
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

function toRetryPolicy(message: RetryPolicyMessage): RetryPolicy {
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

function toTimeouts(message: TimeoutsMessage): Timeouts {
  return {
    queueMs: message.queue === undefined ? undefined : durationToMs(message.queue),
    attemptMs: message.attempt === undefined ? undefined : durationToMs(message.attempt),
    wholeMs: message.whole === undefined ? undefined : durationToMs(message.whole),
    heartbeatMs: message.heartbeat === undefined ? undefined : durationToMs(message.heartbeat),
  };
}
