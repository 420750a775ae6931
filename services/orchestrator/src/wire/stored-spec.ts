// In which form does the store keep specifications?
//
// What equals a default is left out: most of a task is defaults, and the defaults of the contract
// never change, so the meaning stays.

import { create, fromBinary, type JsonObject, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type RunRecord as RunRecordMessage,
  RunRecordSchema,
} from '@tutti/proto/tutti/store/v1/record_pb.ts';
import {
  ExecutionMode,
  FailurePolicy,
  ManagerSchema,
  RunOriginSchema,
  RunParentSchema,
  type RunSpec as RunSpecMessage,
  RunSpecSchema,
} from '@tutti/proto/tutti/v1/run_pb.ts';
import {
  RetryPolicySchema,
  type TaskSpec as TaskSpecMessage,
  TaskSpecSchema,
  TimeoutsSchema,
  UnmetPolicy,
} from '@tutti/proto/tutti/v1/task_pb.ts';
import { isEmpty, type Payload } from '../domain/payload.ts';
import {
  DEFAULT_CANCEL_GRACE_MS,
  DEFAULT_PRIORITY,
  DEFAULT_RETRY,
  type Dependency,
  type Manager,
  type RunParent,
  type RunSpec,
  type TaskSpec,
} from '../domain/spec.ts';
import { fromFlow, fromHandling, fromWork } from './construct-spec.ts';
import { fromPayload, type PayloadForm, toPayload } from './payload.ts';
import { encodePlainRecord, encodePlainTask } from './plain-spec.ts';
import { toRunSettings, toTaskSpec } from './spec.ts';
import { fromDependency, fromJoin, fromRetryPolicy, fromTimeouts } from './spec-parts.ts';
import { durationFromMs, timestampFromMs, timestampToMs } from './time.ts';

export interface RunRecord {
  readonly spec: RunSpec;
  readonly submittedAtMs: number;
  readonly traceparent: string;
  readonly parent: RunParent | undefined;
  /** How many tasks it was submitted with; those beyond were added later. */
  readonly taskCount: number;
}

/** The binary form of tutti.v1.TaskSpec. */
export function encodeTaskSpec(spec: TaskSpec): Uint8Array {
  return encodePlainTask(spec) ?? toBinary(TaskSpecSchema, fromTaskSpec(spec, 'BYTES'));
}

export function decodeTaskSpec(bytes: Uint8Array): TaskSpec {
  const message = fromBinary(TaskSpecSchema, bytes);
  return toTaskSpec(message, toPayload(message.input));
}

/** The binary form of a tutti.v1.TaskSpec that says nothing else. */
export function encodeDependencies(dependencies: readonly Dependency[]): Uint8Array {
  const message = create(TaskSpecSchema, { dependencies: dependencies.map(fromDependency) });
  return toBinary(TaskSpecSchema, message);
}

/** A task's specification, as it holds now. */
export interface StoredTaskSpec {
  readonly spec: Uint8Array;
  /** As encodeDependencies gave it; undefined where those of the specification hold. */
  readonly dependencies: Uint8Array | undefined;
}

export function readTaskSpec({ spec, dependencies }: StoredTaskSpec): TaskSpecMessage {
  const message = fromBinary(TaskSpecSchema, spec);
  if (dependencies !== undefined)
    message.dependencies = fromBinary(TaskSpecSchema, dependencies).dependencies;
  return message;
}

/** The binary form of tutti.store.v1.RunRecord. The tasks are kept apart, by encodeTaskSpec. */
export function encodeRunRecord(run: RunRecord): Uint8Array {
  return encodePlainRecord(run) ?? toBinary(RunRecordSchema, fromRunRecord(run));
}

export function fromRunRecord(run: RunRecord): RunRecordMessage {
  const { submittedAtMs, traceparent, parent, taskCount } = run;
  const { workflow } = run.spec;
  const record = create(RunRecordSchema, {
    spec: fromRunSettings(run.spec),
    submitTime: timestampFromMs(submittedAtMs),
    traceparent,
    taskCount,
  });
  if (workflow !== undefined) record.workflow = create(RunOriginSchema, workflow);
  if (parent !== undefined) record.parent = create(RunParentSchema, parent);
  return record;
}

/** All of a run's specification but its tasks. */
function fromRunSettings(settings: Omit<RunSpec, 'tasks'>): RunSpecMessage {
  const { name, labels, failurePolicy, timeoutMs, input, output, outputTask, maxParallel } = settings;
  const spec = create(RunSpecSchema, {
    name,
    labels: { ...labels },
    failurePolicy: failurePolicy === 'CANCEL' ? FailurePolicy.CANCEL : FailurePolicy.UNSPECIFIED,
    output,
    outputTask,
    mode: MODES[settings.mode],
    maxParallel,
  });
  if (timeoutMs !== undefined) spec.timeout = durationFromMs(timeoutMs);
  if (!isEmpty(input)) spec.input = fromPayload(input, 'BYTES');
  if (settings.manager !== undefined) spec.manager = create(ManagerSchema, fromManager(settings.manager));
  if (settings.startAtMs !== undefined) spec.startTime = timestampFromMs(settings.startAtMs);
  if (settings.startDelayMs > 0) spec.startDelay = durationFromMs(settings.startDelayMs);
  if (settings.inputSchema !== '') spec.inputSchema = JSON.parse(settings.inputSchema) as JsonObject;
  for (const [key, child] of Object.entries(settings.childSpecs)) spec.childSpecs[key] = fromRunSpec(child);
  return spec;
}

