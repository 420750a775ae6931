// How does anyone on NATS hear of events as they happen? Best effort: the durable stream is Watch.

import { EventBatchSchema } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import type { CommitObserver, CommittedEvent } from '../runtime/ports.ts';
import type { NatsLink } from './connection.ts';
import { type Frame, joinFrames, splitFrames } from './frames.ts';
import type { Logger } from './logger.ts';
import type { Subjects } from './subjects.ts';

export interface EventPublisherOptions {
  readonly link: NatsLink;
  readonly subjects: Subjects;
  readonly logger: Logger;
}

const EVENTS = EventBatchSchema.field.events.number;

/** One message for each run of a commit, or a few; nothing while disconnected. */
export function createEventPublisher({ link, subjects, logger }: EventPublisherOptions): CommitObserver {
  return {
    committed(namespace, events) {
      if (!link.connected()) return;
      try {
        for (const [runId, frames] of framesByRun(events)) {
          const subject = subjects.events(namespace, runId);
          // An event that is too large by itself is left out; its revision is missed, and Watch has it.
          for (const message of splitFrames(frames, link.maxPayloadBytes()).messages) {
            link.publish(subject, joinFrames(message));
          }
        }
      } catch (error) {
        logger.error({ namespace, error }, 'events could not be published');
      }
    },
  };
}

function framesByRun(events: readonly CommittedEvent[]): ReadonlyMap<string, readonly Frame[]> {
  const byRun = new Map<string, Frame[]>();
  for (const { run, payload } of events) {
    const frame = { fieldNumber: EVENTS, bytes: payload };
    const frames = byRun.get(run.runId);
    if (frames === undefined) byRun.set(run.runId, [frame]);
    else frames.push(frame);
  }
  return byRun;
}
