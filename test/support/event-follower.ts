// What has happened in a namespace so far? Watches it from its first event, over restarts of the
// orchestrator too, so that tests wait for events and never for a time to pass.

import type { Client } from '@tutti/client/client';
import type { Event } from '@tutti/proto/tutti/v1/event_pb.ts';

export type EventKind = NonNullable<Event['change']['case']>;

export interface EventFollower extends AsyncDisposable {
  readonly events: readonly Event[];
  count(runId: string, kind: EventKind): number;
  /** Resolves as soon as it is true after some event; rejects, naming it, if that takes too long. */
  until(what: string, isTrue: () => boolean, timeoutMs?: number): Promise<void>;
  /** The last event of the run was seen. */
  ended(runId: string): boolean;
}

const TIMEOUT_MS = 60_000;

export function followEvents(client: Client): EventFollower {
  const events: Event[] = [];
  const counts = new Map<string, number>();
  const checks = new Set<() => void>();
  const stop = new AbortController();
  let failure: unknown;

  const follow = async () => {
    try {
      for await (const event of client.watch({ afterRevision: 0n, signal: stop.signal })) {
        events.push(event);
        const name = `${event.runId} ${event.change.case}`;
        counts.set(name, (counts.get(name) ?? 0) + 1);
        for (const check of [...checks]) check();
      }
    } catch (error) {
      failure = error;
      for (const check of [...checks]) check();
    }
  };
  const following = follow();
  const count = (runId: string, kind: EventKind) => counts.get(`${runId} ${kind}`) ?? 0;

  return {
    events,
    count,
    ended: (runId) =>
      count(runId, 'runCompleted') + count(runId, 'runFailed') + count(runId, 'runCancelled') > 0,
    until(what, isTrue, timeoutMs = TIMEOUT_MS) {
      return new Promise<void>((resolve, reject) => {
        const settle = (act: () => void) => {
          checks.delete(check);
          clearTimeout(timer);
          act();
        };
        const check = () => {
          if (isTrue()) settle(resolve);
          else if (failure !== undefined) settle(() => reject(failure));
        };
        const late = new Error(`waited ${timeoutMs} ms in vain until ${what}, after ${lastOf(events)}`);
        const timer = setTimeout(() => settle(() => reject(late)), timeoutMs);
        checks.add(check);
        check();
      });
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await following;
    },
  };
}

/** Read once more from the first event: what a watcher that was never interrupted is given. */
export async function readLog(client: Client, lastRevision: bigint): Promise<readonly Event[]> {
  const events: Event[] = [];
  if (lastRevision === 0n) return events;
  for await (const event of client.watch({ afterRevision: 0n })) {
    events.push(event);
    if (event.revision >= lastRevision) break;
  }
  return events;
}

function lastOf(events: readonly Event[]): string {
  const last = events.at(-1);
  return last === undefined ? 'no event' : `revision ${last.revision}, ${last.change.case} of ${last.runId}`;
}
