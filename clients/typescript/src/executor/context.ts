// What does a handler get besides its input?

import { create } from '@bufbuild/protobuf';
import type { DependencyResult } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { type Feedback, ProgressSchema, type TaskError, TaskState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { PayloadError, payloadSizeBytes, payloadValue, toPayload } from '../payloads.ts';
import type { AttemptDeps, LazyAbort } from './attempt.ts';
import type {
  AttemptContext,
  AttemptError,
  AttemptFeedback,
  DependencyOutcome,
  MergeOptions,
  UpstreamState,
} from './types.ts';

/** What an attempt shares with its context. */
export interface ContextState {
  readonly abort: LazyAbort;
  readonly state: { readonly usage: Record<string, number>; partialResult: unknown };
  readonly traceparent: string;
}

const MAX_USAGE_NAMES = 32;
const MAX_USAGE_NAME_LENGTH = 63;
const MAX_PROGRESS_MESSAGE_LENGTH = 1_024;

export function createContext(deps: AttemptDeps, shared: ContextState): AttemptContext {
  const { assignment } = deps;
  let dependencies: ReadonlyMap<string, DependencyOutcome> | undefined;
  const context: AttemptContext = {
    runId: assignment.runId,
    taskKey: assignment.taskKey,
    capability: assignment.capability,
    attempt: assignment.attempt,
    iteration: assignment.iteration,
    inputPayload: assignment.input,
    traceparent: shared.traceparent,
    logger: deps.settings.logger,
    get maxPayloadBytes() {
      return deps.maxPayloadBytes();
    },
    get signal() {
      return shared.abort.signal;
    },
    get dependencies() {
      dependencies ??= new Map(
        assignment.dependencies.map((dependency) => [
          dependency.alias === '' ? dependency.key : dependency.alias,
          outcomeOf(dependency),
        ]),
      );
      return dependencies;
    },
    get lastCheckpoint() {
      return payloadValue(assignment.checkpoint);
    },
    get lastError() {
      return errorOf(assignment.lastError);
    },
    get feedback() {
      return feedbackOf(assignment.feedback);
    },
    merged: (options) => merge(context.dependencies, payloadValue(assignment.input), options),
    progress(percent, message = '') {
      if (!Number.isFinite(percent)) throw new RangeError(`progress: ${percent} is no number`);
      deps.onProgress(
        create(ProgressSchema, {
          percent: Math.min(100, Math.max(0, percent)),
          message: message.slice(0, MAX_PROGRESS_MESSAGE_LENGTH).toWellFormed(),
        }),
      );
    },
    checkpoint(value) {
      const payload = toPayload(value);
      if (payload === undefined) throw new PayloadError('a checkpoint cannot be undefined');
      const sizeBytes = payloadSizeBytes(payload);
      const limitBytes = deps.maxPayloadBytes();
      if (sizeBytes > limitBytes) {
        throw new PayloadError(`the checkpoint has ${sizeBytes} bytes, the limit is ${limitBytes}`);
      }
      deps.onCheckpoint(payload);
    },
    addTasks: (tasks) => deps.additions.add(assignment.leaseToken, tasks, shared.abort.signal),
    usage: (used) => addUsage(shared.state.usage, used),
    partialResult(value) {
      shared.state.partialResult = value;
    },
  };
  return context;
}

function addUsage(usage: Record<string, number>, used: Readonly<Record<string, number>>): void {
  for (const [name, amount] of Object.entries(used)) {
    if (!Number.isFinite(amount)) throw new RangeError(`usage: ${name} is ${amount}, no number`);
    if (name.length < 1 || name.length > MAX_USAGE_NAME_LENGTH) {
      throw new RangeError(`usage: a name has 1 to ${MAX_USAGE_NAME_LENGTH} characters: ${name}`);
    }
    const before = Object.hasOwn(usage, name) ? usage[name] : undefined;
    if (before === undefined && Object.keys(usage).length >= MAX_USAGE_NAMES) {
      throw new RangeError(`usage: more than ${MAX_USAGE_NAMES} names`);
    }
    usage[name] = (before ?? 0) + amount;
  }
}

function merge(
  dependencies: ReadonlyMap<string, DependencyOutcome>,
  input: unknown,
  { inputLoses = false }: MergeOptions = {},
): Record<string, unknown> {
  const merged = new Map<string, unknown>();
  const add = (key: string, value: unknown) => {
    if (isPlainObject(value)) for (const [name, field] of Object.entries(value)) merged.set(name, field);
    else if (value !== undefined) merged.set(key, value);
  };
  if (inputLoses) add('input', input);
  for (const [key, { result }] of dependencies) add(key, result);
  if (!inputLoses) add('input', input);
  return Object.fromEntries(merged); // Defines each as its own field, `__proto__` too.
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

function outcomeOf(dependency: DependencyResult): DependencyOutcome {
  return {
    state: upstreamState(dependency.state),
    result: payloadValue(dependency.result),
    error: errorOf(dependency.error),
  };
}

function errorOf(error: TaskError | undefined): AttemptError | undefined {
  if (error === undefined) return undefined;
  return { code: error.code, message: error.message, details: payloadValue(error.details) };
}

function feedbackOf(feedback: Feedback | undefined): AttemptFeedback | undefined {
  if (feedback === undefined) return undefined;
  return {
    reason: feedback.reason,
    refusedResult: payloadValue(feedback.refusedResult),
    from: feedback.from,
    decision: payloadValue(feedback.decision),
    iteration: feedback.iteration,
  };
}

function upstreamState(state: TaskState): UpstreamState {
  if (state === TaskState.COMPLETED) return 'COMPLETED';
  if (state === TaskState.CANCELLED) return 'CANCELLED';
  if (state === TaskState.SKIPPED) return 'SKIPPED';
  return 'FAILED';
}
