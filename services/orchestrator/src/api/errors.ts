// As which gRPC status is a refusal told? The one place that knows. DESIGN section 6.
//
// E1  Every refusal carries ErrorInfo with the reason and every varying value.
// E2  Where fields are wrong, BadRequest names them by their path in the request.
// E3  What was not expected is told as INTERNAL with an incident number and nothing else; the cause
//     goes to the log under that number.
// E4  Texts are bounded: on gRPC all of it has to fit into the trailers.

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
  type Status,
  StatusSchema,
} from '@tutti/proto/google/rpc/error_pb.ts';
import { type FieldViolation, type Rejection, type RejectionCode, reject } from '../domain/rejection.ts';
import { storeIsFull } from '../runtime/namespaces.ts';
import { StoreError } from '../store/port.ts';
import { tooHeavy } from '../wire/message-weight.ts';
import { MESSAGE_BYTES, retryDelayMs } from '../wire/retry-hint.ts';
import { durationFromMs } from '../wire/time.ts';
import { traceFields } from '../wire/trace.ts';

const DOMAIN = 'tutti.v1';
const MAX_MESSAGE_CHARACTERS = 2_000;
const MAX_DESCRIPTION_CHARACTERS = 300;
const MAX_METADATA_CHARACTERS = 1_500;

/** As the comments in error_reason.proto promise. */
const CODES: Readonly<Record<RejectionCode, Code>> = {
  INVALID_FIELD: Code.InvalidArgument,
  DUPLICATE_KEY: Code.InvalidArgument,
  UNKNOWN_DEPENDENCY: Code.InvalidArgument,
  SELF_DEPENDENCY: Code.InvalidArgument,
  CONTRADICTING_DEPENDENCIES: Code.InvalidArgument,
  DEPENDENCY_CYCLE: Code.InvalidArgument,
  UNKNOWN_PARENT: Code.InvalidArgument,
  PARENT_CYCLE: Code.InvalidArgument,
  INVALID_JOIN: Code.InvalidArgument,
  INVALID_EXPRESSION: Code.InvalidArgument,
  PAYLOAD_TOO_LARGE: Code.InvalidArgument,
  RUN_NOT_FOUND: Code.NotFound,
  TASK_NOT_FOUND: Code.NotFound,
  RUN_ALREADY_EXISTS: Code.AlreadyExists,
  ALREADY_FINAL: Code.FailedPrecondition,
  REQUEST_ID_REUSED: Code.InvalidArgument,
  REVISION_IN_FUTURE: Code.OutOfRange,
  INVALID_PAGE_TOKEN: Code.InvalidArgument,
  LIMIT_REACHED: Code.ResourceExhausted,
  WATCHER_TOO_SLOW: Code.ResourceExhausted,
  COMMIT_FAILED: Code.Unavailable,
  NOT_SERVING: Code.Unavailable,
  UNKNOWN_SESSION: Code.FailedPrecondition,
  MALFORMED_MESSAGE: Code.InvalidArgument,
  WORKFLOW_NOT_FOUND: Code.NotFound,
  PAYLOAD_NOT_FOUND: Code.NotFound,
  PAYLOAD_MISMATCH: Code.InvalidArgument,
  NO_LEASE: Code.PermissionDenied,
  WRONG_STATE: Code.FailedPrecondition,
  ARCHIVED: Code.FailedPrecondition,
  NOT_FINAL: Code.FailedPrecondition,
  LINKED: Code.FailedPrecondition,
  DEPENDENCY_OUTSIDE: Code.InvalidArgument,
};

interface Detail {
  readonly desc: typeof ErrorInfoSchema | typeof BadRequestSchema | typeof RetryInfoSchema;
  readonly value: MessageInitShape<Detail['desc']>;
}

/** @param violations where more than the rejection's own field is wrong */
export function toConnectError(
  rejection: Rejection,
  violations = violationsOf(rejection),
  code = CODES[rejection.code],
): ConnectError {
  const message = bounded(rejection.message, MAX_MESSAGE_CHARACTERS);
  return new ConnectError(message, code, headersOf(rejection), detailsOf(rejection, violations));
}

/** For those who look at headers only; HTTP has whole seconds. */
function headersOf(rejection: Rejection): Record<string, string> | undefined {
  const delayMs = retryDelayMs(rejection);
  return delayMs === undefined ? undefined : { 'retry-after': String(Math.ceil(delayMs / 1_000)) };
}

/** The same as a message, for answers that tell of several refusals. */
export function toStatus(rejection: Rejection): Status {
  return statusOf(toConnectError(rejection));
}

/** What an error of a service is on the wire. */
export function statusOf(error: ConnectError): Status {
  const details = error.details.map((detail) =>
    'desc' in detail
      ? anyPack(detail.desc, create(detail.desc, detail.value))
      : { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value },
  );
  return create(StatusSchema, { code: error.code, message: error.rawMessage, details });
}

