// How are spans of time written?

import { create } from '@bufbuild/protobuf';
import { type Duration, DurationSchema } from '@bufbuild/protobuf/wkt';

/**
 * A span of time: a number of milliseconds, or a number with a unit: `'250ms'`, `'1.5s'`, `'10m'`,
 * `'2h'`, `'1d'`.
 */
export type DurationInput = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** In milliseconds. Throws a RangeError that names `field` for what is no span of time. */
export function durationInputMs(input: DurationInput, field: string): number {
  if (typeof input === 'number') {
    if (Number.isFinite(input) && input >= 0) return input;
  } else if (typeof input === 'string') {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(input);
    const unitMs = match?.[2] === undefined ? undefined : UNIT_MS[match[2]];
    if (unitMs !== undefined) return Number(match?.[1]) * unitMs;
  }
  throw new RangeError(
    `${field}: ${JSON.stringify(input)} is no duration; give milliseconds as a number, or for example '5s'`,
  );
}

/** As the proto states it; exact to the nanosecond where the number is. */
export function toDuration(input: DurationInput, field: string): Duration {
  const ms = durationInputMs(input, field);
  const seconds = Math.floor(ms / 1_000);
  const nanos = Math.round((ms - seconds * 1_000) * 1_000_000);
  return nanos === 1_000_000_000
    ? create(DurationSchema, { seconds: BigInt(seconds + 1), nanos: 0 })
    : create(DurationSchema, { seconds: BigInt(seconds), nanos });
}

/** In milliseconds; undefined for an unset one. */
export function durationToMs(duration: Duration | undefined): number | undefined {
  if (duration === undefined) return undefined;
  return Number(duration.seconds) * 1_000 + duration.nanos / 1_000_000;
}
