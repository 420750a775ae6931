// The examples about failure, each run as its file says, with real executors, and what needs executors of its
// own; BEHAVIOURS D.2, D.4, D.5, D.9.

import { readFileSync } from 'node:fs';
import { type Client, createClient, json, RunState, StateReason, TaskState } from '@tutti/client/client';
import { createExecutor, RetryableError } from '@tutti/client/executor';
import { AttemptState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseRunSpec } from '../../clients/cli/src/spec/spec-file.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { untilEvent } from '../support/until-event.ts';

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

async function runExample(name: string) {
  const text = readFileSync(new URL(`../examples/${name}.yaml`, import.meta.url), 'utf8');
  const handle = await client.submit(parseRunSpec(text, `${name}.yaml`));
  await handle.wait({ timeoutMs: 60_000 });
  return { handle, run: await handle.get(), tasks: await tasksOf(handle) };
}

async function tasksOf(handle: Awaited<ReturnType<Client['submit']>>) {
  const tasks = new Map<string, string>();
  for await (const task of handle.tasks({ full: true })) {
    const reason = task.reason === StateReason.UNSPECIFIED ? '' : ` ${nameIn(StateReason, task.reason)}`;
    const codes = task.attempts.map((each) => each.error?.code ?? nameIn(AttemptState, each.state));
    tasks.set(task.key, `${nameIn(TaskState, task.state)}${reason}: ${codes.join(', ')}`);
  }
  return Object.fromEntries(tasks);
}

function nameIn(values: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(values).find((name) => values[name] === value) ?? String(value);
}

test('error-rules.yaml', async () => {
  const { run, tasks } = await runExample('error-rules');

  expect(tasks).toEqual({
    lenient: 'COMPLETED: INVALID_INPUT',
    stubborn: 'FAILED ATTEMPTS_EXHAUSTED: INVALID_INPUT, INVALID_INPUT, INVALID_INPUT',
    strict: 'FAILED ERROR_RULE: TIMEOUT',
    report: 'COMPLETED: COMPLETED',
  });
  expect(run.state).toBe(RunState.COMPLETED);
  expect(json(run.output)).toEqual({ lenient: 'COMPLETED', stubborn: 'FAILED', strict: 'FAILED' });
});

test('fallback.yaml', async () => {
  const { handle, run, tasks } = await runExample('fallback');

  expect(tasks).toEqual({
    saved: 'COMPLETED: INVALID_INPUT, COMPLETED',
    impatient: 'COMPLETED: TIMEOUT, COMPLETED',
    lost: 'FAILED ATTEMPTS_EXHAUSTED: INVALID_INPUT, INVALID_INPUT',
    report: 'COMPLETED: COMPLETED',
  });
  expect(json(run.output)).toEqual({
    saved: { seconds: -1 },
    impatient: { seconds: 60 },
    lost: 'INVALID_INPUT',
  });
  // D.2: each attempt keeps its own error, and its times.
  const lost = await client.getTask(handle.runId, 'lost');
  const [first, second] = lost.attempts;
  expect(lost.error?.message).toBe(first?.error?.message);
  expect(second?.error?.message).not.toBe(first?.error?.message);
  for (const attempt of lost.attempts) {
    expect(attempt.executorId).not.toBe('');
    expect(attempt.startTime && attempt.endTime).toBeDefined();
  }
});

test('guardrails.yaml', async () => {
  const { handle, run, tasks } = await runExample('guardrails');

  expect(tasks).toEqual({
    good: 'COMPLETED: COMPLETED',
    negative: 'FAILED ATTEMPTS_EXHAUSTED: RESULT_REFUSED, RESULT_REFUSED',
    shapeless: 'COMPLETED: RESULT_REFUSED',
    report: 'COMPLETED: COMPLETED',
  });
  expect(json(run.output)).toEqual({ good: 3, negative: 'the total must be positive', shapeless: 0 });
  const negative = await client.getTask(handle.runId, 'negative');
  expect(negative.feedback?.reason).toBe('the total must be positive');
  expect(json(negative.feedback?.refusedResult)).toEqual({ total: -1 });
});

