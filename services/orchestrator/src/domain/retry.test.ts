// BEHAVIOURS D.1: the delay before the next attempt.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jitterSeed, retryDelayMs } from './retry.ts';
import { DEFAULT_RETRY } from './spec.ts';

const policy = { ...DEFAULT_RETRY, maxAttempts: 1_000 };

describe('retryDelayMs', () => {
  test('by default 1 s, 2 s, 4 s … up to 5 minutes, exactly', () => {
    expect([1, 2, 3, 9, 10, 999].map((attempts) => retryDelayMs(policy, attempts, 12345))).toEqual([
      1_000, 2_000, 4_000, 256_000, 300_000, 300_000,
    ]);
  });

  test('no delay stays no delay, also where the factor grows beyond all numbers', () => {
    expect(retryDelayMs({ ...policy, initialDelayMs: 0, factor: 100 }, 1_000, 0)).toBe(0);
    expect(retryDelayMs({ ...policy, factor: 100 }, 1_000, 0)).toBe(300_000);
  });

  test('jitter shortens by no more than its share', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.integer({ min: 1, max: 1_000 }),
        (jitter, seed, attempts) => {
          const whole = retryDelayMs(policy, attempts, 0);
          const delayMs = retryDelayMs({ ...policy, jitter }, attempts, seed);
          expect(delayMs).toBeLessThanOrEqual(whole);
          expect(delayMs).toBeGreaterThanOrEqual(Math.floor(whole * (1 - jitter)));
        },
      ),
    );
  });
});

describe('jitterSeed', () => {
  test('is the same for the same attempt', () => {
    expect(jitterSeed('run-1', 7, 2)).toBe(jitterSeed('run-1', 7, 2));
  });

  test('spreads attempts that failed together evenly', () => {
    const buckets = new Array<number>(10).fill(0);
    for (let task = 0; task < 10_000; task++) {
      const bucket = Math.floor((jitterSeed('run-1', task, 1) / 2 ** 32) * 10);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }

    for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(200);
  });
});
