// How is what the engine tells executors said on the wire?

import { create } from '@bufbuild/protobuf';
import { ErrorReason } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import {
  type Assignment as AssignmentMessage,
  AssignmentSchema,
  type Cancellation as CancellationMessage,
  CancellationSchema,
  type DependencyResult as DependencyResultMessage,
  DependencyResultSchema,
  type ProtocolError,
  ProtocolErrorSchema,
  type Registration as RegistrationMessage,
  RegistrationSchema,
  ReportStatus as ReportStatusMessage,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { type TaskError as ErrorMessage, TaskErrorSchema } from '@tutti/proto/tutti/v1/task_pb.ts';
import type { TaskError } from '../domain/events.ts';
import { isEmpty } from '../domain/payload.ts';
import type { Rejection } from '../domain/rejection.ts';
import type {
  Assignment,
  Cancellation,
  DependencyResult,
  Registration,
  ReportStatus,
} from '../engine/inputs.ts';
import { toFeedbackMessage } from './construct-events.ts';
import { REASON_TO_WIRE, TASK_STATE_TO_WIRE } from './enums.ts';
import { fromPayload } from './payload.ts';
import { retryDelayMs } from './retry-hint.ts';
import { durationFromMs } from './time.ts';

export function registrationToWire(registration: Registration): RegistrationMessage {
  return create(RegistrationSchema, {
    session: registration.session,
    leaseDuration: durationFromMs(registration.leaseDurationMs),
    heartbeatInterval: durationFromMs(registration.heartbeatIntervalMs),
    kept: [...registration.kept],
    maxPayloadBytes: registration.maxPayloadBytes,
  });
}

/** @param traceparent of the span that publishes it */
export function assignmentToWire(assignment: Assignment, traceparent: string): AssignmentMessage {
  const message = create(AssignmentSchema);
  message.leaseToken = assignment.leaseToken;
  message.runId = assignment.runId;
  message.taskKey = assignment.taskKey;
  message.attempt = assignment.attempt;
  message.capability = assignment.capability;
  message.traceparent = traceparent;
  if (!isEmpty(assignment.input)) message.input = fromPayload(assignment.input, 'BYTES');
  for (const result of assignment.dependencies) message.dependencies.push(dependencyToWire(result));
  if (assignment.timeoutMs !== undefined) message.timeout = durationFromMs(assignment.timeoutMs);
  if (assignment.heartbeatTimeoutMs !== undefined) {
    message.heartbeatTimeout = durationFromMs(assignment.heartbeatTimeoutMs);
  }
  if (assignment.checkpoint !== undefined) message.checkpoint = fromPayload(assignment.checkpoint, 'BYTES');
  if (assignment.lastError !== undefined) message.lastError = errorToWire(assignment.lastError);
  if (assignment.feedback !== undefined) message.feedback = toFeedbackMessage(assignment.feedback);
  message.iteration = assignment.iteration;
  return message;
}

function dependencyToWire(result: DependencyResult): DependencyResultMessage {
  const message = create(DependencyResultSchema, {
    key: result.key,
    alias: result.alias,
    state: TASK_STATE_TO_WIRE[result.state],
  });
  if (result.result !== undefined) message.result = fromPayload(result.result, 'BYTES');
  if (result.error !== undefined) message.error = errorToWire(result.error);
  return message;
}

function errorToWire(error: TaskError): ErrorMessage {
  const message = create(TaskErrorSchema, { code: error.code, message: error.message });
  if (error.details !== undefined) message.details = fromPayload(error.details, 'BYTES');
  return message;
}

export function cancellationToWire(cancellation: Cancellation): CancellationMessage {
  return create(CancellationSchema, {
    leaseToken: cancellation.leaseToken,
    reason: REASON_TO_WIRE[cancellation.reason],
    grace: durationFromMs(cancellation.graceMs),
  });
}

const STATUSES: Readonly<Record<ReportStatus, ReportStatusMessage>> = {
  RECORDED: ReportStatusMessage.RECORDED,
  STALE: ReportStatusMessage.STALE,
  UNKNOWN: ReportStatusMessage.UNKNOWN,
};

export function reportStatusToWire(status: ReportStatus): ReportStatusMessage {
  return STATUSES[status];
}

/** The codes of rejections are the names of the reasons: the type checker holds it. */
export function protocolError(
  rejection: Pick<Rejection, 'code' | 'message'> & Partial<Rejection>,
): ProtocolError {
  const { code, message, metadata = {} } = rejection;
  const error = create(ProtocolErrorSchema, { reason: ErrorReason[code], message });
  const delayMs = retryDelayMs({ ...rejection, metadata });
  if (delayMs !== undefined) error.retryAfter = durationFromMs(delayMs);
  return error;
}
