// Hands committed events of one namespace to its watchers. A watcher's buffer is bounded: one that
// falls behind is told so, and reads what it missed from the store.

import type { RunNumber } from '../store/port.ts';
import type { CommittedEvent } from './ports.ts';
import { createRunEnds, type RunEnds } from './run-ends.ts';

const MAX_BUFFERED_EVENTS = 4_096;
const MAX_BUFFERED_BYTES = 4 * 1_024 * 1_024;
/** Of all watchers of the namespace; an event that waits for several counts for each. */
const MAX_HUB_BYTES = 256 * 1_024 * 1_024;

export interface EventHub {
  /** Of the latest event published. */
  readonly revision: number;
  /** Who waits for the end of a run is one, too. */
  readonly watchers: number;
  readonly ends: Pick<RunEnds, 'next'>;
  published(events: readonly CommittedEvent[]): void;
  /** `run`: only this one's; undefined for all. Closed from the start once the hub is. */
  subscribe(run: RunNumber | undefined): Subscription;
  /** Ends every subscription. */
  close(): void;
}

export interface Subscription {
  /** What has come since the last time; 'BEHIND' if some of it did not fit and was let go. */
  take(): readonly CommittedEvent[] | 'BEHIND';
  /** Resolves when there is something to take, when the hub closes, or when `signal` is aborted. */
  changed(signal: AbortSignal): Promise<void>;
  readonly closed: boolean;
  close(): void;
}

export function createEventHub(latestRevision: number, maxBytes = MAX_HUB_BYTES): EventHub {
  const room = { leftBytes: maxBytes };
  let revision = latestRevision;
  const byRun = new Map<RunNumber, Set<Buffer>>();
  const ofAll = new Set<Buffer>();
  let watchers = 0;
  let closed = false;
  const ends = createRunEnds();

  return {
    ends,
    get revision() {
      return revision;
    },
    get watchers() {
      return watchers + ends.waiting;
    },
    published(events) {
      const last = events.at(-1);
      if (last === undefined) return;
      revision = last.event.revision;
      for (const buffer of ofAll) buffer.add(events);
      if (byRun.size > 0) publishByRun(byRun, events);
      ends.published(events);
    },
    subscribe(run) {
      const buffer = createBuffer(room);
      if (closed) buffer.close();
      const group = run === undefined ? ofAll : (byRun.get(run) ?? new Set<Buffer>());
      if (run !== undefined) byRun.set(run, group);
      group.add(buffer);
      watchers += 1;
      return {
        take: buffer.take,
        changed: buffer.changed,
        get closed() {
          return buffer.closed();
        },
        close() {
          if (!group.delete(buffer)) return;
          watchers -= 1;
          if (run !== undefined && group.size === 0) byRun.delete(run);
          buffer.close();
          buffer.letGo();
        },
      };
    },
    close() {
      closed = true;
      ends.close();
      for (const buffer of ofAll) buffer.close();
      for (const group of byRun.values()) for (const buffer of group) buffer.close();
    },
  };
}

/** One pass over the events, whatever the number of watched runs. */
function publishByRun(
  byRun: ReadonlyMap<RunNumber, ReadonlySet<Buffer>>,
  events: readonly CommittedEvent[],
): void {
  const watched = new Map<RunNumber, CommittedEvent[]>();
  for (const event of events) {
    const run = event.run.firstRevision;
    if (!byRun.has(run)) continue;
    const own = watched.get(run);
    if (own === undefined) watched.set(run, [event]);
    else own.push(event);
  }
  for (const [run, own] of watched) for (const buffer of byRun.get(run) ?? []) buffer.add(own);
}

interface Buffer {
  add(events: readonly CommittedEvent[]): void;
  take: Subscription['take'];
  changed: Subscription['changed'];
  closed(): boolean;
  /** Nothing more comes; what is there can still be taken. */
  close(): void;
  letGo(): void;
}

/** @param room what all buffers share */
function createBuffer(room: { leftBytes: number }): Buffer {
  let events: CommittedEvent[] = [];
  let bytes = 0;
  let behind = false;
  let closed = false;
  let wake: (() => void) | undefined;

  function letGo(): void {
    room.leftBytes += bytes;
    bytes = 0;
    events = [];
  }

  function notify(): void {
    wake?.();
    wake = undefined;
  }

  return {
    add(added) {
      if (!behind) {
        for (const event of added) {
          events.push(event);
          bytes += event.payload.length;
          room.leftBytes -= event.payload.length;
        }
        behind = events.length > MAX_BUFFERED_EVENTS || bytes > MAX_BUFFERED_BYTES || room.leftBytes < 0;
        if (behind) letGo();
      }
      notify();
    },
    take() {
      const taken = behind ? 'BEHIND' : events;
      letGo();
      behind = false;
      return taken;
    },
    changed(signal) {
      if (events.length > 0 || behind || closed || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const done = () => {
          signal.removeEventListener('abort', done);
          resolve();
        };
        wake = done;
        signal.addEventListener('abort', done);
      });
    },
    closed: () => closed,
    close() {
      closed = true;
      notify();
    },
    letGo,
  };
}
