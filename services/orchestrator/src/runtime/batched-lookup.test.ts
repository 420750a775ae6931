import { expect, test } from 'vitest';
import { createBatchedLookup } from './batched-lookup.ts';
import type { Clock } from './ports.ts';

test('look-ups that come together are one question, up to a thousand', async () => {
  const soon: (() => void)[] = [];
  const clock: Clock = {
    nowMs: () => 0,
    soon: (callback) => void soon.push(callback),
    after: () => () => {},
  };
  const asked: number[] = [];
  const find = createBatchedLookup(clock, async (_namespace, ids) => {
    asked.push(ids.length);
    return new Map(ids.map((id) => [id, id]));
  });
  const answers = Array.from({ length: 1_001 }, (_, index) => find('n', `${index}`));
  for (const callback of soon) callback();
  expect((await Promise.all(answers)).at(-1)).toBe('1000');
  expect(asked).toEqual([1_000, 1]);
});
