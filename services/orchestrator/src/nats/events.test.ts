// DESIGN 9: the event subject, best effort, on a real nats-server.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
import { EventBatchSchema } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { expect, test } from 'vitest';
import type { RunState } from '../domain/state.ts';
import type { CommittedEvent } from '../runtime/ports.ts';
import { createEventPublisher } from './events.ts';
import { createSubjects } from './subjects.ts';
import { useTestNats } from './test-support.ts';

const nats = useTestNats({ maxPayloadBytes: 4_096 });

function committed(runId: string, revision: number, taskKey = ''): CommittedEvent {
  const message = create(EventSchema, { revision: BigInt(revision), runId, taskKey });
  return {
    // All that publishing an event needs to know of its run.
    run: { runId } as RunState,
    event: { revision, atMs: 0, change: { type: 'RunCompleted', output: undefined } },
    payload: toBinary(EventSchema, message),
  };
}

test('a commit is published by run, in order, split where it is too large', async () => {
  const link = await nats.link();
  const observer = await nats.client();
  const subscription = observer.subscribe('tutti.v1.team-a.events.>');
  await observer.flush();
  const publisher = createEventPublisher({ link, subjects: createSubjects('tutti.v1'), logger: nats.logger });

  const long = 'k'.repeat(1_500);
  publisher.committed('team-a', [
    committed('run-1', 1),
    committed('run-2', 2),
    committed('run-1', 3, long),
    committed('run-1', 4, long),
    committed('run-1', 5, long),
    // Larger than any message: left out.
    committed('run-2', 6, 'k'.repeat(5_000)),
    committed('run-2', 7),
  ]);
  publisher.committed('team-a', [committed('end', 8)]);

  const received: [string, number[]][] = [];
  for await (const { subject, data } of subscription) {
    if (subject.endsWith('.end')) break;
    const { events } = fromBinary(EventBatchSchema, data);
    received.push([subject, events.map(({ revision }) => Number(revision))]);
  }
  expect(received).toEqual([
    ['tutti.v1.team-a.events.run-1', [1, 3, 4]],
    ['tutti.v1.team-a.events.run-1', [5]],
    ['tutti.v1.team-a.events.run-2', [2, 7]],
  ]);
});

test('an id that cannot stand in a subject is logged and does not throw', async () => {
  const link = await nats.link();
  const publisher = createEventPublisher({ link, subjects: createSubjects('tutti.v1'), logger: nats.logger });
  const before = nats.logged.length;
  publisher.committed('team-a', [committed('run.>', 1)]);
  expect(nats.logged.slice(before).filter(({ level }) => level === 'error')).toHaveLength(1);
});
