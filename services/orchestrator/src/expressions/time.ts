// How are the parts of a timestamp read, the same on every machine?
//
// Not as the library does: it goes through the local time of the host, where an hour is missing once a
// year, and asks the host for the rules of named zones, which change with its updates. Here zones are UTC
// or a fixed offset; the name of another is refused. The library also takes an integer for milliseconds
// where the specification says seconds.

import { type CelFunc, CelScalar, celFunc, celMethod, objectType } from '@bufbuild/cel';
import { create } from '@bufbuild/protobuf';
import { DurationSchema, TimestampSchema, timestampDate } from '@bufbuild/protobuf/wkt';

const { INT, STRING } = CelScalar;
const TIMESTAMP = objectType(TimestampSchema);
const DURATION = objectType(DurationSchema);
const DAY_MS = 86_400_000;
/** Of google.protobuf.Timestamp: the years 1 to 9999. */
const MIN_SECONDS = -62_135_596_800n;
const MAX_SECONDS = 253_402_300_799n;
/** Of google.protobuf.Duration: about 10,000 years. */
const MAX_DURATION_SECONDS = 315_576_000_000n;

const parts: Readonly<Record<string, (date: Date) => number>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDate: (date) => date.getUTCDate(),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDayOfWeek: (date) => date.getUTCDay(),
  getDayOfYear: dayOfYear,
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
};

export function timeFunctions(): CelFunc[] {
  return [
    ...Object.entries(parts).flatMap(([name, part]) => [
      celMethod(name, TIMESTAMP, [], INT, function () {
        return BigInt(part(timestampDate(this.message)));
      }),
      celMethod(name, TIMESTAMP, [STRING], INT, function (zone) {
        return BigInt(part(new Date(timestampDate(this.message).getTime() + offsetMs(zone))));
      }),
    ]),
    celFunc('timestamp', [INT], TIMESTAMP, (seconds) => {
      if (seconds < MIN_SECONDS || seconds > MAX_SECONDS) throw new Error('timestamp out of range');
      return create(TimestampSchema, { seconds });
    }),
    celFunc('duration', [INT], DURATION, (seconds) => {
      if (seconds < -MAX_DURATION_SECONDS || seconds > MAX_DURATION_SECONDS) {
        throw new Error('duration out of range');
      }
      return create(DurationSchema, { seconds });
    }),
  ];
}

function dayOfYear(date: Date): number {
  const start = new Date(date.getTime());
  start.setUTCMonth(0, 1);
  return Math.round((date.getTime() - start.getTime()) / DAY_MS);
}

function offsetMs(zone: string): number {
  if (zone === 'UTC') return 0;
  const [, sign, hours, minutes] = /^([+-]?)(\d\d):(\d\d)$/.exec(zone) ?? [];
  if (hours === undefined || minutes === undefined) {
    throw new Error('a time zone is UTC or an offset such as +02:00; named zones differ between machines');
  }
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}
