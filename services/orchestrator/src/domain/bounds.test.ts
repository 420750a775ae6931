// What does a run do at the limits of its size?

import { expect, test } from 'vitest';
import type { Payload } from './payload.ts';
import { type Foreach, PLAIN_FLOW } from './spec.ts';
import { play, task } from './test-support.ts';

const json = (value: unknown): Payload => ({
  bytes: new TextEncoder().encode(JSON.stringify(value)),
  contentType: '',
});

function each(items: readonly Payload[]) {
  const foreach: Foreach = {
    items,
    itemsExpression: '',
    maxParallel: 0,
    toleratedFailures: 0,
    toleratedShare: 0,
    siblings: 'CONTINUE',
  };
  return task('each', { flow: { ...PLAIN_FLOW, foreach } });
}

test('a foreach over too many items fails, and none of them is made', () => {
  const item = json(1);
  const { run } = play([each(Array.from({ length: 100_001 }, () => item))]);
  expect(run.phase).toBe('FAILED');
  expect(run.tasks).toHaveLength(1);
  expect(run.tasks[0]?.error).toMatchObject({
    code: 'TOO_MANY_ITEMS',
    message: expect.stringContaining('100000'),
  });
});

test('a list of results that is too large fails the foreach, and nothing else', () => {
  const items = Array.from({ length: 9 }, (_, index) => json(index));
  const scenario = play([each(items)]);
  for (const index of items.keys()) {
    scenario.start(`each#${index}`);
    scenario.complete(`each#${index}`, json('x'.repeat(250_000)));
  }
  expect(scenario.at('each')).toMatchObject({ state: 'FAILED', error: { code: 'PAYLOAD_TOO_LARGE' } });
});

test('an expression over results that are too large together fails its task, and says how large they are', () => {
  const keys = Array.from({ length: 34 }, (_, index) => `t${index}`);
  const scenario = play([
    ...keys.map((key) => task(key)),
    task('all', { after: keys, inputExpression: 'results.t0' }),
  ]);
  for (const key of keys) {
    scenario.start(key);
    scenario.complete(key, json('x'.repeat(250_000)));
  }
  expect(scenario.at('all')).toMatchObject({ state: 'FAILED', reason: 'EXPRESSION_FAILED' });
  expect(scenario.at('all').error?.message).toContain('expressions may see 8388608');
});
