// C.3, C.5, C.6: the examples of loops and run modes, each run as its file says, with real executors.

import { readFileSync } from 'node:fs';
import { type Client, createClient, json, RunState, StateReason, TaskState } from '@tutti/client/client';
import { type AttemptContext, createExecutor } from '@tutti/client/executor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseRunSpec } from '../../clients/cli/src/spec/spec-file.ts';
import { type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let client: Client;

beforeAll(async () => {
  stack = await startStack({ executors: 2 });
  client = createClient({ address: stack.addresses.grpc });
});
afterAll(async () => {
  client?.close();
  await stack?.stop();
});

async function runExample(name: string) {
  const text = readFileSync(new URL(`../examples/${name}.yaml`, import.meta.url), 'utf8');
  const handle = await client.submit(parseRunSpec(text, `${name}.yaml`));
  await handle.wait({ timeoutMs: 60_000 });
  return { handle, run: await handle.get(), tasks: await tasksOf(handle) };
}

async function tasksOf(handle: Awaited<ReturnType<Client['submit']>>) {
  const tasks: Record<string, string> = {};
  for await (const task of handle.tasks({ full: true })) {
    const reason = task.reason === StateReason.UNSPECIFIED ? '' : ` ${nameIn(StateReason, task.reason)}`;
    tasks[task.key] = `${nameIn(TaskState, task.state)}${reason}`;
  }
  return tasks;
}

function nameIn(values: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(values).find((name) => values[name] === value) ?? String(value);
}

test('repeat.yaml: C.5', async () => {
  const { handle, run, tasks } = await runExample('repeat');

  expect(tasks).toEqual({ grow: 'COMPLETED', thrice: 'COMPLETED', never: 'FAILED ITERATIONS_EXHAUSTED' });
  expect(json(run.output)).toEqual({ size: 3, thrice: 'time 3', never: 'ITERATIONS_EXHAUSTED' });
  expect((await client.getTask(handle.runId, 'grow')).attempts).toHaveLength(3);
  expect((await client.getTask(handle.runId, 'never')).attempts).toHaveLength(2);
});

test('send-back.yaml: C.3', async () => {
  const { handle, run, tasks } = await runExample('send-back');

  expect(tasks).toEqual({ draft: 'COMPLETED', edit: 'COMPLETED', review: 'COMPLETED', print: 'COMPLETED' });
  expect(json(run.output)).toEqual({ words: 3, edited: true });
  const attempts = async (key: string) => (await client.getTask(handle.runId, key)).attempts.length;
  expect([await attempts('draft'), await attempts('edit'), await attempts('print')]).toEqual([3, 3, 1]);
});

test('C.3: what is done again is told why, what was refused, and by which decision', async () => {
  const seen: unknown[] = [];
  const draft = (_input: unknown, { iteration, feedback }: AttemptContext) => {
    seen.push([iteration, feedback?.reason, feedback?.refusedResult, feedback?.decision, feedback?.from]);
    return `draft ${iteration}`;
  };
  const executor = createExecutor({ servers: stack.addresses.nats, capabilities: { 'loops.draft': draft } });
  await executor.start();
  const handle = await client.submit({
    tasks: [
      { key: 'draft', capability: 'loops.draft' },
      {
        key: 'review',
        expression: 'results.draft != "draft 0"',
        after: ['draft'],
        sendBack: { to: 'draft', when: '!result', reason: '"the first is never good"' },
      },
    ],
  });
  await handle.wait({ timeoutMs: 60_000 });
  await executor.stop();

  expect(seen).toEqual([
    [0, undefined, undefined, undefined, undefined],
    [2, 'the first is never good', 'draft 0', false, 'review'],
  ]);
});

test('sequential.yaml: C.6', async () => {
  const { run, tasks } = await runExample('sequential');

  expect(tasks).toEqual({
    fetch: 'COMPLETED',
    count: 'COMPLETED',
    check: 'FAILED ERROR_NOT_RETRYABLE',
    publish: 'SKIPPED UPSTREAM_FAILED',
  });
  expect([run.state, run.failedTask]).toEqual([RunState.FAILED, 'check']);
});

test('parallel.yaml: C.6', async () => {
  const { handle, run, tasks } = await runExample('parallel');

  expect(run.state).toBe(RunState.COMPLETED);
  expect(tasks.broken).toBe('FAILED ERROR_NOT_RETRYABLE');
  let underWay = 0;
  let most = 0;
  for await (const { change } of handle.watch()) {
    if (change.case === 'taskReady') underWay += 1;
    if (change.case === 'taskCompleted' || change.case === 'taskFailed') underWay -= 1;
    most = Math.max(most, underWay);
  }
  expect(most).toBe(2);
});

interface Shown {
  readonly round: number;
  readonly tasks: readonly { readonly key: string; readonly available: boolean; readonly result?: unknown }[];
  readonly executors: readonly { readonly executor_id: string; readonly capabilities: readonly string[] }[];
}

test('manager.yaml: C.6', async () => {
  const shown: Shown[] = [];
  const lead = (input: Shown, { feedback }: AttemptContext) => {
    shown.push(input);
    if (input.round === 1 && feedback === undefined) return { run: [{ task: 'write' }] };
    const place = input.executors.find(({ capabilities }) => capabilities.includes('echo'));
    if (input.round === 1) return { run: [{ task: 'research', executor: place?.executor_id }] };
    if (input.round === 2) return { run: [{ task: 'write' }], add: [{ key: 'check', expression: '1 + 1' }] };
    const open = input.tasks.find(({ key, available }) => key === 'check' && available);
    if (open !== undefined) return { run: [{ task: 'check' }] };
    const { result } = input.tasks.find(({ key }) => key === 'write') ?? {};
    return result === undefined ? {} : { done: true, output: result };
  };
  const executor = createExecutor({ servers: stack.addresses.nats, capabilities: { 'crew.lead': lead } });
  await executor.start();
  const { handle, run, tasks } = await runExample('manager');
  await executor.stop();

  expect(tasks).toEqual({
    research: 'COMPLETED',
    write: 'COMPLETED',
    illustrate: 'SKIPPED NOT_CHOSEN',
    check: 'COMPLETED',
    manager: 'COMPLETED',
  });
  expect(json(run.output)).toEqual({ text: 'on rivers' });
  expect(shown[0]?.executors.length).toBeGreaterThanOrEqual(2);
  const { attempts } = await client.getTask(handle.runId, 'manager');
  expect(attempts[0]?.error).toMatchObject({ code: 'BAD_DECISION' });
  expect(attempts[0]?.error?.message).toContain('task "write" is not available');
});
