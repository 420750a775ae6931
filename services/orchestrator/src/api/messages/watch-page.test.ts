// Stored events are answers already: what is sent without decoding is what the library would send.

import { toBinary } from '@bufbuild/protobuf';
import { WatchResponseSchema } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeEvent } from '../../wire/events.ts';
import { GRAPH, RUN_ID, runEvent } from '../../wire/wire-fixture.ts';
import { encodeWatchResponse, splitPage, toWatchResponse } from './watch-page.ts';

const run = { runId: RUN_ID, graph: GRAPH };
const page = fc.record({
  events: fc.array(
    runEvent.map((event) => encodeEvent(run, event)),
    { maxLength: 20 },
  ),
  revision: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
});

test('an answer written by hand has the bytes that the library gives its message', () => {
  fc.assert(
    fc.property(page, (one) => {
      const expected = toBinary(WatchResponseSchema, toWatchResponse(one, 'BYTES'));
      expect(Buffer.from(encodeWatchResponse(one))).toEqual(Buffer.from(expected));
    }),
  );
});

test('the parts of a page have all of its events in order, and lead to where it leads', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 300_000 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(sizes, (lengths) => {
      const events = lengths.map((length, index) =>
        encodeEvent(run, {
          revision: index + 1,
          atMs: 1,
          change: {
            type: 'TaskCompleted',
            task: 0,
            attempt: 1,
            result: { bytes: new Uint8Array(length), contentType: '' },
            usage: undefined,
          },
        }),
      );
      const parts = [...splitPage({ events, revision: 99 })];
      expect(parts.flatMap((part) => part.events)).toEqual(events);
      expect(parts.at(-1)?.revision).toBe(99);
      let count = 0;
      for (const part of parts.slice(0, -1)) {
        count += part.events.length;
        expect(part.revision).toBe(count);
      }
      for (const part of parts) {
        if (part.events.length > 1) expect(encodeWatchResponse(part).byteLength).toBeLessThan(530_000);
      }
    }),
    { numRuns: 30 },
  );
});

test('a page without events is one part: a sign of life', () => {
  expect([...splitPage({ events: [], revision: 5 })]).toEqual([{ events: [], revision: 5 }]);
});
