// Is load offered as it says? Also where the submitter, or what it submits to, stands still.

import { expect, test } from 'vitest';
import { nowMs } from './clock.ts';
import { closedLoop, inBatches, openLoop } from './loops.ts';

test('a closed loop has so many runs under way and no more, and runs each once', async () => {
  let underWay = 0;
  let most = 0;
  const seen: number[] = [];
  const measured = await closedLoop({ runs: 20, atOnce: 4, tasksOfARun: 3 }, async (index) => {
    seen.push(index);
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise(setImmediate);
    underWay -= 1;
    return { startedAtMs: nowMs() };
  });
  expect(most).toBe(4);
  expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(measured).toMatchObject({ runs: 20, tasks: 60 });
  expect(measured.completedMs).toHaveLength(20);
  expect(measured.startedMs).toBeUndefined();
});

test('in an open loop a run that was due while the submitter stood still is late by that time', async () => {
  const measured = await openLoop({ runs: 20, runsPerSecond: 1_000, tasksOfARun: 1 }, async (index) => {
    if (index === 0) for (const until = nowMs() + 50; nowMs() < until; );
    return { startedAtMs: nowMs() };
  });
  // The second was due a millisecond after the first began, and waited for the rest of the 50.
  expect(measured.completedMs?.filter((ms) => ms >= 25).length).toBeGreaterThan(10);
});

test('batches add up to what was asked for', async () => {
  const batches: [number, number][] = [];
  await inBatches(25, { batch: 10, inFlight: 2 }, async (from, size) => void batches.push([from, size]));
  expect(batches.sort(([a], [b]) => a - b)).toEqual([
    [0, 10],
    [10, 10],
    [20, 5],
  ]);
});
