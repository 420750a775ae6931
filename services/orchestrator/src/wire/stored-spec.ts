// In which form does the store keep specifications?
//
// What equals a default is left out: most of a task is defaults, and the defaults of the contract
// never change, so the meaning stays.

import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { RunRecordSchema } from '@tutti/proto/tutti/store/v1/record_pb.ts';
import { FailurePolicy, RunOriginSchema, RunSpecSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import {
  type DependencySchema,
  JoinMode,
  OversizePolicy,
  RetryPolicySchema,
  type SelectionSchema,
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
  type Join,
  type RetryPolicy,
  type RunSpec,
  SELECT_ALL,
  type Selection,
  type TaskSpec,
  type Timeouts,
} from '../domain/spec.ts';
import { CONDITION_TO_WIRE } from './enums.ts';
import { fromPayload, type PayloadForm, toPayload } from './payload.ts';
import { toRunSettings, toTaskSpec } from './spec.ts';
import { durationFromMs, timestampFromMs, timestampToMs } from './time.ts';

export interface RunRecord {
  readonly spec: RunSpec;
  readonly submittedAtMs: number;
  readonly traceparent: string;
}

/** The binary form of tutti.v1.TaskSpec. */
export function encodeTaskSpec(spec: TaskSpec): Uint8Array {
  return toBinary(TaskSpecSchema, fromTaskSpec(spec, 'BYTES'));
}

export function decodeTaskSpec(bytes: Uint8Array): TaskSpec {
  const message = fromBinary(TaskSpecSchema, bytes);
  return toTaskSpec(message, toPayload(message.input));
}

/** The binary form of tutti.store.v1.RunRecord. The tasks are kept apart, by encodeTaskSpec. */
export function encodeRunRecord(run: RunRecord): Uint8Array {
  const { name, labels, failurePolicy, timeoutMs, input, output, outputTask, workflow } = run.spec;
  const spec = create(RunSpecSchema, {
    name,
    labels: { ...labels },
    failurePolicy: failurePolicy === 'CANCEL' ? FailurePolicy.CANCEL : FailurePolicy.UNSPECIFIED,
    output,
    outputTask,
  });
  if (timeoutMs !== undefined) spec.timeout = durationFromMs(timeoutMs);
  if (!isEmpty(input)) spec.input = fromPayload(input, 'BYTES');
  const { submittedAtMs, traceparent } = run;
  const record = create(RunRecordSchema, { spec, submitTime: timestampFromMs(submittedAtMs), traceparent });
  if (workflow !== undefined) record.workflow = create(RunOriginSchema, workflow);
  return toBinary(RunRecordSchema, record);
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
  const { spec, submitTime, traceparent, workflow } = fromBinary(RunRecordSchema, record);
  if (spec === undefined || submitTime === undefined) throw new Error('stored run: its record is incomplete');
  return {
    spec: {
      ...toRunSettings(spec, toPayload(spec.input)),
      tasks: taskSpecs.map(decodeTaskSpec),
      workflow: workflow && { name: workflow.name, version: workflow.version },
    },
    submittedAtMs: timestampToMs(submitTime),
    traceparent,
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

function fromDependency(dependency: Dependency): MessageInitShape<typeof DependencySchema> {
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

function fromJoin(join: Join): { join?: { mode: JoinMode; count?: number } } {
  switch (join.mode) {
    case 'ALL':
      return {};
    case 'ANY':
      return { join: { mode: JoinMode.ANY } };
    case 'AT_LEAST':
      return { join: { mode: JoinMode.AT_LEAST, count: join.count } };
  }
}

function fromRetryPolicy(retry: RetryPolicy): MessageInitShape<typeof RetryPolicySchema> {
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

function fromTimeouts(timeouts: Timeouts): MessageInitShape<typeof TimeoutsSchema> | undefined {
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
