// Properties of the rule, whatever the load.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  LEAST_RETRY_MS,
  DEFAULT_ADMISSION_LIMITS as LIMITS,
  type Load,
  limitOf,
  MOST_RETRY_MS,
  NOT_STANDING,
  retryAfterMs,
  type Standing,
  stand,
  standsAgainst,
} from './admission-rule.ts';

const IDLE: Load = {
  pendingBytes: 0,
  pendingTasks: 0,
  readyTasks: 0,
  startsPerSecond: 1_000_000,
  busy: false,
  commitDelayMs: 0,
  slow: false,
  memoryShare: 0.1,
};

const load = fc.record({
  pendingBytes: fc.nat(2 * LIMITS.maxPendingBytes),
  pendingTasks: fc.nat(2 * LIMITS.maxPendingTasks),
  readyTasks: fc.nat(2 * LIMITS.maxBusyReadyTasks),
  startsPerSecond: fc.nat(20_000),
  busy: fc.boolean(),
  commitDelayMs: fc.nat(2 * LIMITS.maxCommitDelayMs),
  slow: fc.boolean(),
  memoryShare: fc.double({ min: 0, max: 1, noNaN: true }),
});
const sizeBytes = fc.nat(16 * 1024 * 1024);

test('an idle orchestrator takes whatever comes, however large', () => {
  fc.assert(fc.property(sizeBytes, (size) => standsAgainst(IDLE, size, LIMITS, true) === undefined));
});

test('ready tasks by the million stand in nobodys way while there is time to spare', () => {
  expect(standsAgainst({ ...IDLE, readyTasks: 10_000_000 }, 1, LIMITS, true)).toBeUndefined();
  expect(standsAgainst({ ...IDLE, readyTasks: 10_000_000, busy: true }, 1, LIMITS, true)).toBe('ready_tasks');
});

test.each([
  ['memory', { memoryShare: LIMITS.maxMemoryShare }],
  ['pending_bytes', { pendingBytes: LIMITS.maxPendingBytes }],
  ['commit_delay', { commitDelayMs: LIMITS.maxCommitDelayMs }],
  ['ready_tasks', { busy: true, readyTasks: LIMITS.maxBusyReadyTasks }],
  ['pending_tasks', { pendingTasks: LIMITS.maxPendingTasks }],
  ['pending_tasks', { busy: true, pendingTasks: LIMITS.maxPendingTasks / 2 }],
  ['loop_delay', { slow: true }],
] as const)('each limit stands by itself: %s', (resource, more) => {
  expect(standsAgainst({ ...IDLE, ...more }, 1, LIMITS, true)).toBe(resource);
  expect(limitOf(resource, { ...IDLE, ...more }, LIMITS)).toBeGreaterThan(0);
});

test('the queue of a busy orchestrator is as long as the time in which it is done, within bounds', () => {
  const refusedAt = (startsPerSecond: number) => limitOf('ready_tasks', { ...IDLE, startsPerSecond }, LIMITS);
  expect(refusedAt(0)).toBe(LIMITS.maxBusyReadyTasks / 5);
  expect(refusedAt(8_000)).toBe(8_000);
  expect(refusedAt(100_000)).toBe(LIMITS.maxBusyReadyTasks);
  const load = { ...IDLE, busy: true, startsPerSecond: 8_000 };
  expect(standsAgainst({ ...load, readyTasks: 7_999 }, 1, LIMITS, true)).toBeUndefined();
  expect(standsAgainst({ ...load, readyTasks: 8_000 }, 1, LIMITS, true)).toBe('ready_tasks');
});

test('more load never lets in what less load keeps out', () => {
  const more = fc.record({
    bytes: fc.nat(1e8),
    tasks: fc.nat(1e6),
    ms: fc.nat(1e4),
    heap: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(load, more, sizeBytes, (less, by, size) => {
      if (standsAgainst(less, size, LIMITS, true) === undefined) return;
      const heavier: Load = {
        pendingBytes: less.pendingBytes + by.bytes,
        pendingTasks: less.pendingTasks + by.tasks,
        readyTasks: less.readyTasks + by.tasks,
        startsPerSecond: less.startsPerSecond,
        busy: true,
        commitDelayMs: less.commitDelayMs + by.ms,
        slow: less.slow,
        memoryShare: less.memoryShare + by.heap,
      };
      expect(standsAgainst(heavier, size, LIMITS, true)).toBeDefined();
    }),
  );
});

test('what is pending never exceeds its limit by more than one request', () => {
  fc.assert(
    fc.property(fc.array(sizeBytes, { maxLength: 60 }), (sizes) => {
      let pendingBytes = 0;
      for (const size of sizes) {
        if (standsAgainst({ ...IDLE, pendingBytes }, size, LIMITS, true) === undefined) pendingBytes += size;
      }
      const alone = sizes[0] ?? 0;
      expect(pendingBytes).toBeLessThanOrEqual(Math.max(LIMITS.maxPendingBytes, alone));
    }),
  );
});

test('the hint is bounded, and grows with those who ask', () => {
  fc.assert(
    fc.property(fc.nat(1e6), fc.nat(1e6), fc.nat(1e6), (admitted, refused, more) => {
      const hintMs = retryAfterMs(admitted, refused);
      expect(hintMs).toBeGreaterThanOrEqual(LEAST_RETRY_MS);
      expect(hintMs).toBeLessThanOrEqual(MOST_RETRY_MS);
      expect(retryAfterMs(admitted, refused + more)).toBeGreaterThanOrEqual(hintMs);
    }),
  );
});

test('only what lasts counts, and it counts until there is some ease', () => {
  const level = fc.constantFrom('HIGH' as const, 'BETWEEN' as const, 'LOW' as const);
  const looks = fc.array(fc.record({ level, passedMs: fc.integer({ min: 1, max: 400 }) }), { maxLength: 40 });
  fc.assert(
    fc.property(looks, (seen) => {
      let standing: Standing = NOT_STANDING;
      let nowMs = 0;
      let highSinceMs: number | undefined;
      for (const { level: now, passedMs } of seen) {
        nowMs += passedMs;
        const before = standing;
        standing = stand(before, now, nowMs, 500);
        if (now === 'LOW') expect(standing.holds).toBe(false);
        if (before.holds && now !== 'LOW') expect(standing.holds).toBe(true);
        highSinceMs = now === 'HIGH' ? (highSinceMs ?? nowMs) : undefined;
        if (standing.holds && !before.holds)
          expect(nowMs - (highSinceMs ?? nowMs)).toBeGreaterThanOrEqual(500);
        if (highSinceMs !== undefined && nowMs - highSinceMs >= 500) expect(standing.holds).toBe(true);
      }
    }),
  );
});

test('a part of the room is for those who come again', () => {
  fc.assert(
    fc.property(load, sizeBytes, (any, size) => {
      const first = standsAgainst(any, size, LIMITS, false);
      if (first === undefined) expect(standsAgainst(any, size, LIMITS, true)).toBeUndefined();
    }),
  );
  const nearly = { ...IDLE, busy: true, readyTasks: LIMITS.maxBusyReadyTasks * 0.95 };
  expect(standsAgainst(nearly, 1, LIMITS, false)).toBe('ready_tasks');
  expect(standsAgainst(nearly, 1, LIMITS, true)).toBeUndefined();
});
