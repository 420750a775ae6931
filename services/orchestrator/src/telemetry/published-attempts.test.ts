// The memory of published attempts is bounded: the oldest run goes first, a large run keeps its newest.

import { expect, test } from 'vitest';
import { createPublishedAttempts } from './published-attempts.ts';

const context = (spanId: string) => ({ traceId: '0af7651916cd43dd8448eb211c80319c', spanId, traceFlags: 1 });

test('the oldest run is forgotten when there are too many attempts', () => {
  const published = createPublishedAttempts(3);
  published.add('default', 'old', 'a', context('01'));
  published.add('default', 'old', 'b', context('02'));
  published.add('default', 'new', 'a', context('03'));
  published.add('default', 'new', 'b', context('04'));
  expect(published.find('default', 'old', 'a')).toBeUndefined();
  expect(published.find('default', 'old', 'b')).toBeUndefined();
  expect(published.find('default', 'new', 'a')?.spanId).toBe('03');
});

test('a run larger than the memory keeps its newest attempts', () => {
  const published = createPublishedAttempts(2);
  for (const key of ['a', 'b', 'c']) published.add('default', 'large', key, context(key));
  expect(['a', 'b', 'c'].map((key) => published.find('default', 'large', key)?.spanId)).toEqual([
    undefined,
    'b',
    'c',
  ]);
});

test('a later attempt takes the place of the earlier one, and a run that ended is forgotten', () => {
  const published = createPublishedAttempts(2);
  published.add('default', 'run', 'a', context('01'));
  published.add('default', 'run', 'a', context('02'));
  expect(published.find('default', 'run', 'a')?.spanId).toBe('02');
  expect(published.find('other', 'run', 'a')).toBeUndefined();
  published.forget('default', 'run');
  expect(published.find('default', 'run', 'a')).toBeUndefined();
  // Room was given back.
  published.add('default', 'next', 'a', context('03'));
  published.add('default', 'next', 'b', context('04'));
  expect(published.find('default', 'next', 'a')?.spanId).toBe('03');
});
