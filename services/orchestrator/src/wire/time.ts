// How do times and durations of the wire become milliseconds?

import { create } from '@bufbuild/protobuf';
import type { BinaryWriter } from '@bufbuild/protobuf/wire';
import { type Duration, DurationSchema, type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';

/** Rounded up, so that a positive duration never becomes none. */
export function durationToMs(duration: Duration): number {
  return Number(duration.seconds) * 1_000 + Math.ceil(duration.nanos / 1_000_000);
}

export function durationFromMs(milliseconds: number): Duration {
  const seconds = Math.floor(milliseconds / 1_000);
  return create(DurationSchema, {
    seconds: BigInt(seconds),
    nanos: Math.round((milliseconds - seconds * 1_000) * 1_000_000),
  });
}

/** Rounded down to the millisecond. */
export function timestampToMs(timestamp: Timestamp): number {
  return Number(timestamp.seconds) * 1_000 + Math.floor(timestamp.nanos / 1_000_000);
}

export function timestampFromMs(milliseconds: number): Timestamp {
  const seconds = Math.floor(milliseconds / 1_000);
  return create(TimestampSchema, {
    seconds: BigInt(seconds),
    nanos: Math.floor((milliseconds - seconds * 1_000) * 1_000_000),
  });
}

const SECONDS = 1 << 3;
const NANOS = 2 << 3;

/**
 * As a message made by timestampFromMs, for times from 1970 to 2106.
 * @param tag of the field that holds it
 */
export function writeTimestamp(writer: BinaryWriter, tag: number, milliseconds: number): void {
  const seconds = Math.floor(milliseconds / 1_000);
  const nanos = Math.floor((milliseconds - seconds * 1_000) * 1_000_000);
  writer.uint32(tag).fork();
  if (seconds !== 0) writer.uint32(SECONDS).uint32(seconds);
  if (nanos !== 0) writer.uint32(NANOS).uint32(nanos);
  writer.join();
}
