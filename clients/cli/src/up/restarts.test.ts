import { expect, test } from 'vitest';
import { createRestarts } from './restarts.ts';

const policy = { initialDelayMs: 100, maxDelayMs: 300, maxRestarts: 3, wellAfterMs: 1_000 };

test('pauses double up to the cap, and a process that keeps dying is given up', () => {
  const restarts = createRestarts(policy);
  expect([1, 2, 3, 4, 5].map(() => restarts.afterLife(10))).toEqual([100, 200, 300, undefined, undefined]);
});

test('a process that lived long enough begins anew', () => {
  const restarts = createRestarts(policy);
  restarts.afterLife(10);
  restarts.afterLife(10);
  expect(restarts.afterLife(1_000)).toBe(100);
});
