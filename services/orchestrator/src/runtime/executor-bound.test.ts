// Executors are bounded over all namespaces of a process: names of namespaces are as cheap as names of executors.

import { afterEach, expect, test } from 'vitest';
import { createMemoryPlace } from '../store/memory/memory-store.ts';
import { chainOf, type Fixture, startFixture } from './orchestrator-fixture.ts';

let fixture: Fixture;
afterEach(() => fixture.orchestrator.stop());

function register(namespace: string, executorId: string, capabilities = 1) {
  return fixture.orchestrator.call(namespace, 'RegisterExecutor', {
    executorId,
    capabilities: Array.from({ length: capabilities }, (_, index) => ({
      name: `work${index || ''}`,
      version: '',
      maxConcurrency: 0,
    })),
    labels: {},
    slots: 1,
    held: [],
    phase: 'ACTIVE',
  });
}

const refusal = (resource: string, limit: string) => ({
  ok: false,
  rejection: {
    code: 'LIMIT_REACHED',
    metadata: { resource, limit },
    message: expect.stringContaining('over all namespaces: stop some'),
  },
});

test('executors of all namespaces together are refused beyond the limit; who is there may register again', async () => {
  fixture = await startFixture({ maxExecutors: 2 });
  expect(await register('one', 'a')).toMatchObject({ ok: true });
  const b = await register('two', 'b');
  expect(b).toMatchObject({ ok: true });
  expect(await register('three', 'a')).toMatchObject(refusal('process_executors', '2'));
  expect(await register('one', 'b')).toMatchObject(refusal('process_executors', '2'));
  expect(await register('one', 'a')).toMatchObject({ ok: true });

  const session = b.ok ? b.value.session : '';
  const leave = { executorId: 'b', session, phase: 'LEAVING', attempts: [] } as const;
  expect(await fixture.orchestrator.call('two', 'Heartbeat', leave)).toMatchObject({ ok: true });
  expect(await register('three', 'a')).toMatchObject({ ok: true });
});

test('so it is where all come at once, to namespaces that are not loaded yet', async () => {
  fixture = await startFixture({ maxExecutors: 10 });
  const names = Array.from({ length: 40 }, (_, index) => `n${index % 8}`);
  const replies = await Promise.all(names.map((namespace, index) => register(namespace, `e${index}`)));
  expect(replies.filter(({ ok }) => ok).length).toBe(10);
  expect(replies.find(({ ok }) => !ok)).toMatchObject(refusal('process_executors', '10'));
});

test('their capabilities and labels are refused beyond the limit, too, but for those that have few', async () => {
  fixture = await startFixture({ maxExecutorEntries: 50 });
  expect(await register('one', 'a', 20)).toMatchObject({ ok: true });
  expect(await register('two', 'a', 20)).toMatchObject({ ok: true });
  expect(await register('three', 'a', 20)).toMatchObject(refusal('process_executor_entries', '50'));
  expect(await register('one', 'b', 20)).toMatchObject(refusal('process_executor_entries', '50'));
  expect(await register('one', 'a', 30)).toMatchObject({ ok: true });
  expect(await register('one', 'b', 1)).toMatchObject({ ok: true });
});

test('those that hold something at a restart count until they are lost, and come back all the same', async () => {
  const place = createMemoryPlace();
  fixture = await startFixture({ maxExecutors: 1 }, place);
  expect(await register('default', 'a')).toMatchObject({ ok: true });
  expect(await fixture.orchestrator.call('default', 'SubmitRun', chainOf('r', ['t']))).toMatchObject({
    ok: true,
  });
  await expect.poll(() => fixture.assigned().length).toBe(1);
  await fixture.orchestrator.stop();
  await fixture.store.close();
  fixture = await startFixture({ maxExecutors: 1 }, place);
  expect(await register('default', 'b')).toMatchObject(refusal('process_executors', '1'));
  expect(await register('default', 'a')).toMatchObject({ ok: true });
});
