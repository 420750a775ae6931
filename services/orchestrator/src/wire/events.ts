// In which form does the store keep events?
//
// A busy orchestrator makes tens of thousands of events a second, so the common ones are written by
// hand. event-message.ts says what they mean; a test
// holds that both give the same bytes.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { EventAttachmentSchema } from '@tutti/proto/tutti/store/v1/record_pb.ts';
import { EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
import type { Change, RunEvent } from '../domain/events.ts';
import type { Payload } from '../domain/payload.ts';
import type { RunSpec } from '../domain/spec.ts';
import { type EventRun, fromEventMessage, type Replay, toEventMessage } from './event-message.ts';
import { keyOf } from './event-parts.ts';
import { fromPayload, toPayload } from './payload.ts';
import { writeTimestamp } from './time.ts';

/** Tags of tutti.v1.Event and of what it holds: field number and wire type. */
const LENGTH_DELIMITED = 2;
const tag = (field: number, wireType: number) => (field << 3) | wireType;
const REVISION = tag(1, 0);
const TIME = tag(2, LENGTH_DELIMITED);
const RUN_ID = tag(3, LENGTH_DELIMITED);
const TASK_KEY = tag(4, LENGTH_DELIMITED);
const RUN_SUBMITTED = tag(10, LENGTH_DELIMITED);
const RUN_COMPLETED = tag(12, LENGTH_DELIMITED);
const TASK_READY = tag(20, LENGTH_DELIMITED);
const TASK_STARTED = tag(21, LENGTH_DELIMITED);
const TASK_COMPLETED = tag(25, LENGTH_DELIMITED);
const NAME = tag(1, LENGTH_DELIMITED);
const LABELS = tag(2, LENGTH_DELIMITED);
const TASK_COUNT = tag(3, 0);
const MAP_KEY = tag(1, LENGTH_DELIMITED);
const MAP_VALUE = tag(2, LENGTH_DELIMITED);
const ATTEMPT = tag(1, 0);
const EXECUTOR_ID = tag(2, LENGTH_DELIMITED);
const RESULT = tag(2, LENGTH_DELIMITED);
const BYTES = tag(1, LENGTH_DELIMITED);
const CONTENT_TYPE = tag(3, LENGTH_DELIMITED);
const LEASE_TOKEN = tag(1, LENGTH_DELIMITED);

const MAX_UINT32 = 0xffff_ffff;

// One for all: its buffer is kept. Nothing here is reentrant.
let writer = new BinaryWriter();

/** The binary form of tutti.v1.Event. */
export function encodeEvent(run: EventRun, event: RunEvent): Uint8Array {
  if (!isCommon(event.change)) return toBinary(EventSchema, toEventMessage(run, event));
  try {
    writeCommon(run, event, event.change);
    return writer.finish();
  } catch (error) {
    // What is half written must not begin the next event.
    writer = new BinaryWriter();
    throw error;
  }
}

/** The binary form of tutti.store.v1.EventAttachment; undefined where the event needs none. */
export function encodeAttachment(event: RunEvent): Uint8Array | undefined {
  const { change } = event;
  if (change.type === 'TaskStarted' && change.leaseToken !== '') {
    return writer.uint32(LEASE_TOKEN).string(change.leaseToken).finish();
  }
  if (change.type === 'TaskProgressed') return encodeKept(change.checkpoint, false);
  if (change.type === 'TaskRetrying') return encodeKept(change.checkpoint, change.reported ?? false);
  if (change.type === 'TaskFailed' || change.type === 'TaskCancelled')
    return encodeKept(undefined, change.reported ?? false);
  return undefined;
}

function encodeKept(checkpoint: Payload | undefined, reported: boolean): Uint8Array | undefined {
  if (checkpoint === undefined && !reported) return undefined;
  const kept = checkpoint === undefined ? {} : { checkpoint: fromPayload(checkpoint, 'BYTES') };
  return toBinary(EventAttachmentSchema, create(EventAttachmentSchema, { ...kept, reported }));
}

/**
 * The event as it was before encodeEvent and encodeAttachment.
 * @param run the compiled graph and the trace context that the run's record gives
 */
export function decodeEvent(
  payload: Uint8Array,
  attachment: Uint8Array | undefined,
  run: StoredContext,
): RunEvent {
  return fromEventMessage(fromBinary(EventSchema, payload), { ...run, ...decodeAttachment(attachment) });
}

export type StoredContext = Omit<Replay, 'leaseToken' | 'checkpoint' | 'reported'>;

function decodeAttachment(attachment: Uint8Array | undefined): {
  leaseToken: string;
  checkpoint: Payload | undefined;
  reported: boolean;
} {
  if (attachment === undefined) return { leaseToken: '', checkpoint: undefined, reported: false };
  const { leaseToken, checkpoint, reported } = fromBinary(EventAttachmentSchema, attachment);
  return { leaseToken, checkpoint: checkpoint && toPayload(checkpoint), reported };
}

type CommonChange = Extract<
  Change,
  { type: 'RunSubmitted' | 'RunCompleted' | 'TaskReady' | 'TaskStarted' | 'TaskCompleted' }
>;

function isCommon(change: Change): change is CommonChange {
  switch (change.type) {
    case 'RunSubmitted':
      return change.parent === undefined;
    case 'TaskStarted':
      return change.childRunId === undefined;
    case 'RunCompleted':
      return change.output === undefined;
    case 'TaskReady':
      return change.input === undefined && change.executorId === undefined;
    case 'TaskCompleted':
      return change.usage === undefined && change.error === undefined && change.result.ref === undefined;
    case 'RunCancelling':
    case 'RunFailed':
    case 'RunCancelled':
    case 'TaskProgressed':
    case 'TaskCancelling':
    case 'TaskRetrying':
    case 'TaskFailed':
    case 'TaskCancelled':
    case 'TaskSkipped':
    case 'TaskRouted':
    case 'RunPaused':
    case 'RunResumed':
    case 'RunSignalled':
    case 'RunRestarted':
    case 'RunCompensating':
    case 'TasksAdded':
    case 'TaskHeld':
    case 'TaskSentBack':
    case 'TaskReset':
    case 'TaskRepeating':
    case 'TaskExpanded':
    case 'TaskSignalled':
    case 'TaskValidating':
    case 'TaskDependenciesChanged':
      return false;
  }
}

function writeCommon(run: EventRun, event: RunEvent, change: CommonChange): void {
  writer.uint32(REVISION);
  if (event.revision <= MAX_UINT32) writer.uint32(event.revision);
  else writer.uint64(BigInt(event.revision));
  writeTimestamp(writer, TIME, event.atMs);
  writer.uint32(RUN_ID).string(run.runId);
  if (change.type === 'RunSubmitted') {
    writeSubmitted(change.graph.spec);
    return;
  }
  if (change.type === 'RunCompleted') {
    writer.uint32(RUN_COMPLETED).uint32(0);
    return;
  }
  writer.uint32(TASK_KEY).string(keyOf(run.graph, change.task));
  switch (change.type) {
    case 'TaskReady':
      writer.uint32(TASK_READY).uint32(0);
      return;
    case 'TaskStarted':
      writer.uint32(TASK_STARTED).fork().uint32(ATTEMPT).uint32(change.attempt);
      if (change.executorId !== '') writer.uint32(EXECUTOR_ID).string(change.executorId);
      writer.join();
      return;
    case 'TaskCompleted':
      writer.uint32(TASK_COMPLETED).fork().uint32(ATTEMPT).uint32(change.attempt);
      writeResult(change.result);
      writer.join();
      return;
  }
}

function writeSubmitted(spec: RunSpec): void {
  writer.uint32(RUN_SUBMITTED).fork();
  if (spec.name !== '') writer.uint32(NAME).string(spec.name);
  for (const [key, value] of Object.entries(spec.labels)) {
    writer.uint32(LABELS).fork().uint32(MAP_KEY).string(key).uint32(MAP_VALUE).string(value).join();
  }
  writer.uint32(TASK_COUNT).uint32(spec.tasks.length).join();
}

function writeResult(result: Payload): void {
  writer.uint32(RESULT).fork();
  if (result.bytes.byteLength > 0) writer.uint32(BYTES).bytes(result.bytes);
  if (result.contentType !== '') writer.uint32(CONTENT_TYPE).string(result.contentType);
  writer.join();
}
