// Who is told of the end of a run, and what is left behind of those who waited for it?

import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { RunState } from '../domain/state.ts';
import { createEventHub } from './event-hub.ts';
import type { Clock, CommittedEvent } from './ports.ts';
import { createRunEnds, within } from './run-ends.ts';

function event(run: number, type: string, revision = 1): CommittedEvent {
  const change = { type };
  return {
    run: { firstRevision: run },
    event: { revision, change },
    payload: new Uint8Array(1),
  } as unknown as CommittedEvent;
}

/** A clock whose only timer is fired by hand. */
function handClock() {
  const timers = new Set<() => void>();
  const clock: Pick<Clock, 'after'> = {
    after(_delayMs, callback) {
      timers.add(callback);
      return () => void timers.delete(callback);
    },
  };
  const fire = () => {
    for (const callback of [...timers]) callback();
  };
  return { clock: clock as Clock, timers, fire };
}

const NOBODY = new AbortController().signal;

describe('the end of a run', () => {
  test.each(['RunCompleted', 'RunFailed', 'RunCancelled'])(
    '%s is told to all who wait for it',
    async (type) => {
      const ends = createRunEnds();
      const waits = [ends.next(1), ends.next(1)];
      const other = ends.next(2);
      expect(ends.waiting).toBe(3);

      const last = event(1, type);
      ends.published([event(1, 'TaskCompleted'), last, event(3, type)]);
      for (const { ended } of waits) expect(await ended).toBe(last.run);
      expect(ends.waiting).toBe(1);

      other.abandon();
      expect(ends.waiting).toBe(0);
    },
  );

  test('is not told by any other event', async () => {
    const ends = createRunEnds();
    const { ended, abandon } = ends.next(1);
    ends.published([event(1, 'RunSubmitted'), event(1, 'RunCancelling'), event(1, 'RunCompensating')]);
    expect(ends.waiting).toBe(1);
    abandon();
    expect(await ended).toBeUndefined();
  });

  test('is told once: who waits after it waits for the next one', async () => {
    const ends = createRunEnds();
    const first = ends.next(1);
    ends.published([event(1, 'RunCompleted')]);
    const second = ends.next(1);
    expect(ends.waiting).toBe(1);
    const again = event(1, 'RunFailed');
    ends.published([again]);
    expect(await first.ended).not.toBe(again.run);
    expect(await second.ended).toBe(again.run);
  });
});

describe('who gives up', () => {
  test('is counted once, however often he says so, also when he was told already', () => {
    const ends = createRunEnds();
    const [told, other] = [ends.next(1), ends.next(2)];
    ends.published([event(1, 'RunCompleted')]);
    told.abandon();
    expect(ends.waiting).toBe(1);
    other.abandon();
    other.abandon();
    expect(ends.waiting).toBe(0);
  });

  test('leaves those who wait for the same run, and those who come later', async () => {
    const ends = createRunEnds();
    const [first, second] = [ends.next(1), ends.next(1)];
    first.abandon();
    second.abandon();
    const third = ends.next(1);
    first.abandon();
    expect(ends.waiting).toBe(1);
    ends.published([event(1, 'RunCompleted')]);
    expect(await third.ended).toBeDefined();
    expect(await first.ended).toBeUndefined();
  });
});

test('a close ends every wait without a word, also those that begin after it', async () => {
  const ends = createRunEnds();
  const waits = [ends.next(1), ends.next(2)];
  ends.close();
  const late = ends.next(3);
  for (const wait of [...waits, late]) {
    expect(await wait.ended).toBeUndefined();
    wait.abandon();
  }
  expect(ends.waiting).toBe(0);
});

test('who waits counts as a watcher of the hub, and is told by it', async () => {
  const hub = createEventHub(0);
  const wait = hub.ends.next(1);
  expect(hub.watchers).toBe(1);
  const last = event(1, 'RunCompleted');
  hub.published([last]);
  expect(await wait.ended).toBe(last.run);
  expect(hub.watchers).toBe(0);

  const cutOff = hub.ends.next(2);
  hub.close();
  expect(await cutOff.ended).toBeUndefined();
  expect(hub.watchers).toBe(0);
});

describe('a wait', () => {
  const leavings = (ends: ReturnType<typeof createRunEnds>, timers: Set<unknown>, signal: AbortSignal) => [
    ends.waiting,
    timers.size,
    getEventListeners(signal, 'abort').length,
  ];

  test('that is told leaves neither timer nor listener behind', async () => {
    const ends = createRunEnds();
    const { clock, timers } = handClock();
    const waiting = within(clock, ends.next(1), 5_000, NOBODY);
    expect(leavings(ends, timers, NOBODY)).toEqual([1, 1, 1]);
    const last = event(1, 'RunCompleted');
    ends.published([last]);
    expect(await waiting).toBe(last.run as RunState);
    expect(leavings(ends, timers, NOBODY)).toEqual([0, 0, 0]);
  });

  test('whose time is over leaves neither', async () => {
    const ends = createRunEnds();
    const { clock, timers, fire } = handClock();
    const waiting = within(clock, ends.next(1), 5_000, NOBODY);
    fire();
    expect(await waiting).toBeUndefined();
    expect(leavings(ends, timers, NOBODY)).toEqual([0, 0, 0]);
  });

  test.each(['before', 'while'])('whose client goes away %s it waits leaves neither', async (when) => {
    const ends = createRunEnds();
    const { clock, timers } = handClock();
    const client = new AbortController();
    if (when === 'before') client.abort();
    const waiting = within(clock, ends.next(1), 5_000, client.signal);
    client.abort();
    expect(await waiting).toBeUndefined();
    expect(leavings(ends, timers, client.signal)).toEqual([0, 0, 0]);
  });
});