const MODES: Readonly<Record<RunSpec['mode'], ExecutionMode>> = {
  GRAPH: ExecutionMode.UNSPECIFIED,
  SEQUENTIAL: ExecutionMode.SEQUENTIAL,
  MANAGED: ExecutionMode.MANAGED,
};

/** As it was submitted. */
export function fromRunSpec(spec: RunSpec): RunSpecMessage {
  const message = fromRunSettings(spec);
  message.tasks = spec.tasks.map((task) => fromTaskSpec(task, 'BYTES'));
  return message;
}

function fromManager(manager: Manager): MessageInitShape<typeof ManagerSchema> {
  const { key, capability, maxRounds } = manager;
  const timeouts = fromTimeouts(manager.timeouts);
  return { key, capability, maxRounds, ...(timeouts === undefined ? {} : { timeouts }) };
}

/** What the run was given as a whole, and whether it is to come to something, of its record. */
export function decodeRunData(record: Uint8Array): {
  readonly input: Payload;
  readonly asksForOutput: boolean;
} {
  const { spec } = fromBinary(RunRecordSchema, record);
  const asksForOutput = spec !== undefined && (spec.output !== '' || spec.outputTask !== '');
  return { input: toPayload(spec?.input), asksForOutput };
}

/** @param taskSpecs what encodeTaskSpec gave for each task, by index */
export function decodeRunRecord(record: Uint8Array, taskSpecs: readonly Uint8Array[]): RunRecord {
  const { spec, submitTime, traceparent, workflow, parent, taskCount } = fromBinary(RunRecordSchema, record);
  if (spec === undefined || submitTime === undefined) throw new Error('stored run: its record is incomplete');
  const childSpecs = Object.fromEntries(
    Object.entries(spec.childSpecs).map(([name, child]) => [name, storedRunSpec(child)]),
  );
  const submitted = taskCount === 0 ? taskSpecs : taskSpecs.slice(0, taskCount);
  return {
    spec: {
      ...toRunSettings(spec, toPayload(spec.input), childSpecs),
      tasks: submitted.map(decodeTaskSpec),
      workflow: workflow && { name: workflow.name, version: workflow.version },
    },
    submittedAtMs: timestampToMs(submitTime),
    traceparent,
    parent: parent && { runId: parent.runId, taskKey: parent.taskKey, attempt: parent.attempt },
    taskCount: submitted.length,
  };
}

/** What fromRunSpec has made a message of. */
function storedRunSpec(message: RunSpecMessage): RunSpec {
  const childSpecs = Object.fromEntries(
    Object.entries(message.childSpecs).map(([name, child]) => [name, storedRunSpec(child)]),
  );
  return {
    ...toRunSettings(message, toPayload(message.input), childSpecs),
    tasks: message.tasks.map((task) => toTaskSpec(task, toPayload(task.input))),
  };
}

export function fromTaskSpec(spec: TaskSpec, form: PayloadForm): TaskSpecMessage {
  const message = create(TaskSpecSchema, {
    key: spec.key,
    capability: spec.capability,
    dependencies: spec.dependencies.map(fromDependency),
    onUnmet: spec.onUnmet === 'FAIL' ? UnmetPolicy.FAIL : UnmetPolicy.UNSPECIFIED,
    parent: spec.parent,
    allowFailure: spec.allowFailure,
    when: spec.when,
    inputExpression: spec.inputExpression,
    ...fromJoin(spec.join),
    ...fromWork(spec.work, form),
    ...fromFlow(spec.flow, form),
    ...fromHandling(spec.handling, form),
  });
  if (!isEmpty(spec.input)) {
    message.input = fromPayload(spec.input, form);
  }
  if (spec.priority !== DEFAULT_PRIORITY) message.priority = spec.priority;
  if (spec.retry !== DEFAULT_RETRY) message.retry = create(RetryPolicySchema, fromRetryPolicy(spec.retry));
  const timeouts = fromTimeouts(spec.timeouts);
  if (timeouts !== undefined) message.timeouts = create(TimeoutsSchema, timeouts);
  if (spec.cancelGraceMs !== DEFAULT_CANCEL_GRACE_MS)
    message.cancelGrace = durationFromMs(spec.cancelGraceMs);
  return message;
}
