// How do reports reach the orchestrator, each until it is answered?
//
// What gathers while requests are in flight goes with the next one. Bounded by the attempts that the
// executor holds: each has at most one report.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ErrorReason } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import {
  type ProtocolError,
  type Report,
  ReportRequestSchema,
  ReportResponseSchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { createBackoff } from '../backoff.ts';
import { payloadSizeBytes } from '../payloads.ts';
import { traceFields } from '../tracing.ts';
import { FinalError, RetryableError } from './errors.ts';
import type { Settings } from './options.ts';
import { failedReport } from './outcome.ts';
import { reasonName, requestTimeoutMs, type Session, type SessionKeeper } from './session.ts';
import { MessageTooLargeError, type Transport } from './transport.ts';

/** Sends reports. */
export interface Reporter {
  add(report: Report, traceparent: string): void;
  /** The report is no longer wanted; one that is in flight may arrive all the same. */
  withdraw(leaseToken: string): void;
  /** Tries now instead of after the pause: the connection or the session is back. */
  kick(): void;
  close(): void;
}

interface Pending {
  report: Report;
  sizeBytes: number;
  readonly traceparent: string;
  isInFlight: boolean;
  /** Once the orchestrator refused a batch with it, it goes alone. */
  isSuspect: boolean;
  /** It stands in place of the handler's report, which was refused alone. */
  isReplaced: boolean;
}

const MAX_BATCH_REPORTS = 2_000;
const MAX_BATCH_BYTES = 512 * 1_024;
/**
 * How many requests at once. Two, so that reports that come while one request waits for the disk need
 * not wait for its answer.
 */
export const MAX_IN_FLIGHT = 2;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

export function createReporter(
  settings: Settings,
  transport: Transport,
  sessions: SessionKeeper,
  onAnswered: (leaseToken: string) => void,
): Reporter {
  const pending = new Map<string, Pending>();
  const backoff = createBackoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  const subject = `${settings.prefix}.${settings.namespace}.reports`;
  let inFlightCount = 0;
  let isScheduled = false;
  let pauseTimer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const schedule = () => {
    if (isScheduled || isClosed || pauseTimer !== undefined) return;
    isScheduled = true;
    // After the handlers that end in this turn of the event loop, so that they go together.
    setImmediate(() => {
      isScheduled = false;
      while (inFlightCount < MAX_IN_FLIGHT && sendNext());
    });
  };

  const pauseThenSchedule = () => {
    if (pauseTimer !== undefined || isClosed) return;
    pauseTimer = setTimeout(() => {
      pauseTimer = undefined;
      schedule();
    }, backoff.nextMs());
  };

  const answer = (token: string) => {
    pending.delete(token);
    onAnswered(token);
  };

  const sendNext = (): boolean => {
    if (pauseTimer !== undefined || isClosed || sessions.current === undefined) return false;
    const batch = nextBatch(pending.values(), transport.maxMessageBytes);
    if (batch.length === 0) return false;
    inFlightCount += 1;
    for (const entry of batch) entry.isInFlight = true;
    void send(batch, sessions.current);
    return true;
  };

  const send = async (batch: readonly Pending[], session: Session) => {
    try {
      await request(batch, session);
    } catch (error) {
      if (isClosed) return;
      settings.logger.warn(
        { executorId: settings.id, reportCount: batch.length, error: String(error) },
        'reports not answered; repeating',
      );
      pauseThenSchedule();
    } finally {
      inFlightCount -= 1;
      for (const entry of batch) entry.isInFlight = false;
      if (pending.size > 0) schedule();
    }
  };

  const request = async (batch: readonly Pending[], session: Session) => {
    const message = create(ReportRequestSchema);
    message.executorId = settings.id;
    message.session = session.token;
    message.reports = batch.map((entry) => entry.report);
    let data: Uint8Array;
    try {
      const encoded = toBinary(ReportRequestSchema, message);
      data = await transport.request(subject, encoded, requestTimeoutMs(session), batch[0]?.traceparent);
    } catch (error) {
      // As little as a refusal would a repeat help against this.
      if (error instanceof MessageTooLargeError)
        return faultOfContent(batch, 'PAYLOAD_TOO_LARGE', error.message);
      throw error;
    }
    const { result } = fromBinary(ReportResponseSchema, data);
    if (result.case === 'error') return refused(batch, session, result.value);
    if (result.case === undefined) throw new Error('an empty answer to reports');
    if (result.value.statuses.length !== batch.length) {
      throw new Error(`${result.value.statuses.length} answers to ${batch.length} reports`);
    }
    backoff.reset();
    // RECORDED, STALE and UNKNOWN are all final answers.
    for (const entry of batch) {
      if (pending.get(entry.report.leaseToken) === entry) answer(entry.report.leaseToken);
    }
  };

  const refused = async (batch: readonly Pending[], session: Session, error: ProtocolError) => {
    if (error.reason === ErrorReason.UNKNOWN_SESSION) {
      await sessions.renew(session);
      return;
    }
    if (!isFaultOfContent(error.reason)) {
      throw new Error(`${reasonName(error.reason)}: ${error.message}`);
    }
    faultOfContent(batch, reasonName(error.reason), error.message);
  };

  /** Of one of them, or of their number: from now on each goes alone. */
  const faultOfContent = (batch: readonly Pending[], reason: string, message: string) => {
    const first = batch[0];
    if (batch.length === 1 && first !== undefined) return refusedAlone(first, reason, message);
    for (const entry of batch) entry.isSuspect = true;
  };

  // The orchestrator will never take this report. Say so in its place, finally, since the work itself was
  // done; if even that is refused, let the lease run out.
  const refusedAlone = (entry: Pending, reason: string, message: string) => {
    const token = entry.report.leaseToken;
    const fields = { executorId: settings.id, reason, error: message, ...traceFields(entry.traceparent) };
    settings.logger.error(fields, 'a report was refused');
    if (entry.isReplaced) return answer(token);
    const text = `${reason}: ${message}`;
    // Only what was stored too long ago is gone: the next attempt stores it anew.
    const error =
      reason === 'PAYLOAD_NOT_FOUND'
        ? new RetryableError(reason, text)
        : new FinalError(reason === 'PAYLOAD_TOO_LARGE' ? reason : 'REPORT_REFUSED', text);
    entry.report = failedReport(token, error, {}, 0);
    entry.sizeBytes = sizeOf(entry.report);
    entry.isReplaced = true;
  };

  return {
    add(report, traceparent) {
      pending.set(report.leaseToken, {
        report,
        sizeBytes: sizeOf(report),
        traceparent,
        isInFlight: false,
        isSuspect: false,
        isReplaced: false,
      });
      schedule();
    },
    withdraw(leaseToken) {
      pending.delete(leaseToken);
    },
    kick() {
      clearTimeout(pauseTimer);
      pauseTimer = undefined;
      if (pending.size > 0) schedule();
    },
    close() {
      isClosed = true;
      clearTimeout(pauseTimer);
    },
  };
}

