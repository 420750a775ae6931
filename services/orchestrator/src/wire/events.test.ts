// S5 of the store's port and promise 2: what is stored of an event is the event.

import { toBinary } from '@bufbuild/protobuf';
import { EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toEventMessage } from './event-message.ts';
import { decodeEvent, encodeAttachment, encodeEvent } from './events.ts';
import { GRAPH, RUN_ID, runEvent, runSpec, TRACEPARENT } from './wire-fixture.ts';

const run = { runId: RUN_ID, graph: GRAPH };

describe('an event', () => {
  test('written by hand has the bytes that the library gives its message', () => {
    fc.assert(
      fc.property(runEvent, (event) => {
        const expected = toBinary(EventSchema, toEventMessage(run, event));
        expect(Buffer.from(encodeEvent(run, event))).toEqual(Buffer.from(expected));
      }),
      { numRuns: 1_000 },
    );
  });

  test('of a submission has them too, whatever is submitted', () => {
    fc.assert(
      fc.property(runSpec, (spec) => {
        const graph = { ...GRAPH, spec };
        const change = { type: 'RunSubmitted', runId: RUN_ID, graph, traceparent: '' } as const;
        const event = { revision: 1, atMs: 1_763_678_455_123, change };
        const expected = toBinary(EventSchema, toEventMessage(run, event));
        expect(Buffer.from(encodeEvent(run, event))).toEqual(Buffer.from(expected));
      }),
      { numRuns: 200 },
    );
  });

  test('is replayed as it was', () => {
    fc.assert(
      fc.property(runEvent, (event) => {
        const replayed = decodeEvent(encodeEvent(run, event), encodeAttachment(event), {
          graph: GRAPH,
          traceparent: TRACEPARENT,
          parent: undefined,
          addedSpecs: (first, count) => GRAPH.spec.tasks.slice(first, first + count),
        });
        expect(replayed).toEqual(event);
      }),
      { numRuns: 1_000 },
    );
  });

  test('that cannot be written leaves no trace in the next one', () => {
    const change = { type: 'TaskStarted', task: 0, attempt: -1, executorId: 'e', leaseToken: 't' } as const;
    const next = { revision: 2, atMs: 5, change: { type: 'TaskReady', task: 0, input: undefined } } as const;
    const expected = encodeEvent(run, next);
    expect(() => encodeEvent(run, { revision: 1, atMs: 5, change })).toThrow();
    expect(encodeEvent(run, next)).toEqual(expected);
  });

  test('of a task that the run does not have is a defect, not an event', () => {
    const change = { type: 'TaskReady', task: 99, input: undefined } as const;
    expect(() => encodeEvent(run, { revision: 1, atMs: 5, change })).toThrow('no task with the index 99');
  });

  test('keeps what watchers must not see apart from what they see', () => {
    const change = {
      type: 'TaskStarted',
      task: 0,
      attempt: 1,
      executorId: 'e',
      leaseToken: 'SECRET',
    } as const;
    const stored = encodeEvent(run, { revision: 1, atMs: 5, change });
    expect(Buffer.from(stored).includes('SECRET')).toBe(false);
  });
});
