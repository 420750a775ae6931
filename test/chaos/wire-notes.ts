// What does an executor receive, and what is it answered? Noted where the SDK meets NATS, so that the notes
// are not what the SDK made of it.

import { fromBinary } from '@bufbuild/protobuf';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import {
  type Report,
  ReportRequestSchema,
  ReportResponseSchema,
  ReportStatus,
  TaskBatchSchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { digestOf, type Outcome, type Write } from './notes.ts';

type Subscribe = NatsConnection['subscribe'];
type Request = NatsConnection['request'];

/**
 * Every connection of this process takes notes from here on. The SDK makes its connection itself, hence by
 * way of what all connections have in common.
 */
export async function noteTheWire(url: string, executorId: string, write: Write): Promise<void> {
  const first = await connect({ servers: url, waitOnFirstConnect: true, maxReconnectAttempts: -1 });
  const connections = Object.getPrototypeOf(first) as { subscribe: Subscribe; request: Request };
  await first.close();
  const { subscribe, request } = connections;
  const seen = new Set<string>();

  connections.subscribe = function (this: NatsConnection, subject, options) {
    const callback = options?.callback;
    if (callback === undefined || !subject.includes('.tasks.')) return subscribe.call(this, subject, options);
    return subscribe.call(this, subject, {
      ...options,
      callback(error, message) {
        if (error === null) noteAssignments(message.data, executorId, seen, write);
        callback(error, message);
      },
    });
  };
  connections.request = async function (this: NatsConnection, subject, data, options) {
    const answer = await request.call(this, subject, data, options);
    if (subject.endsWith('.reports')) noteAnswers(data as Uint8Array, answer.data, executorId, write);
    return answer;
  };
}

function noteAssignments(data: Uint8Array, executorId: string, seen: Set<string>, write: Write): void {
  for (const { leaseToken: lease, runId, taskKey, attempt } of fromBinary(TaskBatchSchema, data)
    .assignments) {
    if (seen.has(lease)) continue;
    seen.add(lease);
    write({ note: 'assigned', executorId, lease, runId, taskKey, attempt });
  }
}

function noteAnswers(data: Uint8Array, answer: Uint8Array, executorId: string, write: Write): void {
  const { reports } = fromBinary(ReportRequestSchema, data);
  const { result } = fromBinary(ReportResponseSchema, answer);
  if (result.case !== 'acks') return;
  for (const [index, report] of reports.entries()) {
    const status = statusOf(result.value.statuses[index]);
    if (status === undefined || report.outcome.case === undefined) continue;
    const outcome: Outcome = report.outcome.case;
    write({
      note: 'answered',
      executorId,
      lease: report.leaseToken,
      outcome,
      digest: contentOf(report),
      status,
    });
  }
}

function contentOf({ outcome }: Report): string {
  if (outcome.case === 'completed') return digestOf(outcome.value.result);
  return outcome.case === 'failed' ? (outcome.value.error?.code ?? '') : '';
}

function statusOf(status: ReportStatus | undefined): 'RECORDED' | 'STALE' | 'UNKNOWN' | undefined {
  if (status === ReportStatus.RECORDED) return 'RECORDED';
  if (status === ReportStatus.STALE) return 'STALE';
  return status === ReportStatus.UNKNOWN ? 'UNKNOWN' : undefined;
}
