// What is kept for watchers that do not read?

import { expect, test } from 'vitest';
import { createEventHub } from './event-hub.ts';
import type { CommittedEvent } from './ports.ts';

function event(revision: number, bytes: number, run = 1): CommittedEvent {
  return {
    run: { firstRevision: run },
    event: { revision },
    payload: new Uint8Array(bytes),
  } as unknown as CommittedEvent;
}

test('one that falls behind by too many events is told so, and catches up', () => {
  const hub = createEventHub(0);
  const watcher = hub.subscribe(undefined);
  hub.published(Array.from({ length: 4_096 }, (_, index) => event(index + 1, 1)));
  expect(watcher.take()).toHaveLength(4_096);
  hub.published(Array.from({ length: 4_097 }, (_, index) => event(index + 5_000, 1)));
  expect(watcher.take()).toBe('BEHIND');
  hub.published([event(10_000, 1)]);
  expect(watcher.take()).toHaveLength(1);
});

test('or by too many bytes', () => {
  const hub = createEventHub(0);
  const watcher = hub.subscribe(undefined);
  hub.published([event(1, 4 * 1_024 * 1_024 + 1)]);
  expect(watcher.take()).toBe('BEHIND');
});

test('all of them together are bounded, too, and what one lets go is room for others', () => {
  const hub = createEventHub(0, 1_000);
  const [first, second, third] = [hub.subscribe(1), hub.subscribe(2), hub.subscribe(3)];
  hub.published([event(1, 600, 1)]);
  hub.published([event(2, 600, 2)]);
  expect(second.take()).toBe('BEHIND');
  expect(first.take()).toHaveLength(1);
  hub.published([event(3, 900, 3)]);
  expect(third.take()).toHaveLength(1);
  hub.published([event(4, 900, 1)]);
  first.close();
  hub.published([event(5, 900, 2)]);
  expect(second.take()).toHaveLength(1);
});
