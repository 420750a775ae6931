// DESIGN section 7, A.7 against real processes: a planner adds tasks to its run, over a restart of the
// orchestrator, and what waits is rewired. docs/planners.md tells the same.

import { createClient, json, TaskState } from '@tutti/client/client';
import { type AttemptContext, createExecutor, FinalError } from '@tutti/client/executor';
import { afterAll, beforeAll, expect, test } from 'vitest';
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

async function withExecutor(
  capabilities: Parameters<typeof createExecutor>[0]['capabilities'],
  act: () => Promise<void>,
): Promise<void> {
  const executor = createExecutor({ servers: stack.addresses.nats, capabilities });
  await executor.start();
  try {
    await act();
  } finally {
    await executor.stop();
  }
}

/** One chapter each, and a summary of all: said twice, and over a restart, it is there once. */
async function plan(chapters: readonly string[], context: AttemptContext, between: () => Promise<void>) {
  const tasks = chapters.map((title) => ({ key: `chapter/${title}`, capability: 'echo', input: title }));
  const added = await context.addTasks(tasks);
  await between();
  const summary = {
    key: 'summary',
    capability: 'e2e.sum',
    dependencies: ['plan', ...tasks.map(({ key }) => key)],
  };
  return [added, await context.addTasks([...tasks, summary])];
}

test('DESIGN 7: a planner decides what its run consists of, while the orchestrator is killed', async () => {
  const restart = async () => {
    await stack.orchestrator.kill();
    await stack.restartOrchestrator();
  };
  await withExecutor(
    {
      'e2e.plan': (chapters: string[], context) => plan(chapters, context, restart),
      'e2e.sum': (_: unknown, { dependencies }) => [...dependencies.keys()],
    },
    async () => {
      const run = await client.submit({
        tasks: [{ key: 'plan', capability: 'e2e.plan', input: ['one', 'two', 'three'] }],
        output: 'results.summary',
      });
      const { succeeded } = await run.wait({ timeoutMs: 60_000 });
      expect(succeeded).toBe(true);
      expect(await run.result('plan')).toEqual([3, 1]);
      expect(await run.result('summary')).toEqual(['plan', 'chapter/one', 'chapter/two', 'chapter/three']);
      expect(json((await run.get()).output)).toEqual(['plan', 'chapter/one', 'chapter/two', 'chapter/three']);

      await run.rerun({ from: 'plan' });
      expect(await run.wait({ timeoutMs: 60_000 })).toMatchObject({ succeeded: true });
      expect(await run.result('plan')).toEqual([0, 0]);
    },
  );
});

test('DESIGN 7, B.4: what breaks a rule is told to the planner; inputs of any size are stored apart', async () => {
  const large = 'x'.repeat(400_000);
  await withExecutor(
    {
      async 'e2e.broken'(_: unknown, context) {
        const refused = await context
          .addTasks([{ key: 'a', capability: 'echo', after: ['nobody'] }])
          .catch((error: unknown) => (error instanceof FinalError ? error.code : String(error)));
        const added = await context.addTasks([{ key: 'large', capability: 'echo', input: large }]);
        return { refused, added, none: await context.addTasks([]) };
      },
    },
    async () => {
      const run = await client.submit({ tasks: [{ key: 'plan', capability: 'e2e.broken' }] });
      expect(await run.wait({ timeoutMs: 60_000 })).toMatchObject({ succeeded: true });
      expect(await run.result('plan')).toEqual({ refused: 'UNKNOWN_DEPENDENCY', added: 1, none: 0 });
      expect(await run.result('large')).toBe(large);
    },
  );
});

test('A.7: what a task waits for is changed, also over a restart', async () => {
  const run = await client.submit({
    tasks: [
      { key: 'never', capability: 'e2e.nobody' },
      { key: 'soon', capability: 'echo', input: 1 },
      { key: 'then', capability: 'echo', input: 2, dependencies: ['never'] },
    ],
  });
  await run.changeDependencies('then', { add: [{ key: 'soon', condition: 'FINISHED' }] });
  await stack.orchestrator.kill();
  await stack.restartOrchestrator();
  await run.changeDependencies('then', { remove: ['never'] });

  await expect
    .poll(async () => (await client.getTask(run.runId, 'then')).state, { timeout: 30_000 })
    .toBe(TaskState.COMPLETED);
  const circle = run.changeDependencies('never', { add: ['then'] });
  expect(await circle.catch((error: unknown) => error)).toMatchObject({ reason: 'WRONG_STATE' });
  await run.cancel();
});
