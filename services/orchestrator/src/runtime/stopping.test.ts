// What an orchestrator that stops owes to executors: issue 4, item 8.

import { expect, onTestFinished, test } from 'vitest';
import { EMPTY_PAYLOAD } from '../domain/payload.ts';
import { createMemoryPlace } from '../store/memory/memory-store.ts';
import { chainOf, type Fixture, startFixture } from './orchestrator-fixture.ts';

async function register({ orchestrator }: Fixture): Promise<string> {
  const reply = await orchestrator.call('default', 'RegisterExecutor', {
    executorId: 'e',
    capabilities: [{ name: 'work', version: '', maxConcurrency: 0 }],
    labels: {},
    slots: 1,
    held: [],
    phase: 'ACTIVE',
  });
  if (!reply.ok) throw new Error(reply.rejection.message);
  return reply.value.session;
}

function report({ orchestrator }: Fixture, session: string, leaseToken: string) {
  const outcome = { type: 'Completed', result: EMPTY_PAYLOAD } as const;
  const reports = [{ leaseToken, outcome, usage: undefined }];
  return orchestrator.call('default', 'Report', { executorId: 'e', session, reports });
}

test('a report that had come is recorded, and what it starts reaches its executor as the same attempt', async () => {
  const place = createMemoryPlace();
  const first = await startFixture({}, place);
  const session = await register(first);
  await first.orchestrator.call('default', 'SubmitRun', chainOf('r', ['a', 'b']));
  await expect.poll(() => first.assigned().length).toBe(1);

  const held = Promise.withResolvers<'COMMIT'>();
  first.gate = () => held.promise;
  const reported = report(first, session, first.assigned()[0]?.leaseToken ?? '');
  // Until the engine has it.
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  const stopped = first.orchestrator.stop();
  expect(await report(first, session, 'late')).toMatchObject({
    ok: false,
    rejection: { code: 'NOT_SERVING' },
  });
  held.resolve('COMMIT');
  expect(await reported).toMatchObject({ ok: true, value: ['RECORDED'] });
  await stopped;
  const [, started] = first.assigned();
  expect(started).toMatchObject({ taskKey: 'b', attempt: 1 });
  await first.store.close();

  // Its last assignment went down with the connection: the executor does not name it.
  const second = await startFixture({}, place);
  onTestFinished(() => second.orchestrator.stop());
  await register(second);
  await expect.poll(() => second.assigned().length).toBe(1);
  expect(second.assigned()[0]).toMatchObject({
    taskKey: 'b',
    attempt: 1,
    leaseToken: started?.leaseToken,
  });
});