test('compensation.yaml', async () => {
  const { handle, run, tasks } = await runExample('compensation');

  expect(tasks).toEqual({
    reserve: 'COMPLETED: COMPLETED',
    pay: 'COMPLETED: COMPLETED',
    confirm: 'FAILED ERROR_NOT_RETRYABLE: INVALID_INPUT',
    'pay#undo': 'COMPLETED: COMPLETED',
    'reserve#undo': 'COMPLETED: COMPLETED',
  });
  expect(run).toMatchObject({ state: RunState.FAILED, failedTask: 'confirm', message: '' });
  const undone = await client.getTask(handle.runId, 'reserve#undo');
  expect(json(undone.result)).toEqual({ release: 12, customer: 7 });
  const before = await client.getTask(handle.runId, 'pay#undo');
  expect(json(before.result)).toEqual({ amount: 80 });
  expect(Number(undone.startTime?.seconds)).toBeGreaterThanOrEqual(Number(before.endTime?.seconds));
});

test('D.5: a capability judges; the next attempt is told why and what was refused, and goes on from its checkpoint', async () => {
  const seen: unknown[] = [];
  const executor = createExecutor({
    servers: stack.addresses.nats,
    slots: 2,
    capabilities: {
      write: (_input, { attempt, feedback, lastCheckpoint, checkpoint }) => {
        seen.push([feedback?.reason, feedback?.refusedResult, lastCheckpoint]);
        checkpoint({ attempt });
        if (attempt === 1) throw new RetryableError('TIRED', 'not today');
        return attempt === 2 ? 'a rude text' : 'a text';
      },
      judge: (asked) => {
        const { result } = asked as { readonly result: string };
        if (result.includes('rude')) return { ok: false, reason: 'rude' };
        return { ok: true, result: `${result}, approved` };
      },
    },
  });
  await executor.start();
  try {
    const handle = await client.submit({
      outputTask: 'write',
      tasks: [
        {
          key: 'write',
          capability: 'write',
          retry: { maxRetries: 2, initialDelay: 10 },
          guardrails: [{ capability: 'judge' }, 'result.endsWith("approved")'],
        },
      ],
    });
    const { succeeded, run } = await handle.wait({ timeoutMs: 60_000 });

    expect(succeeded).toBe(true);
    expect(json(run.output)).toBe('a text, approved');
    expect(seen).toEqual([
      [undefined, undefined, undefined],
      [undefined, undefined, { attempt: 1 }],
      ['rude', 'a rude text', expect.anything()],
    ]);
    expect(await tasksOf(handle)).toEqual({
      write: 'COMPLETED: TIRED, RESULT_REFUSED, COMPLETED',
      'write#check2.0': 'COMPLETED: COMPLETED',
      'write#check3.0': 'COMPLETED: COMPLETED',
    });
  } finally {
    await executor.stop();
  }
});

test('D.9: an orchestrator that is killed in the middle goes on undoing', async () => {
  const slowly = { capability: 'sleep', inputExpression: '{"seconds": 1.0}' };
  const handle = await client.submit({
    tasks: [
      { key: 'a', capability: 'echo', input: 1, compensation: slowly },
      { key: 'b', capability: 'echo', input: 2, after: ['a'], compensation: slowly },
      { key: 'c', capability: 'sleep', input: { seconds: -1 }, after: ['b'] },
    ],
  });
  await untilEvent(client, handle.runId, 'runCompensating');
  await stack.orchestrator.kill();
  await stack.restartOrchestrator();
  await handle.wait({ timeoutMs: 60_000 });

  const run = await handle.get();
  expect([run.state, run.failedTask, run.message]).toEqual([RunState.FAILED, 'c', '']);
  expect(await tasksOf(handle)).toMatchObject({
    'b#undo': expect.stringMatching(/^COMPLETED/),
    'a#undo': expect.stringMatching(/^COMPLETED/),
  });
});

test('what cannot be done is refused at submission, with its place', async () => {
  const refusal = (task: object) =>
    client.submit({ tasks: [{ key: 'a', capability: 'echo', ...task }] }).catch((error) => String(error));

  expect(await refusal({ guardrails: [{ schema: { type: 'sonnet' } }] })).toContain(
    'a guardrail of task "a" has no usable schema: schema.type must be one of',
  );
  expect(await refusal({ guardrails: ['result.'] })).toContain('tasks[0].guardrails[0].check');
  expect(await refusal({ errorRules: [{ action: 'FALL_BACK' }] })).toContain('names no fallback');
  expect(await refusal({ compensation: { capability: 'echo', inputExpression: 'results.x' } })).toContain(
    'tasks[0].compensation.input_expression',
  );
  expect(await refusal({ retry: { maxAttempts: 2, maxRetries: 1 } })).toContain('not both');
});
