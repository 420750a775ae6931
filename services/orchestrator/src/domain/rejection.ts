// Expected refusals are data. The codes are names of tutti.v1.ErrorReason; api/ maps them to gRPC.

export type RejectionCode =
  | 'INVALID_FIELD'
  | 'DUPLICATE_KEY'
  | 'UNKNOWN_DEPENDENCY'
  | 'SELF_DEPENDENCY'
  | 'CONTRADICTING_DEPENDENCIES'
  | 'DEPENDENCY_CYCLE'
  | 'UNKNOWN_PARENT'
  | 'PARENT_CYCLE'
  | 'INVALID_JOIN'
  | 'INVALID_EXPRESSION'
  | 'PAYLOAD_TOO_LARGE'
  | 'RUN_NOT_FOUND'
  | 'TASK_NOT_FOUND'
  | 'RUN_ALREADY_EXISTS'
  | 'ALREADY_FINAL'
  | 'REQUEST_ID_REUSED'
  | 'REVISION_IN_FUTURE'
  | 'INVALID_PAGE_TOKEN'
  | 'LIMIT_REACHED'
  | 'WATCHER_TOO_SLOW'
  | 'COMMIT_FAILED'
  | 'NOT_SERVING'
  | 'UNKNOWN_SESSION'
  | 'MALFORMED_MESSAGE'
  | 'WORKFLOW_NOT_FOUND'
  | 'PAYLOAD_NOT_FOUND'
  | 'PAYLOAD_MISMATCH'
  | 'NOT_FINAL'
  | 'ARCHIVED'
  | 'WRONG_STATE'
  | 'NO_LEASE'
  | 'LINKED'
  | 'DEPENDENCY_OUTSIDE';

export interface Rejection {
  readonly code: RejectionCode;
  /** In English: what is wrong, with the value, and the remedy. */
  readonly message: string;
  /** Path of the wrong field from the run specification, such as `tasks[3].key`; empty if none. */
  readonly field: string;
  /** Every varying value of the message, for machines. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Where more than one field is wrong: each of them, `field` included, and why. */
  readonly violations?: readonly FieldViolation[];
  /** When to try again, where more is known of it than that it helps. */
  readonly retryAfterMs?: number;
}

export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

export interface Refusal {
  readonly ok: false;
  readonly rejection: Rejection;
}

export type Result<T> = { readonly ok: true; readonly value: T } | Refusal;

export function accept<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function reject(
  code: RejectionCode,
  message: string,
  metadata: Readonly<Record<string, string>> = {},
  field = '',
): Refusal {
  return { ok: false, rejection: { code, message, field, metadata } };
}
