// F.3 to F.6: copies, links, archives and deletion over a real stack, and over a restart.

import {
  type Client,
  createClient,
  json,
  RunState,
  StateReason,
  TaskState,
  TuttiError,
} from '@tutti/client/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let client: Client;

beforeAll(async () => {
  stack = await startStack({ executors: 1 });
  client = createClient({ address: stack.addresses.grpc });
});
afterAll(async () => {
  client?.close();
  await stack?.stop();
});

/** fetch -> clean -> report, and a folder with two tasks in it. */
async function original(): Promise<string> {
  const handle = await client.submit({
    name: 'original',
    input: { city: 'oslo' },
    tasks: [
      { key: 'fetch', capability: 'echo', input: { rows: 3 } },
      { key: 'clean', capability: 'echo', after: ['fetch'], inputExpression: 'results.fetch.rows + 1' },
      { key: 'report', capability: 'echo', after: ['clean'], inputExpression: '{"n": results.clean}' },
      { key: 'folder', capability: 'echo', input: 'f' },
      { key: 'inside', capability: 'echo', parent: 'folder', input: 'i' },
    ],
    outputTask: 'report',
  });
  await handle.wait({ timeoutMs: 30_000 });
  return handle.runId;
}

async function ended(runId: string) {
  const { run } = await client.run(runId).wait({ timeoutMs: 30_000 });
  const tasks: Record<string, string> = {};
  for await (const task of client.listTasks(runId)) tasks[task.key] = nameIn(TaskState, task.state);
  return { state: nameIn(RunState, run.state), tasks };
}

function nameIn(values: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(values).find((name) => values[name] === value) ?? String(value);
}

async function reasonOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof TuttiError ? error.reason : `not refused: ${error}`;
}

describe('F.3: a copy', () => {
  test('of a whole run is done anew, and the original stays as it was', async () => {
    const runId = await original();
    const before = await client.getRun(runId);
    const copy = await client.copyRun(runId, { newRunId: `${runId.slice(0, 20)}-copy` });

    expect(copy).toMatchObject({ copiedCount: 5, linkedCount: 0 });
    expect(await ended(copy.runId)).toMatchObject({ state: 'COMPLETED', tasks: { report: 'COMPLETED' } });
    const copied = await client.getRun(copy.runId);
    expect([json(copied.output), json(copied.input), copied.name]).toEqual([
      { n: 4 },
      { city: 'oslo' },
      'original',
    ]);
    expect(await client.getRun(runId)).toEqual(before);
  });

  test('of a part brings what is grouped under it', async () => {
    const copy = await client.copyRun(await original(), { copy: ['folder'] });

    expect(copy.copiedCount).toBe(2);
    expect((await ended(copy.runId)).tasks).toEqual({ folder: 'COMPLETED', inside: 'COMPLETED' });
  });

  test('of a part that depends on what is not copied is refused, unless that is linked', async () => {
    const runId = await original();

    expect(await reasonOf(client.copyRun(runId, { copy: ['report'] }))).toBe('DEPENDENCY_OUTSIDE');
    const mixed = await client.copyRun(runId, { copy: ['report'], linkOutside: true });
    expect(mixed).toMatchObject({ copiedCount: 1, linkedCount: 1 });
    expect((await ended(mixed.runId)).tasks).toEqual({ clean: 'COMPLETED', report: 'COMPLETED' });
    expect(json((await client.getTask(mixed.runId, 'report')).result)).toEqual({ n: 4 });
    expect((await client.getTask(mixed.runId, 'clean')).attempts[0]?.executorId).toBe('');
  });

  test('of tasks that are not there is refused', async () => {
    expect(await reasonOf(client.copyRun(await original(), { copy: ['nothing'] }))).toBe('TASK_NOT_FOUND');
    expect(await reasonOf(client.copyRun('no-such-run'))).toBe('RUN_NOT_FOUND');
  });
});

describe('F.4: a link', () => {
  test('takes the result of another run, and leads to the origin', async () => {
    const runId = await original();
    const first = await client.submit({
      tasks: [{ key: 'a', link: { runId, taskKey: 'clean' } }],
      outputTask: 'a',
    });
    const second = await client.submit({
      tasks: [{ key: 'b', link: { runId: first.runId, taskKey: 'a' } }],
      outputTask: 'b',
    });

    expect(await ended(second.runId)).toEqual({ state: 'COMPLETED', tasks: { b: 'COMPLETED' } });
    expect(json((await client.getRun(second.runId)).output)).toBe(4);
    const { spec } = await client.getTask(second.runId, 'b');
    expect(spec?.link).toMatchObject({ runId, taskKey: 'clean' });
  });

  test('to what has not completed, or is not there, is refused', async () => {
    const failed = await client.submit({ key: 'a', capability: 'sleep', input: { seconds: -1 } });
    await failed.wait({ timeoutMs: 30_000 });
    const link = (runId: string, taskKey: string) => client.submit({ key: 'x', link: { runId, taskKey } });

    expect(await reasonOf(link(failed.runId, 'a'))).toBe('WRONG_STATE');
    expect(await reasonOf(link(failed.runId, 'b'))).toBe('TASK_NOT_FOUND');
    expect(await reasonOf(link('nowhere', 'a'))).toBe('RUN_NOT_FOUND');
  });

  test('keeps its origin from being deleted, over a restart, until it is gone itself', async () => {
    const runId = await original();
    const linking = await client.submit({ key: 'a', link: { runId, taskKey: 'clean' } });
    await linking.wait({ timeoutMs: 30_000 });
    await stack.orchestrator.kill('SIGKILL');
    await stack.restartOrchestrator();

    expect(await reasonOf(client.deleteRun(runId))).toBe('LINKED');
    await client.deleteRun(linking.runId);
    await client.deleteRun(runId);
    expect(await reasonOf(client.getRun(runId))).toBe('RUN_NOT_FOUND');
  });
});

describe('F.5, F.6: a run that is over', () => {
  test('is frozen once it is archived, and can be let go', async () => {
    const runId = await original();
    await client.archiveRun(runId);

    expect((await client.getRun(runId)).archived).toBe(true);
    expect(await reasonOf(client.deleteRun(runId))).toBe('ARCHIVED');
    expect(await reasonOf(client.rerunRun(runId, 'ALL'))).toBe('ARCHIVED');
    await client.unarchiveRun(runId);
    expect((await client.getRun(runId)).archived).toBe(false);
  });

  test('can be deleted; one that is not over cannot', async () => {
    const waiting = await client.submit({ key: 'a', signal: 'go' });
    expect(await reasonOf(client.deleteRun(waiting.runId))).toBe('NOT_FINAL');
    expect(await reasonOf(client.archiveRun(waiting.runId))).toBe('NOT_FINAL');
    await waiting.cancel();
    const { run } = await waiting.wait({ timeoutMs: 30_000 });
    expect(run.reason).toBe(StateReason.CANCEL_REQUESTED);
    await client.deleteRun(waiting.runId, { requestId: 'delete-once' });
    await client.deleteRun(waiting.runId, { requestId: 'delete-once' });
    expect(await reasonOf(client.deleteRun(waiting.runId))).toBe('RUN_NOT_FOUND');
  });

  test('is kept as long as its namespace says', async () => {
    expect(await client.getRetention()).toBeUndefined();
    await client.setRetention('30d');
    expect(await client.getRetention()).toBe(30 * 86_400_000);
    await client.setRetention(undefined);
    expect(await client.getRetention()).toBeUndefined();
  });
});
