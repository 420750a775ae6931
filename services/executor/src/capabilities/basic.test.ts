import { setImmediate } from 'node:timers/promises';
import { AttemptAbortedError, bytesPayload } from '@tutti/client/executor';
import { expect, test } from 'vitest';
import { createTestContext } from '../testing/attempt-context.ts';
import { echo } from './echo.ts';
import { merge } from './merge.ts';
import { sleep } from './sleep.ts';

test('echo gives back the very payload, whatever its content type', async () => {
  const payload = bytesPayload(new Uint8Array([0, 255]), 'image/png');
  expect(await echo(new Uint8Array([0, 255]), createTestContext({ inputPayload: payload }))).toBe(payload);
  expect(await echo(undefined, createTestContext())).toBeUndefined();
});

test('sleep takes its time', async () => {
  const startedAtMs = performance.now();
  expect(await sleep({ seconds: 0.05 }, createTestContext())).toEqual({ seconds: 0.05 });
  // Node's timers may fire up to a millisecond early.
  expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(49);
});

test('sleep stops when it is cancelled, with the reason', async () => {
  const context = createTestContext();
  const reason = new AttemptAbortedError('CANCEL_REQUESTED', 1000);
  const asleep = sleep({ seconds: 3600 }, context);
  await setImmediate();
  context.abort(reason);
  await expect(asleep).rejects.toBe(reason);
});

test.each([undefined, {}, { seconds: -1 }, { seconds: '1' }, { seconds: 1e9 }, { seconds: 1, more: 1 }])(
  'sleep refuses %j for good, and says why',
  async (input) => {
    const attempt = Promise.resolve(sleep(input, createTestContext()));
    await expect(attempt).rejects.toMatchObject({
      name: 'FinalError',
      code: 'INVALID_INPUT',
      message: expect.stringMatching(/seconds|more|object/),
    });
  },
);

test('B.1: merge gives back the merged view of its attempt', async () => {
  const context = createTestContext({ merged: (options) => ({ asked: options ?? 'for nothing' }) });
  expect(await merge(undefined, context)).toEqual({ asked: 'for nothing' });
});
