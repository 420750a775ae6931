// How short can a run be on so many slots, where tasks are whole? At least max(work / slots, critical path); but 33
// equal tasks on 32 slots take twice one of them, whoever schedules. No schedule is shorter than what this gives;
// whether one is as short is another question.

import type { RunSpec } from '@tutti/proto/tutti/v1/run_pb.ts';
import { secondsOf } from '../support/real-inputs.ts';

/** So many different heads, and tails, are looked at. Fewer than there are only make the bound lower. */
const LEVELS = 48;

/** Of a task in its run. */
export interface Place {
  readonly seconds: number;
  /** No schedule starts it earlier than so long after the beginning. */
  readonly head: number;
  /** Nor ends later than so long after the end of it. */
  readonly tail: number;
}

/**
 * The largest, over heads and tails, of: the head, then all tasks with no shorter head and tail packed into the slots,
 * then the tail.
 */
export function packingBoundSeconds(spec: RunSpec, slots: number): number {
  const places = placesOf(spec);
  let bound = 0;
  for (const head of levels(places.map((place) => place.head))) {
    const late = places.filter((place) => place.head >= head);
    for (const tail of levels(late.map((place) => place.tail))) {
      const between = late.filter((place) => place.tail >= tail).map(({ seconds }) => seconds);
      bound = Math.max(bound, head + packedSeconds(between, slots) + tail);
    }
  }
  return bound;
}

/** Of the k * slots + 1 longest tasks, k + 1 share a slot: at best its k + 1 shortest. */
function packedSeconds(tasks: readonly number[], slots: number): number {
  const sorted = tasks.toSorted((a, b) => b - a);
  let bound = sorted.reduce((sum, seconds) => sum + seconds, 0) / slots;
  for (let last = 0; last < sorted.length; last += slots) {
    const shortest = sorted.slice(Math.max(0, last - last / slots), last + 1);
    bound = Math.max(
      bound,
      shortest.reduce((sum, seconds) => sum + seconds, 0),
    );
  }
  return bound;
}

/** By index. */
export function placesOf({ tasks }: RunSpec): readonly Place[] {
  const byKey = new Map(tasks.map((task) => [task.key, task]));
  const dependants = new Map<string, string[]>(tasks.map(({ key }) => [key, []]));
  for (const { key, dependencies } of tasks)
    for (const upstream of dependencies) dependants.get(upstream.key)?.push(key);
  const seconds = (key: string) => {
    const task = byKey.get(key);
    return task === undefined ? 0 : secondsOf(task);
  };
  const headOf = longestOver(seconds, (key) => byKey.get(key)?.dependencies.map((each) => each.key) ?? []);
  const tailOf = longestOver(seconds, (key) => dependants.get(key) ?? []);
  return tasks.map((task) => ({ seconds: secondsOf(task), head: headOf(task.key), tail: tailOf(task.key) }));
}

/** Of the ways from a task on, without itself: the longest. */
function longestOver(seconds: (key: string) => number, next: (key: string) => readonly string[]) {
  const known = new Map<string, number>();
  return function longest(key: string): number {
    const found = known.get(key) ?? Math.max(0, ...next(key).map((each) => longest(each) + seconds(each)));
    known.set(key, found);
    return found;
  };
}

function levels(values: readonly number[]): readonly number[] {
  const distinct = [...new Set(values)].sort((a, b) => a - b);
  if (distinct.length <= LEVELS) return distinct;
  return Array.from(
    { length: LEVELS },
    (_, level) => distinct[Math.floor((level * (distinct.length - 1)) / (LEVELS - 1))] ?? 0,
  );
}
