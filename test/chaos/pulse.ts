// What does somebody who watches through it all see, and when did work go on again?
//
// Keeps little of each event, for there are hundreds of thousands: what tells it from every other, and who holds
// what at the moment. All times are those of the events.

import { crc32 } from 'node:zlib';
import { toBinary } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Client } from '@tutti/client/client';
import { type Event, EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';

export interface Pulse {
  /** Of the event of revision n at n - 1: its fingerprint. In the order in which they were seen. */
  readonly seen: readonly Fingerprint[];
  /**
   * The time of the first attempt that an executor was given, or that succeeded with one, at or after that time.
   * Undefined: none within `timeoutMs` from now.
   */
  first(beat: Beat, atMs: number, timeoutMs: number, executorId?: string): Promise<number | undefined>;
  /** Resolves to false where that takes longer. */
  untilNothingHeld(executorId: string, timeoutMs: number): Promise<boolean>;
  /** Every run that was seen to begin was seen to end. */
  untilAllEnded(timeoutMs: number): Promise<readonly string[]>;
  /** It was told that it will be told no more. */
  failure(): unknown;
  dispose(): Promise<void>;
}

export interface Fingerprint {
  readonly revision: number;
  readonly crc: number;
}

export type Beat = 'dispatched' | 'completed';

interface Heard {
  readonly beat: Beat;
  readonly atMs: number;
  readonly executorId: string;
}

/** Beats are asked for right after they came, so old ones are of no use. */
const KEPT_BEATS = 5_000;

export function fingerprintOf(event: Event): Fingerprint {
  return { revision: Number(event.revision), crc: crc32(toBinary(EventSchema, event)) };
}

export function followPulse(client: Client): Pulse {
  const seen: Fingerprint[] = [];
  const beats: Heard[] = [];
  /** By run and task: who holds it. */
  const holders = new Map<string, string>();
  const openRuns = new Set<string>();
  const checks = new Set<() => void>();
  const stop = new AbortController();
  let failure: unknown;

  const hear = (event: Event) => {
    const { change, runId } = event;
    const place = `${runId}/${event.taskKey}`;
    const atMs = event.time === undefined ? 0 : timestampMs(event.time);
    const holder = holders.get(place);
    switch (change.case) {
      case 'runSubmitted':
      case 'runRestarted':
        openRuns.add(runId);
        return;
      case 'runCompleted':
      case 'runFailed':
      case 'runCancelled':
        openRuns.delete(runId);
        return;
      case 'taskStarted':
        if (change.value.executorId === '') return;
        holders.set(place, change.value.executorId);
        beats.push({ beat: 'dispatched', atMs, executorId: change.value.executorId });
        return;
      case 'taskCompleted':
        if (holder !== undefined) beats.push({ beat: 'completed', atMs, executorId: holder });
        holders.delete(place);
        return;
      case 'taskRetrying':
      case 'taskFailed':
      case 'taskCancelled':
      case 'taskRepeating':
      case 'taskSentBack':
      case 'taskReset':
      case 'taskValidating':
        holders.delete(place);
        return;
    }
  };

  const follow = async () => {
    try {
      const { signal } = stop;
      for await (const event of client.watch({ afterRevision: 0n, signal, giveUpAfterMs: 300_000 })) {
        seen.push(fingerprintOf(event));
        hear(event);
        if (beats.length > KEPT_BEATS) beats.splice(0, KEPT_BEATS / 2);
        for (const check of [...checks]) check();
      }
    } catch (error) {
      failure = error;
    }
  };
  const following = follow();

  /** The first answer that is not undefined. */
  function until<T>(look: () => T | undefined, timeoutMs: number): Promise<T | undefined> {
    return new Promise((resolve) => {
      const settle = (value: T | undefined) => {
        checks.delete(check);
        clearTimeout(timer);
        resolve(value);
      };
      const check = () => {
        const value = look();
        if (value !== undefined) settle(value);
      };
      const timer = setTimeout(() => settle(undefined), timeoutMs);
      checks.add(check);
      check();
    });
  }

  return {
    seen,
    first: (beat, atMs, timeoutMs, executorId) =>
      until(
        () =>
          beats.find(
            (heard) =>
              heard.beat === beat &&
              heard.atMs >= atMs &&
              (executorId === undefined || heard.executorId === executorId),
          )?.atMs,
        timeoutMs,
      ),
    async untilNothingHeld(executorId, timeoutMs) {
      const isFree = () => ![...holders.values()].includes(executorId) || undefined;
      return (await until(isFree, timeoutMs)) === true;
    },
    async untilAllEnded(timeoutMs) {
      await until(() => openRuns.size === 0 || undefined, timeoutMs);
      return [...openRuns];
    },
    failure: () => failure,
    async dispose() {
      stop.abort();
      await following;
    },
  };
}
