// Why did a call fail?
//
// The one error type of the client half. Decoded from `grpc-status-details-bin`: ErrorInfo,
// BadRequest and RetryInfo of google.rpc.

import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { type ServiceError, status } from '@grpc/grpc-js';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
  type Status,
  StatusSchema,
} from '@tutti/proto/google/rpc/error_pb.ts';
import { durationToMs } from '../durations.ts';

/** A gRPC status code by name, for example `NOT_FOUND`. */
export type StatusCode = keyof typeof status;

/** A wrong field of a request. */
export interface FieldViolation {
  /** Its path, for example `run.spec.tasks[3].key`. */
  readonly field: string;
  readonly description: string;
}

/** What is known of a failure besides its message. */
export interface TuttiErrorFields {
  readonly code: StatusCode;
  readonly reason?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly fieldViolations?: readonly FieldViolation[];
  readonly retryDelayMs?: number | undefined;
}

/** A call was refused or did not get through. */
export class TuttiError extends Error {
  override readonly name = 'TuttiError';
  readonly code: StatusCode;
  /** A name of ErrorReason, for example `DEPENDENCY_CYCLE`; empty if no orchestrator answered. */
  readonly reason: string;
  /** Every varying value of the message, for example `{cycle: 'a -> b -> a'}`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly fieldViolations: readonly FieldViolation[];
  /** The least time to wait before another try, if the orchestrator named one. */
  readonly retryDelayMs: number | undefined;

  constructor(message: string, fields: TuttiErrorFields, options?: ErrorOptions) {
    super(message, options);
    this.code = fields.code;
    this.reason = fields.reason ?? '';
    this.metadata = fields.metadata ?? {};
    this.fieldViolations = fields.fieldViolations ?? [];
    this.retryDelayMs = fields.retryDelayMs;
  }
}

/** The client was closed while the call was in flight, or before it was made. */
export class ClientClosedError extends TuttiError {
  constructor() {
    super('the client is closed', { code: 'CANCELLED' });
  }
}

/** A task has no result to give. */
export class TaskNotCompletedError extends Error {
  override readonly name = 'TaskNotCompletedError';
  readonly taskKey: string;
  /** A name of TaskState, for example `FAILED`. */
  readonly state: string;
  /** The code of the last error; empty if there was none. */
  readonly errorCode: string;

  constructor(taskKey: string, state: string, errorCode: string, errorMessage: string) {
    super(`task ${taskKey} is ${state}${errorCode && `: ${errorCode}: ${errorMessage}`}`);
    this.taskKey = taskKey;
    this.state = state;
    this.errorCode = errorCode;
  }
}

/** From what grpc-js rejects with. */
export function fromServiceError(error: ServiceError): TuttiError {
  const [encoded] = error.metadata?.get('grpc-status-details-bin') ?? [];
  if (encoded instanceof Uint8Array) {
    try {
      return fromStatus(fromBinary(StatusSchema, encoded), error);
    } catch {
      // Details that cannot be read must not hide the failure itself.
    }
  }
  return new TuttiError(error.details || error.message, { code: codeName(error.code) }, { cause: error });
}

/** From a status inside an answer, as SubmitRuns gives for each refused run. */
export function fromStatus(refusal: Status, cause?: unknown): TuttiError {
  let reason = '';
  let metadata: Readonly<Record<string, string>> = {};
  let fieldViolations: readonly FieldViolation[] = [];
  let retryDelayMs: number | undefined;
  for (const detail of refusal.details) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    if (info !== undefined) ({ reason, metadata } = info);
    const badRequest = anyUnpack(detail, BadRequestSchema);
    if (badRequest !== undefined) {
      fieldViolations = badRequest.fieldViolations.map(({ field, description }) => ({ field, description }));
    }
    const retryInfo = anyUnpack(detail, RetryInfoSchema);
    if (retryInfo !== undefined) retryDelayMs = durationToMs(retryInfo.retryDelay);
  }
  return new TuttiError(
    refusal.message,
    { code: codeName(refusal.code), reason, metadata, fieldViolations, retryDelayMs },
    cause === undefined ? undefined : { cause },
  );
}

function codeName(code: number): StatusCode {
  return (status[code] as StatusCode | undefined) ?? 'UNKNOWN';
}
