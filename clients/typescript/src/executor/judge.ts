// What is reported of an attempt whose handler has ended?
//
// Pure and total: whatever a handler throws or gives back, there is a report. Nobody would report an
// attempt that this threw for, and its slot would be lost.

import type { Report } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import type { PayloadInput } from '../payloads.ts';
import { FinalError, RetryableError } from './errors.ts';
import { cancelledReport, completedReport, failedReport, type Usage } from './outcome.ts';
import type { AbortReason } from './types.ts';

/** How a handler ended. */
export type HandlerEnd = { readonly value: unknown } | { readonly thrown: unknown };

/** What else there is to know of its attempt. */
export interface Circumstances {
  readonly leaseToken: string;
  /** Undefined unless it was told to stop. */
  readonly abortReason: AbortReason | undefined;
  readonly partialResult: PayloadInput;
  readonly usage: Usage;
  readonly maxPayloadBytes: number;
}

/** A timeout counts more than what the handler made of it; after any other wish to stop it is cancelled. */
export function judge(end: HandlerEnd, circumstances: Circumstances): Report {
  const { leaseToken, usage, abortReason } = circumstances;
  try {
    return reportOf(end, circumstances);
  } catch {
    // For example an error whose message is a getter that throws. Made of nothing that came from there.
    if (abortReason !== undefined) return cancelledReport(leaseToken, undefined, usage, 0);
    const error =
      'value' in end
        ? new FinalError('INVALID_RESULT', "the handler's result cannot be read")
        : new RetryableError('ERROR', 'the handler threw something that cannot be read');
    return failedReport(leaseToken, error, usage, 0);
  }
}

function reportOf(end: HandlerEnd, circumstances: Circumstances): Report {
  const { leaseToken, abortReason, partialResult, usage, maxPayloadBytes } = circumstances;
  if (abortReason === 'TIMED_OUT') {
    const error = new RetryableError('TIMEOUT', 'the attempt took longer than it may');
    return failedReport(leaseToken, error, usage, maxPayloadBytes);
  }
  if (abortReason !== undefined) {
    const returned = 'value' in end ? end.value : undefined;
    return cancelledReport(leaseToken, returned ?? partialResult, usage, maxPayloadBytes);
  }
  return 'value' in end
    ? completedReport(leaseToken, end.value, usage, maxPayloadBytes)
    : failedReport(leaseToken, end.thrown, usage, maxPayloadBytes);
}
