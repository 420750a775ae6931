// Who waits for the end of a run? They are told with its last event, without a look at the store.

import type { RunState } from '../domain/state.ts';
import type { RunNumber } from '../store/port.ts';
import type { Clock, CommittedEvent } from './ports.ts';

export interface RunEnds {
  readonly waiting: number;
  published(events: readonly CommittedEvent[]): void;
  /** Of a run that is not final. Over from the start once `close` was called. */
  next(run: RunNumber): WaitForEnd;
  /** Ends every wait without a word. */
  close(): void;
}

export interface WaitForEnd {
  /** The run as its last event left it, once that is durable; undefined where the wait ended before. */
  readonly ended: Promise<RunState | undefined>;
  abandon(): void;
}

type Tell = (run: RunState | undefined) => void;

export function createRunEnds(): RunEnds {
  const byRun = new Map<RunNumber, Set<Tell>>();
  let waiting = 0;
  let closed = false;

  function tellAll(run: RunNumber, state: RunState | undefined): void {
    const tells = byRun.get(run);
    if (tells === undefined) return;
    byRun.delete(run);
    waiting -= tells.size;
    for (const tell of tells) tell(state);
    // Who is told may give up all the same, before he has read it: he must not be counted twice.
    tells.clear();
  }

  return {
    get waiting() {
      return waiting;
    },
    published(events) {
      if (waiting === 0) return;
      for (const { run, event } of events) {
        switch (event.change.type) {
          case 'RunCompleted':
          case 'RunFailed':
          case 'RunCancelled':
            tellAll(run.firstRevision, run);
        }
      }
    },
    next(run) {
      if (closed) return { ended: Promise.resolve(undefined), abandon() {} };
      const { promise, resolve } = Promise.withResolvers<RunState | undefined>();
      const tells = byRun.get(run) ?? new Set<Tell>();
      byRun.set(run, tells);
      tells.add(resolve);
      waiting += 1;
      return {
        ended: promise,
        abandon() {
          if (!tells.delete(resolve)) return;
          waiting -= 1;
          if (tells.size === 0 && byRun.get(run) === tells) byRun.delete(run);
          resolve(undefined);
        },
      };
    },
    close() {
      closed = true;
      for (const run of [...byRun.keys()]) tellAll(run, undefined);
    },
  };
}

/** Gives up when the time is over, or when `signal` is aborted. */
export async function within(
  clock: Clock,
  { ended, abandon }: WaitForEnd,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<RunState | undefined> {
  if (signal.aborted) abandon();
  const revoke = clock.after(timeoutMs, abandon);
  signal.addEventListener('abort', abandon, { once: true });
  try {
    return await ended;
  } finally {
    revoke();
    signal.removeEventListener('abort', abandon);
  }
}
