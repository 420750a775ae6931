// How does the answer to a heartbeat fit into one message?
//
// Assignments that the executor lacks come with it, and all of them together may be larger than any
// message. What does not fit is left out: the next heartbeat omits it again, and is answered with it.

import { toBinary } from '@bufbuild/protobuf';
import {
  AssignmentSchema,
  CancellationSchema,
  HeartbeatAckSchema,
  HeartbeatResponseSchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import type { HeartbeatAck } from '../engine/inputs.ts';
import { assignmentToWire, cancellationToWire } from '../wire/executor-answers.ts';
import type { AttemptTracing } from './deliveries.ts';
import { type Frame, frameSizeBytes, joinFrames } from './frames.ts';

const { dropped, cancellations, missing } = HeartbeatAckSchema.field;
const ACK = HeartbeatResponseSchema.field.ack.number;
/** Tag and length of the acknowledgement within the response. */
const ENVELOPE_BYTES = 6;

/** The binary form of a HeartbeatResponse of at most `limitBytes`: what must stop comes first. */
export function encodeHeartbeatAck(
  namespace: string,
  ack: HeartbeatAck,
  tracing: AttemptTracing,
  limitBytes: number,
): Uint8Array {
  const frames: Frame[] = [];
  let roomBytes = limitBytes - ENVELOPE_BYTES;
  const add = (fieldNumber: number, bytes: Uint8Array): boolean => {
    const frame = { fieldNumber, bytes };
    if (frameSizeBytes(frame) > roomBytes) return false;
    roomBytes -= frameSizeBytes(frame);
    frames.push(frame);
    return true;
  };
  for (const token of ack.dropped) {
    if (!add(dropped.number, Buffer.from(token))) break;
  }
  for (const cancellation of ack.cancellations) {
    if (!add(cancellations.number, toBinary(CancellationSchema, cancellationToWire(cancellation)))) break;
  }
  for (const assignment of ack.missing) {
    const message = assignmentToWire(assignment, tracing.startAttempt(namespace, assignment));
    const bytes = toBinary(AssignmentSchema, message);
    // It will be the first of the next answer; one that fits into none must not hold up those after it.
    if (!add(missing.number, bytes) && bytes.byteLength < limitBytes / 2) break;
  }
  return joinFrames([{ fieldNumber: ACK, bytes: joinFrames(frames) }]);
}