/** The oldest reports that wait and fit into one message; a suspect one goes alone. */
function nextBatch(entries: Iterable<Pending>, maxMessageBytes: number): Pending[] {
  const limitBytes = Math.min(MAX_BATCH_BYTES, maxMessageBytes - 4_096);
  const batch: Pending[] = [];
  let batchBytes = 0;
  for (const entry of entries) {
    if (entry.isInFlight) continue;
    if (entry.isSuspect) {
      if (batch.length === 0) batch.push(entry);
      break;
    }
    if (batch.length > 0 && batchBytes + entry.sizeBytes > limitBytes) break;
    batch.push(entry);
    batchBytes += entry.sizeBytes;
    if (batch.length >= MAX_BATCH_REPORTS) break;
  }
  return batch;
}

// An upper bound, cheaper than encoding twice: UTF-8 has at most 3 bytes for a UTF-16 unit.
function sizeOf(report: Report): number {
  const fixedBytes = 512 + Object.keys(report.usage).length * 210;
  const { outcome } = report;
  if (outcome.case === 'completed') return fixedBytes + payloadSizeBytes(outcome.value.result);
  if (outcome.case === 'cancelled') {
    return fixedBytes + payloadSizeBytes(outcome.value.partialResult);
  }
  if (outcome.case === 'failed') {
    const { error, checkpoint } = outcome.value;
    const leftBytes = payloadSizeBytes(error?.details) + payloadSizeBytes(checkpoint);
    return fixedBytes + 3 * (error?.message.length ?? 0) + leftBytes;
  }
  return fixedBytes;
}

function isFaultOfContent(reason: ErrorReason): boolean {
  return (
    reason === ErrorReason.INVALID_FIELD ||
    reason === ErrorReason.MALFORMED_MESSAGE ||
    reason === ErrorReason.PAYLOAD_TOO_LARGE ||
    reason === ErrorReason.PAYLOAD_NOT_FOUND
  );
}
