// F.2, A.4 against real processes: a run is paused and done again, while the orchestrator is killed in between.
// docs/run-life.md tells the same.

import { createClient, TaskState } from '@tutti/client/client';
import { createExecutor, FinalError } from '@tutti/client/executor';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let client: ReturnType<typeof createClient>;

beforeAll(async () => {
  stack = await startStack({ executors: 1 });
  client = createClient({ address: stack.addresses.grpc });
});
afterAll(async () => {
  client?.close();
  await stack?.stop();
});

async function killAndRestart(): Promise<void> {
  await stack.orchestrator.kill();
  await stack.restartOrchestrator();
}

test('F.2, A.4: failed tasks are done again over a restart, with the results of the others', async () => {
  const calls: string[] = [];
  let isRepaired = false;
  const executor = createExecutor({
    id: 'repairable',
    servers: stack.addresses.nats,
    capabilities: {
      'e2e.step': (input: string) => {
        calls.push(input);
        if (input === 'b' && !isRepaired) throw new FinalError('BROKEN', 'not yet');
        return input;
      },
    },
  });
  await executor.start();
  try {
    const step = (key: string, dependencies: string[] = []) => ({
      key,
      capability: 'e2e.step',
      input: key,
      dependencies,
    });
    const run = await client.submit({
      tasks: [step('a'), step('b', ['a']), step('c', ['b']), step('d', ['a'])],
      output: 'results',
    });
    expect(await run.wait()).toMatchObject({ finished: true, succeeded: false });
    expect(calls.sort()).toEqual(['a', 'b', 'd']);
    await killAndRestart();

    isRepaired = true;
    const { resetCount, revision } = await run.rerun('FAILED');
    expect(resetCount).toBe(2);
    const seen: string[] = [];
    for await (const event of client.watch({ runId: run.runId, afterRevision: revision - 1n })) {
      seen.push(`${event.taskKey} ${event.change.case}`);
    }
    expect(seen.slice(0, 4)).toEqual([' runRestarted', 'b taskReset', 'c taskReset', 'b taskReady']);
    expect(seen.at(-1)).toBe(' runCompleted');
    expect(await run.wait()).toMatchObject({ finished: true, succeeded: true });
    expect(calls.sort()).toEqual(['a', 'b', 'b', 'c', 'd']);
    expect((await client.getTask(run.runId, 'b')).attempts).toHaveLength(2);

    await killAndRestart();
    await run.rerun({ from: 'c' });
    expect(await run.wait()).toMatchObject({ succeeded: true });
    expect(calls.filter((each) => each === 'c')).toHaveLength(2);
  } finally {
    await executor.stop();
  }
});

test('F.2: a paused run starts nothing, also after a restart, until it is resumed', async () => {
  // It ends when the test says so: a time would have to be longer than the pause takes on any machine.
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const first = () => {
    begun.resolve();
    return end.promise;
  };
  const executor = createExecutor({ servers: stack.addresses.nats, capabilities: { 'e2e.first': first } });
  onTestFinished(() => executor.stop());
  await executor.start();
  const run = await client.submit({
    tasks: [
      { key: 'first', capability: 'e2e.first' },
      { key: 'then', capability: 'echo', input: 'x', dependencies: ['first'] },
    ],
  });
  // A task that is not given out before the pause would not start at all.
  await begun.promise;
  await run.pause({ message: 'maintenance' });
  await killAndRestart();
  expect((await run.get()).paused).toBe(true);
  end.resolve();
  await expect
    .poll(async () => (await client.getTask(run.runId, 'then')).state, { timeout: 30_000 })
    .toBe(TaskState.READY);

  const other = await client.submit({ tasks: [{ key: 'other', capability: 'echo', input: 1 }] });
  expect(await other.wait()).toMatchObject({ succeeded: true });
  expect((await client.getTask(run.runId, 'then')).state).toBe(TaskState.READY);
  await run.resume();
  expect(await run.wait()).toMatchObject({ succeeded: true, run: { paused: false } });
});
