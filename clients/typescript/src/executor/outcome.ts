// How is the end of an attempt told to the orchestrator?

import { create } from '@bufbuild/protobuf';
import {
  type Report,
  Report_CancelledSchema,
  Report_CompletedSchema,
  Report_FailedSchema,
  Report_ReleasedSchema,
  ReportSchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { TaskErrorSchema } from '@tutti/proto/tutti/v1/task_pb.ts';
import { toDuration } from '../durations.ts';
import { PayloadError, type PayloadInput, payloadSizeBytes, toPayload } from '../payloads.ts';
import { FinalError, RetryableError } from './errors.ts';

/** What an attempt used, by name. */
export type Usage = Readonly<Record<string, number>>;

const MAX_CODE_LENGTH = 128;
const MAX_MESSAGE_LENGTH = 8_192;
const MAX_RETRY_AFTER_MS = 30 * 86_400_000;

/** A result that JSON cannot carry, or that is too large, makes the attempt fail. */
export function completedReport(
  leaseToken: string,
  result: PayloadInput,
  usage: Usage,
  maxPayloadBytes: number,
): Report {
  const converted = tryPayload(result);
  if (converted instanceof PayloadError) {
    return failedReport(
      leaseToken,
      new FinalError('INVALID_RESULT', `the handler's result is ${converted.message}`),
      usage,
      maxPayloadBytes,
    );
  }
  const sizeBytes = payloadSizeBytes(converted);
  if (sizeBytes > maxPayloadBytes) {
    return failedReport(
      leaseToken,
      // Final, as the orchestrator's own refusal is: the work is done, and doing it again would change nothing.
      new FinalError(
        'PAYLOAD_TOO_LARGE',
        `the result has ${sizeBytes} bytes, the limit is ${maxPayloadBytes}: store it elsewhere and return where it is`,
      ),
      usage,
      maxPayloadBytes,
    );
  }
  const completed = create(Report_CompletedSchema);
  if (converted !== undefined) completed.result = converted;
  return report(leaseToken, { case: 'completed', value: completed }, usage);
}

/** RetryableError and FinalError say what they mean; anything else is retryable. */
export function failedReport(
  leaseToken: string,
  thrown: unknown,
  usage: Usage,
  maxPayloadBytes: number,
): Report {
  const isOurs = thrown instanceof RetryableError || thrown instanceof FinalError;
  const error = create(TaskErrorSchema, {
    // Plain JavaScript can give any value as a code.
    code: shortened(isOurs ? String(thrown.code) : codeOf(thrown), MAX_CODE_LENGTH) || 'ERROR',
    message: shortened(messageOf(thrown), MAX_MESSAGE_LENGTH),
  });
  const details = isOurs ? fittingPayload(thrown.details, maxPayloadBytes) : undefined;
  if (details !== undefined) error.details = details;
  const failed = create(Report_FailedSchema, { error, final: thrown instanceof FinalError });
  if (thrown instanceof RetryableError && thrown.retryAfterMs !== undefined) {
    const retryAfterMs = Math.min(MAX_RETRY_AFTER_MS, Math.max(0, Number(thrown.retryAfterMs)));
    if (!Number.isNaN(retryAfterMs)) failed.retryAfter = toDuration(retryAfterMs, 'retryAfterMs');
  }
  return report(leaseToken, { case: 'failed', value: failed }, usage);
}

/** A partial result that is too large or no JSON is left out. */
export function cancelledReport(
  leaseToken: string,
  partialResult: PayloadInput,
  usage: Usage,
  maxPayloadBytes: number,
): Report {
  const cancelled = create(Report_CancelledSchema);
  const payload = fittingPayload(partialResult, maxPayloadBytes);
  if (payload !== undefined) cancelled.partialResult = payload;
  return report(leaseToken, { case: 'cancelled', value: cancelled }, usage);
}

/** The attempt is given back undone. */
export function releasedReport(leaseToken: string, usage: Usage): Report {
  return report(leaseToken, { case: 'released', value: create(Report_ReleasedSchema) }, usage);
}

function report(leaseToken: string, outcome: Report['outcome'], usage: Usage): Report {
  const message = create(ReportSchema);
  message.leaseToken = leaseToken;
  message.outcome = outcome;
  message.usage = usage;
  return message;
}

function tryPayload(value: PayloadInput) {
  try {
    return toPayload(value);
  } catch (error) {
    if (error instanceof PayloadError) return error;
    throw error;
  }
}

function fittingPayload(value: PayloadInput, maxPayloadBytes: number) {
  const payload = tryPayload(value);
  return payload instanceof PayloadError || payloadSizeBytes(payload) > maxPayloadBytes ? undefined : payload;
}

function codeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'ERROR';
  return thrown.name === 'Error' ? 'ERROR' : String(thrown.name);
}

function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return String(thrown.message);
  try {
    return String(thrown);
  } catch {
    return 'something was thrown that cannot be shown';
  }
}

// Lone surrogates cannot be sent as UTF-8; cutting can make some.
function shortened(text: string, maxLength: number): string {
  return text.slice(0, maxLength).toWellFormed();
}
