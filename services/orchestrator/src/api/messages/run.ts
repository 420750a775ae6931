// How is a run told to clients?

import { create } from '@bufbuild/protobuf';
import { type Run, RunSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import type { RunRow } from '../../store/port.ts';
import { REASON_TO_WIRE, RUN_PHASE_TO_WIRE } from '../../wire/enums.ts';
import { timestampFromMs } from '../../wire/time.ts';

export function toRunMessage(namespace: string, row: RunRow): Run {
  const { counts } = row;
  const message = create(RunSchema, {
    namespace,
    runId: row.runId,
    name: row.name,
    labels: { ...row.labels },
    state: RUN_PHASE_TO_WIRE[row.phase],
    reason: REASON_TO_WIRE[row.reason],
    message: row.message,
    submitTime: timestampFromMs(row.submittedAtMs),
    tasks: {
      waiting: counts.WAITING,
      ready: counts.READY,
      running: counts.RUNNING,
      retrying: counts.RETRYING,
      completed: counts.COMPLETED,
      failed: counts.FAILED,
      cancelled: counts.CANCELLED,
      skipped: counts.SKIPPED,
    },
    firstRevision: BigInt(row.run),
    lastRevision: BigInt(row.lastRevision),
    traceId: row.traceId,
    failedTask: row.failedTask,
  });
  if (row.endedAtMs !== undefined) message.endTime = timestampFromMs(row.endedAtMs);
  return message;
}
