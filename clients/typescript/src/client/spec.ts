// How is a run written in TypeScript, and what does the proto say for it?
//
// Close to the JSON mapping of RunSpec: the same names, enum values without their prefix, durations
// in milliseconds or as '5s', inputs as plain values. Unknown fields are refused, as a misspelt one
// would silently change what is run.

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { PayloadSchema } from '@tutti/proto/tutti/v1/payload_pb.ts';
import {
  ExecutionMode,
  FailurePolicy,
  ManagerSchema,
  type RunSpec,
  RunSpecSchema,
} from '@tutti/proto/tutti/v1/run_pb.ts';
import {
  DependencyCondition,
  type DependencySchema,
  JoinMode,
  type JoinSchema,
  OversizePolicy,
  type SelectionSchema,
  type TaskSpec,
  TaskSpecSchema,
  UnmetPolicy,
} from '@tutti/proto/tutti/v1/task_pb.ts';
import type { DurationInput } from '../durations.ts';
import type { PayloadInput } from '../payloads.ts';
import { type ConstructsInput, toConstructs } from './spec-constructs.ts';
import {
  duration,
  oneOf,
  type RetryInput,
  refuseUnknown,
  SpecError,
  type TimeoutsInput,
  toInput,
  toRetry,
  toTimeouts,
} from './spec-parts.ts';

export { type RetryInput, refuseUnknown, SpecError, type TimeoutsInput, toInput } from './spec-parts.ts';

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
  /** `SEQUENTIAL`: one task after the other, in this order. `MANAGED`: see `manager`. Default `GRAPH`. */
  readonly mode?: 'GRAPH' | 'SEQUENTIAL' | 'MANAGED';
  /** How many tasks may be under way at once. Default: no limit. */
  readonly maxParallel?: number;
  /** Who decides what is done next; makes the mode `MANAGED`. */
  readonly manager?: ManagerInput;
  /** No task is started before. Default: at once. */
  readonly startTime?: Date;
  /** No task is started for so long. Default: at once. */
  readonly startDelay?: DurationInput;
  /** Runs that `childRun` of a task may name. */
  readonly childSpecs?: Readonly<Record<string, RunInput>>;
}

/** The manager of a run: asked again and again what to do next. */
export interface ManagerInput {
  readonly capability: string;
  /** Of its own task. Default `manager`. */
  readonly key?: string;
  /** How often it may be asked. Default 1,000. */
  readonly maxRounds?: number;
  readonly timeouts?: TimeoutsInput;
}

/** One task of a run. */
export interface TaskInput extends ConstructsInput {
  /** Unique in the run. Default, for a task submitted alone: `task`. */
  readonly key?: string;
  /**
   * What an executor must be able to do, for example `image.resize`. Exactly one of `capability`,
   * `expression`, `signal`, `timer`, `childRun` and `link`.
   */
  readonly capability?: string;
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

/** A run, a task alone, or a ready RunSpec. Throws SpecError. */
export function toRunSpec(input: RunInput | TaskInput | RunSpec): RunSpec {
  if ('$typeName' in input) return input;
  if (!('tasks' in input)) {
    return create(RunSpecSchema, { tasks: [toTaskSpec(input, 'task', SINGLE_TASK_KEY)] });
  }
  const { name = '', labels = {}, tasks, failurePolicy, timeout, ...more } = input;
  const { input: payload, output = '', outputTask = '', mode, maxParallel, manager, ...others } = more;
  const { startTime, startDelay, childSpecs, ...rest } = others;
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
  if (mode !== undefined) spec.mode = oneOf(ExecutionMode, mode, 'mode');
  if (maxParallel !== undefined) spec.maxParallel = maxParallel;
  if (manager !== undefined) {
    spec.mode = ExecutionMode.MANAGED;
    spec.manager = toManager(manager);
  }
  if (startTime !== undefined) spec.startTime = timestampFromDate(startTime);
  if (startDelay !== undefined) spec.startDelay = duration(startDelay, 'startDelay');
  for (const [child, run] of Object.entries(childSpecs ?? {})) spec.childSpecs[child] = toRunSpec(run);
  return spec;
}

function toManager(input: ManagerInput) {
  const { capability, key = '', maxRounds = 0, timeouts, ...rest } = input;
  refuseUnknown(rest, 'manager');
  const limits = timeouts === undefined ? {} : { timeouts: toTimeouts(timeouts, 'manager.timeouts') };
  return create(ManagerSchema, { capability, key, maxRounds, ...limits });
}

function toTaskSpec(input: TaskInput, path: string, defaultKey: string): TaskSpec {
  const { key = defaultKey, capability, input: payload, dependencies, after, join, ...more } = input;
  const { onUnmet, parent, priority, retry, timeouts, allowFailure, cancelGrace, ...others } = more;
  const { when, inputExpression, ...constructs } = others;
  if (dependencies !== undefined && after !== undefined) {
    throw new SpecError(`${path}.after`, 'give dependencies or after, not both');
  }
  const spec: MessageInitShape<typeof TaskSpecSchema> = {
    key,
    capability: capability ?? '',
    ...toConstructs(constructs, path),
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

/** @param path for errors */
export function toDependency(
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