export interface IncidentLog {
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/**
 * E3. What a client is told of something thrown. Errors that are meant for clients pass unchanged.
 * @param traceparent of the call
 * @param newIncident names the incident, unguessable and unique
 */
export function atBoundary(
  cause: unknown,
  method: string,
  traceparent: string,
  log: IncidentLog,
  newIncident: () => string,
): ConnectError {
  const refusal = refusalOf(cause);
  if (refusal !== undefined) return refusal;
  const incident = newIncident();
  const fields = { incident, method, ...traceFields(traceparent), err: cause };
  log.error(fields, 'a call failed for a reason that is a defect');
  const message = `Tutti failed; its log tells more under incident ${incident}.`;
  const value = { reason: 'INTERNAL', domain: DOMAIN, metadata: { incident } };
  return new ConnectError(message, Code.Internal, undefined, [{ desc: ErrorInfoSchema, value }]);
}

/** What was thrown and is meant for clients; undefined for a defect. */
export function refusalOf(cause: unknown): ConnectError | undefined {
  if (cause instanceof ConnectError) return cause;
  if (!(cause instanceof StoreError)) return undefined;
  if (cause.code === 'CLOSED') return notServing();
  return cause.code === 'FULL' ? toConnectError(storeIsFull().rejection) : undefined;
}

export function notServing(): ConnectError {
  const message = 'The orchestrator is starting or stopping; try again.';
  return toConnectError(reject('NOT_SERVING', message).rejection);
}

/**
 * @param field where it is known
 * @param code where the protocol of the door asks for another one
 */
export function malformed(what: string, cause: unknown, field = '', code?: Code): ConnectError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const message = `The request is not a valid ${what}: ${why}`;
  const { rejection } = reject('MALFORMED_MESSAGE', message, field === '' ? {} : { field }, field);
  return toConnectError(rejection, violationsOf(rejection), code);
}

export function messageTooLarge(limitBytes: number): ConnectError {
  const message = `The message exceeds ${limitBytes} bytes; split it into several calls.`;
  const metadata = { resource: MESSAGE_BYTES, limit: String(limitBytes) };
  return toConnectError(reject('LIMIT_REACHED', message, metadata).rejection);
}

/** See wire/message-weight.ts. */
export function messageTooHeavy(): ConnectError {
  return toConnectError(tooHeavy());
}

/** What was asked for does not fit into one answer; asking again changes nothing. */
export function answerTooLarge(limitBytes: number): ConnectError {
  const message = `The answer exceeds ${limitBytes} bytes; ask for less of it.`;
  const metadata = { resource: MESSAGE_BYTES, limit: String(limitBytes) };
  return toConnectError(reject('LIMIT_REACHED', message, metadata).rejection);
}

/**
 * Not a rejection: nothing inside the doors can say it.
 * @param remedy what to call instead
 */
export function unknownMethod(path: string, remedy: string): ConnectError {
  const shown = bounded(path, MAX_DESCRIPTION_CHARACTERS);
  const message = `There is nothing at ${shown}. ${remedy}`;
  const value = { reason: 'UNKNOWN_METHOD', domain: DOMAIN, metadata: { path: shown } };
  return new ConnectError(message, Code.Unimplemented, undefined, [{ desc: ErrorInfoSchema, value }]);
}

/** Of health checks, whose contract is not ours and says NOT_FOUND. */
export function unknownService(service: string, known: Iterable<string>): ConnectError {
  const shown = bounded(service, MAX_DESCRIPTION_CHARACTERS);
  const message = `There is no service '${shown}'; there are ${[...known].join(', ')}.`;
  const value = { reason: 'UNKNOWN_METHOD', domain: DOMAIN, metadata: { path: shown } };
  return new ConnectError(message, Code.NotFound, undefined, [{ desc: ErrorInfoSchema, value }]);
}

/** @param host as it was called */
export function hostNotAllowed(host: string): ConnectError {
  const shown = bounded(host, MAX_DESCRIPTION_CHARACTERS);
  const message =
    `This door listens on this machine only and does not answer to '${shown}': call it by localhost or ` +
    `127.0.0.1, or start the orchestrator with --allowed-hosts ${shown}.`;
  const value = { reason: 'HOST_NOT_ALLOWED', domain: DOMAIN, metadata: { host: shown } };
  return new ConnectError(message, Code.PermissionDenied, undefined, [{ desc: ErrorInfoSchema, value }]);
}

function violationsOf(rejection: Rejection): readonly FieldViolation[] {
  if (rejection.violations !== undefined) return rejection.violations;
  return rejection.field === '' ? [] : [{ field: rejection.field, description: rejection.message }];
}

function detailsOf(rejection: Rejection, violations: readonly FieldViolation[]): Detail[] {
  const metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(rejection.metadata)) {
    metadata[key] = bounded(value, MAX_METADATA_CHARACTERS);
  }
  const details: Detail[] = [
    { desc: ErrorInfoSchema, value: { reason: rejection.code, domain: DOMAIN, metadata } },
  ];
  if (violations.length > 0) {
    const fieldViolations = violations.map(({ field, description }) => ({
      field: bounded(field, MAX_DESCRIPTION_CHARACTERS),
      description: bounded(description, MAX_DESCRIPTION_CHARACTERS),
    }));
    details.push({ desc: BadRequestSchema, value: { fieldViolations } });
  }
  const delayMs = retryDelayMs(rejection);
  if (delayMs !== undefined) {
    details.push({ desc: RetryInfoSchema, value: { retryDelay: durationFromMs(delayMs) } });
  }
  return details;
}

/** E4. Also mends lone surrogates, which a status text cannot hold. */
function bounded(text: string, maxCharacters: number): string {
  const whole = text.length <= maxCharacters ? text : `${text.slice(0, maxCharacters - 1)}…`;
  return whole.toWellFormed();
}
