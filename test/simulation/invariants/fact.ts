// What does one durable event say? Read from the bytes that watchers get, as proto/tutti/v1/event.proto has
// them, and from what is kept beside them: no code of the orchestrator's that knows what they mean is asked.

import { fromBinary } from '@bufbuild/protobuf';
import { EventAttachmentSchema } from '@tutti/proto/tutti/store/v1/record_pb.ts';
import { type Event, EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
import type { CommitBatch, EventRecord } from '../../../services/orchestrator/src/store/port.ts';
import type { ProcessId } from './observation.ts';
import { Violation } from './violation.ts';

export type FactChange = Exclude<Event['change'], { case: undefined }>;
export type FactCase = FactChange['case'];

export interface Fact {
  readonly namespace: string;
  readonly process: ProcessId;
  /** When it became durable. */
  readonly atMs: number;
  /** When the engine decided it, by its own clock. */
  readonly timeMs: number;
  readonly revision: number;
  readonly record: EventRecord;
  readonly runId: string;
  /** Empty where it is about the run. */
  readonly taskKey: string;
  readonly change: FactChange;
  /** With taskStarted; empty where the orchestrator does the work itself. */
  readonly leaseToken: string;
  /** The commit that it is part of. */
  readonly batch: CommitBatch;
}

export function factOf(batch: CommitBatch, record: EventRecord, process: ProcessId, atMs: number): Fact {
  const { namespace } = batch;
  const event = fromBinary(EventSchema, record.payload);
  const { change, runId, taskKey, time } = event;
  if (change.case === undefined || time === undefined || Number(event.revision) !== record.revision) {
    const message = `${namespace}: the event that is stored as revision ${record.revision} says revision ${event.revision}, ${change.case}`;
    throw new Violation('P2.3', message);
  }
  const { attachment } = record;
  const isStart = change.case === 'taskStarted' && attachment !== undefined;
  return {
    namespace,
    process,
    atMs,
    timeMs: timeToMs(time),
    revision: record.revision,
    record,
    runId,
    taskKey,
    change,
    leaseToken: isStart ? fromBinary(EventAttachmentSchema, attachment).leaseToken : '',
    batch,
  };
}

export function timeToMs({ seconds, nanos }: { readonly seconds: bigint; readonly nanos: number }): number {
  return Number(seconds) * 1_000 + nanos / 1_000_000;
}

/** Where a violation happened, for people. */
export function nameOf({ namespace, revision, runId, taskKey, change }: Fact): string {
  return `${namespace}@${revision} ${runId}${taskKey === '' ? '' : `/${taskKey}`} ${change.case}`;
}

/** The revision of an event, without a look at the rest. */
export function revisionOf(payload: Uint8Array): number {
  // Field 1, a varint; it comes first in every event that we write.
  if (payload[0] !== 0x08) return Number(fromBinary(EventSchema, payload).revision);
  let revision = 0;
  for (let index = 1, scale = 1; index < payload.length; index++, scale *= 128) {
    const byte = payload[index] as number;
    revision += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  return revision;
}

export function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || Buffer.compare(a, b) === 0;
}
