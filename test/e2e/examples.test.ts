// The examples of the documentation, each run as its file says, with real executors; BEHAVIOURS A.5, A.6,
// B.1 to B.3, B.5, C.1, C.2.

import { readFileSync } from 'node:fs';
import {
  type Client,
  createClient,
  json,
  PayloadForm,
  RunState,
  StateReason,
  TaskState,
} from '@tutti/client/client';
import { createExecutor } from '@tutti/client/executor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseRunSpec } from '../../clients/cli/src/spec/spec-file.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { untilEvent } from '../support/until-event.ts';

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
  return await runToEnd(await client.submit(parseRunSpec(text, `${name}.yaml`)));
}

async function runToEnd(handle: Awaited<ReturnType<Client['submit']>>) {
  await handle.wait({ timeoutMs: 60_000 });
  const run = await handle.get();
  const tasks = new Map<string, string>();
  const results = new Map<string, unknown>();
  for await (const task of handle.tasks({ full: true })) {
    const reason = task.reason === StateReason.UNSPECIFIED ? '' : ` ${nameIn(StateReason, task.reason)}`;
    tasks.set(task.key, `${nameIn(TaskState, task.state)}${reason}`);
    if (task.state === TaskState.COMPLETED) results.set(task.key, json(task.result));
  }
  return { handle, run, tasks: Object.fromEntries(tasks), results: Object.fromEntries(results) };
}

function nameIn(values: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(values).find((name) => values[name] === value) ?? String(value);
}

/** What is not JSON comes to handlers as bytes. */
function readable(result: unknown): unknown {
  return result instanceof Uint8Array ? Buffer.from(result).toString() : (result ?? null);
}

test('conditions.yaml', async () => {
  const { handle, run, tasks, results } = await runExample('conditions');

  expect(tasks).toEqual({
    order: 'COMPLETED',
    approve: 'COMPLETED',
    'wave-through': 'SKIPPED CONDITION_FALSE',
    discount: 'FAILED EXPRESSION_FAILED',
    report: 'COMPLETED',
  });
  expect(results.approve).toBe('approve 120');
  expect(run.state).toBe(RunState.COMPLETED);
  expect(json(run.output)).toEqual({
    approve: 'COMPLETED',
    'wave-through': 'SKIPPED',
    discount: 'FAILED',
  });
  const discount = await client.getTask(handle.runId, 'discount');
  expect(discount.error?.message).toMatch(
    /^when: `results.order.coupon != ""` could not be evaluated: .*coupon/,
  );
  const approve = await client.getTask(handle.runId, 'approve');
  expect(json(approve.computedInput)).toBe('approve 120');
});

test('routing.yaml', async () => {
  const { run, tasks } = await runExample('routing');

  expect(tasks).toEqual({
    decide: 'COMPLETED',
    express: 'COMPLETED',
    standard: 'SKIPPED NOT_ROUTED',
    dispatched: 'COMPLETED',
    broken: 'FAILED ERROR_NOT_RETRYABLE',
    repair: 'COMPLETED',
    'wait-for-network': 'SKIPPED NOT_ROUTED',
  });
  // The failure was handled: by what was routed to for it.
  expect(run.state).toBe(RunState.COMPLETED);
  expect(json(run.output)).toEqual({ sent: 'by air', repaired: 'INVALID_INPUT' });
});

test('data.yaml', async () => {
  const { handle, run, tasks, results } = await runExample('data');

  expect(tasks).toEqual({
    'north/orders': 'COMPLETED',
    total: 'COMPLETED',
    counted: 'COMPLETED',
    merged: 'COMPLETED',
    'too-much': 'FAILED ASSIGNMENT_TOO_LARGE',
    summary: 'COMPLETED',
  });
  expect(results.summary).toEqual({ files: 1, lines: 1, path: 'hidden', total: [6, 10, 16, 26] });
  expect(json(run.output)).toEqual({ shop: 'north', doubled: [6, 10, 16, 26], files: 1 });
  const refused = await client.getTask(handle.runId, 'too-much');
  expect(refused.error?.message).toContain('the result of "counted"');
  expect(refused.attempts).toEqual([]);
});

