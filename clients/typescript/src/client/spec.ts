// How is a run written in TypeScript, and what does the proto say for it?
//
// Close to the JSON mapping of RunSpec: the same names, enum values without their prefix, durations
// in milliseconds or as '5s', inputs as plain values. Unknown fields are refused, as a misspelt one
// would silently change what is run.

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { PayloadSchema } from '@tutti/proto/tutti/v1/payload_pb.ts';
import { FailurePolicy, type RunSpec, RunSpecSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import {
  DependencyCondition,
  type DependencySchema,
  JoinMode,
  type JoinSchema,
  OversizePolicy,
  type RetryPolicySchema,
  type SelectionSchema,
  type TaskSpec,
  TaskSpecSchema,
  type TimeoutsSchema,
  UnmetPolicy,
} from '@tutti/proto/tutti/v1/task_pb.ts';
import { type DurationInput, toDuration } from '../durations.ts';
import { PayloadError, type PayloadInput, toPayload } from '../payloads.ts';

/** The key of a task that is submitted alone and names none. */
export const SINGLE_TASK_KEY = 'task';

/** A graph of tasks. */
export interface RunInput {
  /** For people; at most 200 characters. */
  readonly name?: string;
  /** For finding runs; at most 32. */
  readonly labels?: Readonly<Record<string, string>>;
  /** 1 to 100,000. */
  readonly tasks: readonly TaskInput[];
  /** What a failure that nothing handles does to the rest. Default `CONTINUE`. */
  readonly failurePolicy?: 'CONTINUE' | 'CANCEL';
  /** From submission to the end. Default: none. */
  readonly timeout?: DurationInput;
  /**
   * What the run is given as a whole: a JSON value, bytes, or a payload. Expressions see JSON and text, as
   * the variable `input`. Default: none.
   */
  readonly input?: PayloadInput;
  /** What the run comes to: a CEL expression over `input`, `results`, `states` and `errors`. */
  readonly output?: string;
  /** The key of the task whose result is what the run comes to; not together with `output`. */
  readonly outputTask?: string;
}

/** One task of a run. */
export interface TaskInput {
  /** Unique in the run. Default, for a task submitted alone: `task`. */
  readonly key?: string;
  /** What an executor must be able to do, for example `image.resize`. */
  readonly capability: string;
  /** A JSON value, bytes, or a payload (`bytesPayload`). Default: none. */
  readonly input?: PayloadInput;
  /** Which tasks come first: keys, or keys with the condition on their end. */
  readonly dependencies?: readonly (string | DependencyInput)[];
  /** Another name for `dependencies`; not both. */
  readonly after?: readonly (string | DependencyInput)[];
  /** How many dependencies must be met: all, any one, or at least so many. Default `ALL`. */
  readonly join?: 'ALL' | 'ANY' | number;
  /** What becomes of it once its join can no longer be met. Default `SKIP`. */
  readonly onUnmet?: 'SKIP' | 'FAIL';
  /** The key of the task that it is grouped under; never orders execution. */
  readonly parent?: string;
  /** 0 (urgent) to 10, lower first. Default 2. */
  readonly priority?: number;
  /** When a failed attempt is tried again. Default: never. */
  readonly retry?: RetryInput;
  /** Limits of time. Default: none. */
  readonly timeouts?: TimeoutsInput;
  /** True: its failure does not fail the run. */
  readonly allowFailure?: boolean;
  /** How long a cancelled attempt may take to end by itself. Default 10 s. */
  readonly cancelGrace?: DurationInput;
  /** Whether it runs: a CEL expression over `input`, `results`, `states` and `errors`. Default: it does. */
  readonly when?: string;
  /** What its input is, instead of `input`: a CEL expression with the variables of `when`. */
  readonly inputExpression?: string;
}

/** An edge of the graph. */
export interface DependencyInput {
  readonly key: string;
  /** What the upstream must have come to. Default `SUCCESS`; `FINISHED`: however it ended. */
  readonly condition?: 'SUCCESS' | 'FINISHED' | 'FAILURE';
  /** What else must hold: a CEL expression over `result`, `state`, `error` and `input`. Default: nothing. */
  readonly when?: string;
  /** The upstream's name in expressions and for the attempt. Default: its key. */
  readonly alias?: string;
  /** The part of the result that the attempt is given. Default: all. */
  readonly select?: SelectionInput;
}

/** A part of a result: at most one of `nothing`, `fields` and `lastItems`. */
export interface SelectionInput {
  /** True: the attempt learns the state alone. */
  readonly nothing?: boolean;
  /** Only these fields of an object. */
  readonly fields?: readonly string[];
  /** Only so many items from the end of a list. */
  readonly lastItems?: number;
  /** The most bytes of what is left. Default: no limit. */
  readonly maxBytes?: number;
  /** What becomes of a larger one: the task fails (default), or it is cut and passes as text. */
  readonly oversize?: 'REFUSE' | 'CUT';
}

/** When a failed attempt is tried again. */
export interface RetryInput {
  /** How many attempts in all, the first included. Default 1. */
  readonly maxAttempts?: number;
  /** How many after the first: maxAttempts - 1. Not both. */
  readonly maxRetries?: number;
  /** The delay before the second attempt. Default 1 s. */
  readonly initialDelay?: DurationInput;
  /** What each delay is multiplied by. Default 2. */
  readonly factor?: number;
  /** The cap of the delay. Default 5 min. */
  readonly maxDelay?: DurationInput;
  /** The share of each delay, 0 to 1, by which it is shortened at random. Default 0. */
  readonly jitter?: number;
  /** Error codes that are never tried again. */
  readonly nonRetryableCodes?: readonly string[];
  /** How many attempts may be lost with their executors. Default 10. */
  readonly maxLostAttempts?: number;
}

/** Limits of time for a task. */
export interface TimeoutsInput {
  /** From ready to the start of an attempt. */
  readonly queue?: DurationInput;
  /** For each attempt. */
  readonly attempt?: DurationInput;
  /** Over all attempts and delays. */
  readonly whole?: DurationInput;
  /** The longest silence of an attempt between two progress messages. */
  readonly heartbeat?: DurationInput;
}

/** The specification breaks a rule that can be seen before it is sent. */
export class SpecError extends Error {
  override readonly name = 'SpecError';
  /** The path of the field, for example `tasks[3].retry`. */
  readonly field: string;

  constructor(field: string, message: string) {
    super(`${field}: ${message}`);
    this.field = field;
  }
}

/** A run, a task alone, or a ready RunSpec. Throws SpecError. */
export function toRunSpec(input: RunInput | TaskInput | RunSpec): RunSpec {
  if ('$typeName' in input) return input;
  if (!('tasks' in input)) {
    return create(RunSpecSchema, { tasks: [toTaskSpec(input, 'task', SINGLE_TASK_KEY)] });
  }
  const { name = '', labels = {}, tasks, failurePolicy, timeout, ...more } = input;
  const { input: payload, output = '', outputTask = '', ...rest } = more;
  refuseUnknown(rest, '');
  if (!Array.isArray(tasks)) throw new SpecError('tasks', 'not a list');
  const spec = create(RunSpecSchema, {
    name,
    labels: { ...labels },
    output,
    outputTask,
    tasks: tasks.map((task: TaskInput, index) => toTaskSpec(task, `tasks[${index}]`, '')),
  });
  if (failurePolicy !== undefined) spec.failurePolicy = oneOf(FailurePolicy, failurePolicy, 'failurePolicy');
  if (timeout !== undefined) spec.timeout = duration(timeout, 'timeout');
  const converted = toInput(payload, 'input');
  if (converted !== undefined) spec.input = create(PayloadSchema, converted);
  return spec;
}

function toTaskSpec(input: TaskInput, path: string, defaultKey: string): TaskSpec {
  const { key = defaultKey, capability, input: payload, dependencies, after, join, ...more } = input;
  const { onUnmet, parent, priority, retry, timeouts, allowFailure, cancelGrace, ...others } = more;
  const { when, inputExpression, ...rest } = others;
  refuseUnknown(rest, path);
  if (dependencies !== undefined && after !== undefined) {
    throw new SpecError(`${path}.after`, 'give dependencies or after, not both');
  }
  const spec: MessageInitShape<typeof TaskSpecSchema> = {
    key,
    capability,
    dependencies: (dependencies ?? after ?? []).map((dependency, index) =>
      toDependency(dependency, `${path}.dependencies[${index}]`),
    ),
  };
  const converted = toInput(payload, `${path}.input`);
  if (converted !== undefined) spec.input = converted;
  if (join !== undefined) spec.join = toJoin(join, `${path}.join`);
  if (onUnmet !== undefined) spec.onUnmet = oneOf(UnmetPolicy, onUnmet, `${path}.onUnmet`);
  if (parent !== undefined) spec.parent = parent;
  if (priority !== undefined) spec.priority = priority;
  if (retry !== undefined) spec.retry = toRetry(retry, `${path}.retry`);
  if (timeouts !== undefined) spec.timeouts = toTimeouts(timeouts, `${path}.timeouts`);
  if (allowFailure !== undefined) spec.allowFailure = allowFailure;
  if (cancelGrace !== undefined) spec.cancelGrace = duration(cancelGrace, `${path}.cancelGrace`);
  if (when !== undefined) spec.when = when;
  if (inputExpression !== undefined) spec.inputExpression = inputExpression;
  return create(TaskSpecSchema, spec);
}

export function toInput(value: PayloadInput, path: string) {
  try {
    return toPayload(value);
  } catch (error) {
    if (error instanceof PayloadError) throw new SpecError(path, error.message);
    throw error;
  }
}

function toDependency(
  input: string | DependencyInput,
  path: string,
): MessageInitShape<typeof DependencySchema> {
  if (typeof input === 'string') return { key: input };
  const { key, condition, when, alias, select, ...rest } = input;
  refuseUnknown(rest, path);
  const spec: MessageInitShape<typeof DependencySchema> = { key };
  if (condition !== undefined) spec.condition = oneOf(DependencyCondition, condition, `${path}.condition`);
  if (when !== undefined) spec.when = when;
  if (alias !== undefined) spec.alias = alias;
  if (select !== undefined) spec.select = toSelection(select, `${path}.select`);
  return spec;
}

function toSelection(input: SelectionInput, path: string): MessageInitShape<typeof SelectionSchema> {
  const { nothing, fields, lastItems, maxBytes, oversize, ...rest } = input;
  refuseUnknown(rest, path);
  const spec: MessageInitShape<typeof SelectionSchema> = {};
  if (nothing !== undefined) spec.nothing = nothing;
  if (fields !== undefined) spec.fields = [...fields];
  if (lastItems !== undefined) spec.lastItems = lastItems;
  if (maxBytes !== undefined) spec.maxBytes = maxBytes;
  if (oversize !== undefined) spec.oversize = oneOf(OversizePolicy, oversize, `${path}.oversize`);
  return spec;
}

function toJoin(join: 'ALL' | 'ANY' | number, path: string): MessageInitShape<typeof JoinSchema> {
  if (typeof join === 'number') {
    if (Number.isInteger(join) && join >= 1) return { mode: JoinMode.AT_LEAST, count: join };
    throw new SpecError(path, `${join} is no whole number from 1`);
  }
  return { mode: oneOf({ ALL: JoinMode.ALL, ANY: JoinMode.ANY }, join, path) };
}

function toRetry(input: RetryInput, path: string): MessageInitShape<typeof RetryPolicySchema> {
  const { maxAttempts, maxRetries, initialDelay, factor, maxDelay, jitter, ...more } = input;
  const { nonRetryableCodes, maxLostAttempts, ...rest } = more;
  refuseUnknown(rest, path);
  if (maxAttempts !== undefined && maxRetries !== undefined) {
    throw new SpecError(`${path}.maxRetries`, 'give maxAttempts or maxRetries, not both');
  }
  const total = maxAttempts ?? (maxRetries === undefined ? undefined : maxRetries + 1);
  if (total !== undefined && (!Number.isInteger(total) || total < 1)) {
    throw new SpecError(path, `${total} attempts in all: give a whole number from 1`);
  }
  const retry: MessageInitShape<typeof RetryPolicySchema> = {};
  if (total !== undefined) retry.maxAttempts = total;
  if (initialDelay !== undefined) retry.initialDelay = duration(initialDelay, `${path}.initialDelay`);
  if (factor !== undefined) retry.factor = factor;
  if (maxDelay !== undefined) retry.maxDelay = duration(maxDelay, `${path}.maxDelay`);
  if (jitter !== undefined) retry.jitter = jitter;
  if (nonRetryableCodes !== undefined) retry.nonRetryableCodes = [...nonRetryableCodes];
  if (maxLostAttempts !== undefined) retry.maxLostAttempts = maxLostAttempts;
  return retry;
}

function toTimeouts(input: TimeoutsInput, path: string): MessageInitShape<typeof TimeoutsSchema> {
  const { queue, attempt, whole, heartbeat, ...rest } = input;
  refuseUnknown(rest, path);
  const timeouts: MessageInitShape<typeof TimeoutsSchema> = {};
  if (queue !== undefined) timeouts.queue = duration(queue, `${path}.queue`);
  if (attempt !== undefined) timeouts.attempt = duration(attempt, `${path}.attempt`);
  if (whole !== undefined) timeouts.whole = duration(whole, `${path}.whole`);
  if (heartbeat !== undefined) timeouts.heartbeat = duration(heartbeat, `${path}.heartbeat`);
  return timeouts;
}

function duration(input: DurationInput, path: string) {
  try {
    return toDuration(input, path);
  } catch (error) {
    throw new SpecError(path, (error as Error).message.slice(path.length + 2));
  }
}

/** The number of an enum value given by name. */
function oneOf<Values extends Readonly<Record<string, number>>>(
  values: Values,
  name: string,
  path: string,
): Values[keyof Values] {
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  if (value !== undefined && value !== 0) return value as Values[keyof Values];
  const names = Object.keys(values).filter((known) => values[known] !== 0);
  throw new SpecError(path, `${JSON.stringify(name)} is none of ${names.join(', ')}`);
}

export function refuseUnknown(rest: object, path: string): void {
  const [unknown] = Object.keys(rest);
  if (unknown === undefined) return;
  throw new SpecError(path === '' ? unknown : `${path}.${unknown}`, 'there is no such field');
}
