// How does a submitted specification become the domain's, with every default filled in?

import {
  ExecutionMode,
  FailurePolicy,
  type RunSpec as RunSpecMessage,
} from '@tutti/proto/tutti/v1/run_pb.ts';
import {
  type Dependency as DependencyMessage,
  JoinMode,
  type TaskSpec as TaskSpecMessage,
  UnmetPolicy,
} from '@tutti/proto/tutti/v1/task_pb.ts';
import { MAX_CHILD_DEPTH } from '../domain/child-runs.ts';
import { withManager } from '../domain/manager.ts';
import { EMPTY_PAYLOAD, type Payload } from '../domain/payload.ts';
import { accept, type Refusal, type Result, reject } from '../domain/rejection.ts';
import {
  DEFAULT_CANCEL_GRACE_MS,
  DEFAULT_JOIN,
  DEFAULT_MAX_ROUNDS,
  DEFAULT_PRIORITY,
  DEFAULT_RETRY,
  type Dependency,
  type Manager,
  NO_TIMEOUTS,
  PLAIN_RUN,
  type RunSpec,
  type TaskSpec,
} from '../domain/spec.ts';
import { refuseConstruct } from './construct-rules.ts';
import { toFlow, toHandling, toWork } from './construct-spec.ts';
import { intern } from './intern.ts';
import { acceptPayload } from './limits.ts';
import { toDependency, toJoin, toRetryPolicy, toTimeouts } from './spec-parts.ts';
import { durationToMs, timestampToMs } from './time.ts';

// Most tasks say nothing of these: they share one value.
const NO_DEPENDENCIES: readonly Dependency[] = Object.freeze([]);
const EMPTY = accept(EMPTY_PAYLOAD);
const NO_CHILD_SPECS = accept(PLAIN_RUN.childSpecs);

/**
 * Contract: the message has passed validation (api/validate.ts). Refuses only payloads, and what a
 * domain's join has no place for; the field of the refusal is the path from the specification, such
 * as `tasks[3].input`.
 */
export function toRunSpec(message: RunSpecMessage): Result<RunSpec> {
  return toRunSpecAt(message, 0);
}

function toRunSpecAt(message: RunSpecMessage, depth: number): Result<RunSpec> {
  if (depth === 0 && message.inputSchema !== undefined) {
    const text = 'input_schema is for entries of child_specs; a workflow says what its runs are to be given';
    return reject('INVALID_FIELD', text, {}, 'input_schema');
  }
  const runInput = message.input === undefined ? EMPTY : acceptPayload(message.input, 'input');
  if (!runInput.ok) return runInput;
  const tasks = toTaskSpecs(message.tasks);
  if (!tasks.ok) return tasks;
  const childSpecs = toChildSpecs(message, depth);
  if (!childSpecs.ok) return childSpecs;
  return accept(
    withManager({ ...toRunSettings(message, runInput.value, childSpecs.value), tasks: tasks.value }),
  );
}

/** As toRunSpec, of tasks that come by themselves. */
export function toTaskSpecs(messages: readonly TaskSpecMessage[]): Result<readonly TaskSpec[]> {
  const tasks: TaskSpec[] = [];
  for (const [index, task] of messages.entries()) {
    const misplaced =
      misplacedCount(task, index) ?? contradiction(task, index) ?? refuseConstruct(task, index);
    if (misplaced !== undefined) return misplaced;
    if (task.input === undefined) {
      tasks.push(toTaskSpec(task));
      continue;
    }
    const input = acceptPayload(task.input, `tasks[${index}].input`);
    if (!input.ok) return input;
    tasks.push(toTaskSpec(task, input.value));
  }
  return accept(tasks);
}

function toChildSpecs(message: RunSpecMessage, depth: number): Result<RunSpec['childSpecs']> {
  const children = Object.entries(message.childSpecs);
  if (children.length === 0) return NO_CHILD_SPECS;
  const specs: [string, RunSpec][] = [];
  for (const [name, child] of children) {
    const field = `child_specs["${name}"]`;
    if (depth >= MAX_CHILD_DEPTH) {
      const text = `${field} is nested ${depth + 1} deep, ${MAX_CHILD_DEPTH} are allowed; start the innermost from a workflow`;
      return reject('INVALID_FIELD', text, { depth: `${depth + 1}` }, field);
    }
    const spec = toRunSpecAt(child, depth + 1);
    if (!spec.ok) return atField(spec, field);
    specs.push([name, spec.value]);
  }
  return accept(Object.fromEntries(specs));
}

function atField({ rejection }: Refusal, field: string): Refusal {
  return { ok: false, rejection: { ...rejection, field: `${field}.${rejection.field}` } };
}

/** Two answers to one question: whoever gave both would get one that they did not mean. */
function contradiction(task: TaskSpecMessage, index: number): Refusal | undefined {
  if (task.input !== undefined && task.inputExpression !== '') {
    const message = `task "${task.key}" has an input and an input_expression; keep one of the two`;
    return reject('INVALID_FIELD', message, {}, `tasks[${index}].input_expression`);
  }
  return selectedTwice(task.dependencies, task.key, `tasks[${index}].dependencies`);
}

function selectedTwice(
  dependencies: readonly DependencyMessage[],
  key: string,
  field: string,
): Refusal | undefined {
  for (const [position, { select }] of dependencies.entries()) {
    if (select === undefined) continue;
    const parts = [select.nothing, select.fields.length > 0, select.lastItems > 0].filter(Boolean).length;
    if (parts < 2) continue;
    const message = `a dependency of task "${key}" selects in ${parts} ways; keep one of nothing, fields and last_items`;
    return reject('INVALID_FIELD', message, {}, `${field}[${position}].select`);
  }
  return undefined;
}

/** Of the task with this key. @param field that holds them */
export function toDependencies(
  messages: readonly DependencyMessage[],
  key: string,
  field: string,
): Result<readonly Dependency[]> {
  return selectedTwice(messages, key, field) ?? accept(messages.map(toDependency));
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
  childSpecs: RunSpec['childSpecs'] = {},
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
    mode: toMode(message),
    maxParallel: message.maxParallel,
    manager: toManager(message),
    startAtMs: message.startTime && timestampToMs(message.startTime),
    startDelayMs: message.startDelay === undefined ? 0 : durationToMs(message.startDelay),
    childSpecs,
    inputSchema: message.inputSchema === undefined ? '' : JSON.stringify(message.inputSchema),
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
    work: toWork(message),
    flow: toFlow(message),
    handling: toHandling(message),
  };
}

function toManager({ manager }: RunSpecMessage): Manager | undefined {
  if (manager === undefined) return undefined;
  return {
    key: manager.key === '' ? 'manager' : manager.key,
    capability: manager.capability,
    maxRounds: manager.maxRounds === 0 ? DEFAULT_MAX_ROUNDS : manager.maxRounds,
    timeouts: manager.timeouts === undefined ? NO_TIMEOUTS : toTimeouts(manager.timeouts),
  };
}

/** To name a manager is to ask for one. */
function toMode({ mode, manager }: RunSpecMessage): RunSpec['mode'] {
  if (mode === ExecutionMode.UNSPECIFIED && manager !== undefined) return 'MANAGED';
  if (mode === ExecutionMode.SEQUENTIAL) return 'SEQUENTIAL';
  return mode === ExecutionMode.MANAGED ? 'MANAGED' : 'GRAPH';
}