test('foreach.yaml: C.4', async () => {
  const { handle, run, tasks, results } = await runExample('foreach');

  expect(tasks).toEqual({
    greet: 'COMPLETED',
    nap: 'COMPLETED',
    lengths: 'COMPLETED',
    nothing: 'COMPLETED',
    'greet#0': 'COMPLETED',
    'greet#1': 'COMPLETED',
    'greet#2': 'COMPLETED',
    'nap#0': 'COMPLETED',
    'nap#1': 'FAILED ERROR_NOT_RETRYABLE',
    'nap#2': 'COMPLETED',
    'lengths#0': 'COMPLETED',
    'lengths#1': 'COMPLETED',
    'lengths#2': 'COMPLETED',
  });
  expect(results.greet).toEqual([
    { text: 'hello oslo', place: 0 },
    { text: 'hello rome', place: 1 },
    { text: 'hello lima', place: 2 },
  ]);
  const output = json(run.output) as { lengths: unknown; naps: unknown[]; nothing: unknown };
  expect(output).toMatchObject({ lengths: [10, 10, 10], nothing: [] });
  expect(output.naps[1]).toBeNull();
  const refused = await client.getTask(handle.runId, 'nap#1');
  expect(refused.error?.code).toBe('INVALID_INPUT');
});

test('B.1, B.2: an attempt is given what its edges select, under the names that they give', async () => {
  const executor = createExecutor({
    servers: stack.addresses.nats,
    slots: 1,
    capabilities: {
      show: (_input, { dependencies }) =>
        Object.fromEntries(
          [...dependencies].map(([name, { state, result }]) => [name, [state, readable(result)]]),
        ),
    },
  });
  await executor.start();
  try {
    const made = { capability: 'echo', input: { a: 1, b: [1, 2, 3] } };
    const { results } = await runToEnd(
      await client.submit({
        tasks: [
          { key: 'whole', ...made },
          { key: 'fields', ...made },
          { key: 'nothing', ...made },
          { key: 'list', ...made, input: [1, 2, 3] },
          { key: 'cut', ...made, input: 'a long text' },
          {
            key: 'show',
            capability: 'show',
            after: [
              'whole',
              { key: 'fields', alias: 'named', select: { fields: ['a'] } },
              { key: 'nothing', select: { nothing: true } },
              { key: 'list', select: { lastItems: 2 } },
              { key: 'cut', select: { maxBytes: 7, oversize: 'CUT' } },
            ],
          },
        ],
      }),
    );
    expect(results.show).toEqual({
      whole: ['COMPLETED', { a: 1, b: [1, 2, 3] }],
      named: ['COMPLETED', { a: 1 }],
      nothing: ['COMPLETED', null],
      list: ['COMPLETED', [2, 3]],
      cut: ['COMPLETED', '"a long'],
    });
  } finally {
    await executor.stop();
  }
});

test('B.5: an output that cannot be computed is visible, also after a restart', async () => {
  const handle = await client.submit({
    output: 'results.a.missing',
    tasks: [{ key: 'a', capability: 'echo', input: { there: 1 } }],
  });
  await handle.wait({ timeoutMs: 60_000 });
  const before = await handle.get();
  expect(before).toMatchObject({
    state: RunState.FAILED,
    reason: StateReason.EXPRESSION_FAILED,
    failedTask: '',
  });
  expect(before.message).toContain('output: `results.a.missing` could not be evaluated');

  await stack.orchestrator.kill();
  await stack.restartOrchestrator();
  expect(await handle.get()).toEqual(before);
});

test('B.3: what waits for its expressions goes on after the orchestrator was killed', async () => {
  const handle = await client.submit({
    input: { way: 'b' },
    output: 'results',
    tasks: [
      { key: 'slow', capability: 'sleep', input: { seconds: 1.5 } },
      {
        key: 'after',
        capability: 'echo',
        after: [{ key: 'slow', when: 'result.seconds > 1.0 && input.way == "b"' }],
        inputExpression: '[input.way, states.slow]',
      },
    ],
  });
  await untilEvent(client, handle.runId, 'taskStarted', 'slow');
  await stack.orchestrator.kill();
  await stack.restartOrchestrator();
  const { run } = await runToEnd(handle);
  expect(run.state).toBe(RunState.COMPLETED);
  expect(json(run.output)).toEqual({ slow: { seconds: 1.5 }, after: ['b', 'COMPLETED'] });
  const asValue = await client.getRun(handle.runId, { payloadForm: PayloadForm.VALUE });
  expect(asValue.output?.data.case).toBe('value');
});
