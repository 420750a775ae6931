// How is a run told to clients?

import { create, fromBinary } from '@bufbuild/protobuf';
import { EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
import type { Payload } from '@tutti/proto/tutti/v1/payload_pb.ts';
import { type Run, RunOriginSchema, RunParentSchema, RunSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import { isEmpty } from '../../domain/payload.ts';
import type { RunEnd, StoreQueries } from '../../runtime/orchestrator.ts';
import type { RunRow } from '../../store/port.ts';
import { REASON_TO_WIRE, RUN_PHASE_TO_WIRE } from '../../wire/enums.ts';
import { fromPayload, type PayloadForm } from '../../wire/payload.ts';
import { inForm } from '../../wire/payload-form.ts';
import { decodeRunData } from '../../wire/stored-spec.ts';
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
    paused: row.paused,
    archived: row.archived,
  });
  if (row.workflow !== undefined) message.workflow = create(RunOriginSchema, row.workflow);
  if (row.parent !== undefined) message.parent = create(RunParentSchema, row.parent);
  if (row.endedAtMs !== undefined) message.endTime = timestampFromMs(row.endedAtMs);
  return message;
}

/**
 * As toRunMessage, with what is too large for lists.
 * @param reading the run's record, which never changes: whoever waits for the run reads it meanwhile
 */
export async function toFullRunMessage(
  queries: Pick<StoreQueries, 'getRunRecord' | 'readEvents'>,
  namespace: string,
  row: RunRow,
  form: PayloadForm,
  reading = queries.getRunRecord(namespace, row.run),
): Promise<Run> {
  const message = toRunMessage(namespace, row);
  const record = await reading;
  if (record === undefined) return message;
  const { input, asksForOutput } = decodeRunData(record);
  if (!isEmpty(input)) message.input = fromPayload(input, form);
  const output = asksForOutput ? await findOutput(queries, namespace, row) : undefined;
  if (output !== undefined) message.output = inForm(output, form);
  return message;
}

export function toEndedRunMessage(namespace: string, { row, input, output }: RunEnd, form: PayloadForm): Run {
  const message = toRunMessage(namespace, row);
  if (!isEmpty(input)) message.input = fromPayload(input, form);
  if (output !== undefined) message.output = fromPayload(output, form);
  return message;
}

/** What a run came to is told by its last event. */
async function findOutput(
  queries: Pick<StoreQueries, 'readEvents'>,
  namespace: string,
  { run, phase, lastRevision }: RunRow,
): Promise<Payload | undefined> {
  if (phase !== 'COMPLETED') return undefined;
  const query = { afterRevision: lastRevision - 1, run, limit: 1, limitBytes: 1 };
  const [last] = await queries.readEvents(namespace, query);
  if (last === undefined) return undefined;
  const { change } = fromBinary(EventSchema, last.payload);
  return change.case === 'runCompleted' ? change.value.output : undefined;
}
