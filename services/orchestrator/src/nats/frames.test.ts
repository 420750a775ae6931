// Messages put together from encoded items are the messages the library would have made.

import { create, toBinary } from '@bufbuild/protobuf';
import { CancellationSchema, TaskBatchSchema } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Frame, frameSizeBytes, joinFrames, splitFrames } from './frames.ts';

const frame = (sizeBytes: number): Frame => ({ fieldNumber: 1, bytes: new Uint8Array(sizeBytes) });
const sizeOf = (frames: readonly Frame[]) => joinFrames(frames).byteLength;

test('joined frames are the binary form of the message', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 400 }), { maxLength: 20 }), (tokens) => {
      const cancellations = tokens.map((leaseToken) => create(CancellationSchema, { leaseToken }));
      const { number: fieldNumber } = TaskBatchSchema.field.cancellations;
      const frames = cancellations.map((item) => ({
        fieldNumber,
        bytes: toBinary(CancellationSchema, item),
      }));
      const whole = toBinary(TaskBatchSchema, create(TaskBatchSchema, { cancellations }));
      expect(Buffer.from(joinFrames(frames)).equals(whole)).toBe(true);
    }),
  );
});

test('lengths of any size are right', () => {
  for (const sizeBytes of [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152]) {
    expect(sizeOf([frame(sizeBytes)])).toBe(frameSizeBytes(frame(sizeBytes)));
  }
});

test('splitting keeps the order and the limit, and loses only what fits nowhere', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(300)), fc.integer({ min: 1, max: 400 }), (sizes, limitBytes) => {
      const frames = sizes.map(frame);
      const { messages, tooLarge } = splitFrames(frames, limitBytes);
      const fitting = frames.filter((item) => frameSizeBytes(item) <= limitBytes);
      expect(messages.flat()).toEqual(fitting);
      expect(tooLarge).toEqual(frames.filter((item) => frameSizeBytes(item) > limitBytes));
      for (const [index, message] of messages.entries()) {
        expect(message.length).toBeGreaterThan(0);
        expect(sizeOf(message)).toBeLessThanOrEqual(limitBytes);
        // No message could have taken the first frame of the next one.
        const next = messages[index + 1]?.[0];
        if (next !== undefined) expect(sizeOf([...message, next])).toBeGreaterThan(limitBytes);
      }
    }),
  );
});
