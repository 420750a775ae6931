import { expect, test } from 'vitest';
import { createStillness } from './idle.ts';

const still = { ready: 2, running: 0 };

test('says once that a run stands still, after a while, and again later', () => {
  const stillness = createStillness();
  const said = [0, 1_000, 1_999, 2_000, 2_001, 6_999, 7_000].map((nowMs) => stillness.see(still, nowMs));
  expect(said).toEqual([false, false, false, true, false, false, true]);
});

test('a run that goes on, or waits for nobody, does not stand still', () => {
  const stillness = createStillness();
  stillness.see(still, 0);
  expect(stillness.see({ ready: 2, running: 1 }, 1_900)).toBe(false);
  expect(stillness.see(still, 2_100)).toBe(false);
  expect(stillness.see({ ready: 0, running: 0 }, 9_000)).toBe(false);
});
