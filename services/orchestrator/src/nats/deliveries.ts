// How do assignments and cancellations reach their executors?
//
// One commit's deliveries become one message for each executor and capability, or a few where they
// exceed the largest message. A message lists assignments apart from cancellations, and executors read
// the former first; so a cancellation must not be in an earlier message than its assignment, which
// keeping the order gives.

import { toBinary } from '@bufbuild/protobuf';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import {
  AssignmentSchema,
  CancellationSchema,
  TaskBatchSchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import type { Assignment } from '../engine/inputs.ts';
import type { Delivery, ExecutorTransport } from '../runtime/ports.ts';
import { assignmentToWire, cancellationToWire } from '../wire/executor-answers.ts';
import { traceFields } from '../wire/trace.ts';
import type { NatsLink } from './connection.ts';
import { type Frame, joinFrames, splitFrames } from './frames.ts';
import type { Logger } from './logger.ts';
import type { Subjects } from './subjects.ts';

export interface TransportOptions {
  readonly link: NatsLink;
  readonly subjects: Subjects;
  readonly tracing: AttemptTracing;
  readonly logger: Logger;
}

export interface AttemptTracing {
  /** An attempt is being published. Returns the `traceparent` to send along. */
  startAttempt(namespace: string, assignment: Assignment): string;
}

/** Of the largest message, for the header with the trace context. */
export const HEADER_RESERVE_BYTES = 256;

const ASSIGNMENTS = TaskBatchSchema.field.assignments.number;
const CANCELLATIONS = TaskBatchSchema.field.cancellations.number;

interface Group {
  readonly executorId: string;
  readonly capability: string;
  readonly frames: Frame[];
  /** Of each frame; empty for a cancellation. */
  readonly traceparents: Map<Frame, string>;
}

/** What cannot be sent is dropped: a heartbeat that omits an assignment has it sent again. */
export function createExecutorTransport(options: TransportOptions): ExecutorTransport {
  const { link, logger } = options;
  return {
    deliver(namespace, deliveries) {
      if (!link.connected()) return;
      try {
        for (const group of groupDeliveries(namespace, deliveries, options.tracing)) {
          publishGroup(namespace, group, options);
        }
      } catch (error) {
        // Never throws: whoever delivers has more to do.
        logger.error({ namespace, error }, 'assignments could not be published');
      }
    },
  };
}

function groupDeliveries(
  namespace: string,
  deliveries: readonly Delivery[],
  tracing: AttemptTracing,
): Iterable<Group> {
  const groups = new Map<string, Group>();
  for (const delivery of deliveries) {
    const capability = delivery.type === 'Assign' ? delivery.assignment.capability : delivery.capability;
    // No id and no capability contains a space.
    const key = `${delivery.executorId} ${capability}`;
    let group = groups.get(key);
    if (group === undefined) {
      group = { executorId: delivery.executorId, capability, frames: [], traceparents: new Map() };
      groups.set(key, group);
    }
    if (delivery.type === 'Cancel') {
      const bytes = toBinary(CancellationSchema, cancellationToWire(delivery.cancellation));
      group.frames.push({ fieldNumber: CANCELLATIONS, bytes });
    } else {
      const traceparent = tracing.startAttempt(namespace, delivery.assignment);
      const bytes = toBinary(AssignmentSchema, assignmentToWire(delivery.assignment, traceparent));
      const frame = { fieldNumber: ASSIGNMENTS, bytes };
      group.frames.push(frame);
      group.traceparents.set(frame, traceparent);
    }
  }
  return groups.values();
}

function publishGroup(namespace: string, group: Group, options: TransportOptions): void {
  const { link, logger, subjects } = options;
  const subject = subjects.tasks(namespace, group.capability, group.executorId);
  const { messages, tooLarge } = splitFrames(group.frames, link.maxPayloadBytes() - HEADER_RESERVE_BYTES);
  for (const frame of tooLarge) {
    // The engine refuses such tasks; so NATS takes less than the engine was told at its start.
    logger.error(
      {
        subject,
        sizeBytes: frame.bytes.byteLength,
        limitBytes: link.maxPayloadBytes(),
        ...traceFields(group.traceparents.get(frame)),
      },
      'an assignment is larger than NATS takes and cannot be sent: raise max_payload of the NATS server',
    );
  }
  for (const frames of messages) {
    const first = frames[0] === undefined ? undefined : group.traceparents.get(frames[0]);
    link.publish(subject, joinFrames(frames), traceHeaders(first));
  }
}

function traceHeaders(traceparent: string | undefined): MsgHdrs | undefined {
  if (traceparent === undefined || traceparent === '') return undefined;
  const set = headers();
  set.set('traceparent', traceparent);
  return set;
}
