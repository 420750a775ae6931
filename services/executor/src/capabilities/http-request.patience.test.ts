// The time limit is the task's own. undici has limits of five minutes besides, by timers of its own that
// are played forward here.

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createAddressGuard } from '../network/address-guard.ts';
import { createTestContext } from '../testing/attempt-context.ts';
import { createHttpRequest } from './http-request.ts';

test('an answer that begins after minutes, and goes on after more, is waited for', async () => {
  const asked = Promise.withResolvers<ServerResponse>();
  const server = createServer((_request, response) => asked.resolve(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(async () => {
    vi.useRealTimers();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const handler = createHttpRequest({ guard: createAddressGuard(['127.0.0.1']) });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const answer = Promise.resolve(handler({ url, timeoutMs: 3_600_000 }, createTestContext()));
  // A failure must reach the expectation below and not come before it.
  answer.catch(() => {});
  const response = await asked.promise;
  await vi.advanceTimersByTimeAsync(400_000);
  response.write('late, ');
  await new Promise((resolve) => setImmediate(resolve));
  await vi.advanceTimersByTimeAsync(400_000);
  response.end('but there');
  expect(await answer).toMatchObject({ body: 'late, but there' });
});
