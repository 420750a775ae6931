// A watcher's stream: first what the store holds after the revision asked for, then what is committed
// as it happens, and the store again whenever the watcher falls behind. Nothing is missed and nothing
// comes twice (promise 6): the subscription begins before the store is read, and whatever is not
// beyond the cursor is passed over.

import { isFinalRun } from '../domain/states.ts';
import type { RunNumber, RunRow, Store } from '../store/port.ts';
import type { EventHub, Subscription } from './event-hub.ts';
import type { WatchPage } from './orchestrator.ts';
import type { Clock, CommittedEvent } from './ports.ts';

const PAGE_EVENTS = 1_000;
const PAGE_BYTES = 1_024 * 1_024;
/** How often a quiet stream gives a sign of life. */
const SIGN_OF_LIFE_MS = 15_000;

export interface WatchSource {
  readonly store: Pick<Store, 'readEvents' | 'getRun'>;
  readonly hub: EventHub;
  readonly clock: Clock;
  readonly namespace: string;
}

/** Subscribes at once: nothing is missed however late it is read. An abort ends it, also if it never is. */
export function watchEvents(
  source: WatchSource,
  run: RunRow | undefined,
  afterRevision: number,
  signal: AbortSignal,
): AsyncIterable<WatchPage> {
  const subscription = source.hub.subscribe(run?.run);
  const abandon = (): void => subscription.close();
  if (signal.aborted) abandon();
  signal.addEventListener('abort', abandon, { once: true });
  return readEvents(source, subscription, run, afterRevision, signal, () => {
    signal.removeEventListener('abort', abandon);
    subscription.close();
  });
}

async function* readEvents(
  source: WatchSource,
  subscription: Subscription,
  run: RunRow | undefined,
  afterRevision: number,
  signal: AbortSignal,
  end: () => void,
): AsyncGenerator<WatchPage> {
  try {
    let cursor = afterRevision;
    yield { events: [], revision: cursor };
    let quiet = false;
    for (let behind = true; !signal.aborted; ) {
      if (behind) {
        const head = source.hub.revision;
        for await (const page of readStored(source, run?.run, cursor, head)) {
          cursor = page.revision;
          yield page;
        }
        cursor = Math.max(cursor, head);
        if (run !== undefined && (await isOver(source, run.runId, cursor))) return;
        behind = false;
      }
      const taken = subscription.take();
      if (taken === 'BEHIND') {
        behind = true;
        continue;
      }
      const fresh = taken.filter(({ event }) => event.revision > cursor);
      for (const page of pagesOf(fresh)) {
        cursor = page.revision;
        yield page;
      }
      if (run !== undefined && leavesRunOver(fresh)) return;
      if (fresh.length > 0) {
        quiet = false;
        continue;
      }
      // The engine is gone; all that it published has been given.
      if (subscription.closed) return;
      if (quiet) {
        // Nothing was left to take just now, so everything up to the hub's revision has been given.
        if (run === undefined) cursor = Math.max(cursor, source.hub.revision);
        yield { events: [], revision: cursor };
      }
      quiet = !(await changedInTime(source.clock, subscription, signal));
    }
  } finally {
    end();
  }
}

/** From the store, up to and including `head`. */
async function* readStored(
  source: WatchSource,
  run: RunNumber | undefined,
  afterRevision: number,
  head: number,
): AsyncGenerator<WatchPage> {
  let cursor = afterRevision;
  while (cursor < head) {
    const records = await source.store.readEvents(source.namespace, {
      afterRevision: cursor,
      run,
      limit: PAGE_EVENTS,
      limitBytes: PAGE_BYTES,
    });
    const last = records.at(-1);
    if (last === undefined) return;
    cursor = last.revision;
    yield { events: records.map((record) => record.payload), revision: cursor };
  }
}

function* pagesOf(events: readonly CommittedEvent[]): Generator<WatchPage> {
  for (let begin = 0; begin < events.length; ) {
    let end = begin;
    let bytes = 0;
    while (end < events.length && end - begin < PAGE_EVENTS && bytes < PAGE_BYTES) {
      bytes += events[end]?.payload.length ?? 0;
      end += 1;
    }
    const page = events.slice(begin, end);
    yield { events: page.map((event) => event.payload), revision: page.at(-1)?.event.revision ?? 0 };
    begin = end;
  }
}

async function isOver(source: WatchSource, runId: string, cursor: number): Promise<boolean> {
  const row = await source.store.getRun(source.namespace, runId);
  return row === undefined || (isFinalRun(row.phase) && row.lastRevision <= cursor);
}

/** A run that has ended may have begun again since. */
function leavesRunOver(events: readonly CommittedEvent[]): boolean {
  for (let index = events.length - 1; index >= 0; index--) {
    switch (events[index]?.event.change.type) {
      case 'RunCompleted':
      case 'RunFailed':
      case 'RunCancelled':
        return true;
      case 'RunRestarted':
        return false;
    }
  }
  return false;
}

/** False if nothing came for so long that a sign of life is due. */
async function changedInTime(
  clock: Clock,
  subscription: Subscription,
  signal: AbortSignal,
): Promise<boolean> {
  // A listener added after the abort would never be called.
  if (signal.aborted) return true;
  const quiet = new AbortController();
  const revoke = clock.after(SIGN_OF_LIFE_MS, () => quiet.abort());
  const abort = () => quiet.abort();
  signal.addEventListener('abort', abort);
  await subscription.changed(quiet.signal);
  signal.removeEventListener('abort', abort);
  revoke();
  return !quiet.signal.aborted || signal.aborted;
}
