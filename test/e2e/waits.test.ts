// BEHAVIOURS C.7, B.3: waits, delays, child runs and expressions, each example run as its file says, over
// real servers, and restarts in the middle.

import { readFileSync } from 'node:fs';
import { type Client, createClient, json, RunState, StateReason, TaskState } from '@tutti/client/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

const submitExample = (name: string) =>
  client.submit(
    parseRunSpec(readFileSync(new URL(`../examples/${name}.yaml`, import.meta.url), 'utf8'), `${name}.yaml`),
  );
const stateOf = async (runId: string, key: string) => (await client.getTask(runId, key)).state;

async function ended(runId: string) {
  const final: readonly RunState[] = [RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED];
  const isFinal = async () => final.includes((await client.getRun(runId)).state);
  await expect.poll(isFinal, { timeout: 90_000 }).toBe(true);
  return client.getRun(runId);
}

async function output(runId: string): Promise<unknown> {
  const run = await ended(runId);
  expect(run.state).toBe(RunState.COMPLETED);
  return json(run.output);
}

/** What the orchestrator does itself is an attempt like any other. */
const begun = (runId: string, key: string) => untilEvent(client, runId, 'taskStarted', key);

describe('signals', () => {
  test('approval.yaml, approved, over a restart', async () => {
    const { runId } = await submitExample('approval');
    await begun(runId, 'approved');
    expect((await client.getTask(runId, 'approved')).reason).toBe(StateReason.AWAITING_SIGNAL);
    await stack.orchestrator.kill();
    await stack.restartOrchestrator();

    expect(await client.signalRun(runId, 'release', { approved: true })).toEqual({ taskKey: 'approved' });

    expect(await output(runId)).toBe('shipped 7');
    expect(await stateOf(runId, 'tell')).toBe(TaskState.SKIPPED);
    await expect(client.signalRun(runId, 'release', 1)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'ALREADY_FINAL',
    });
  });

  test('approval.yaml, rejected before it waits; a repeat of the call is one signal', async () => {
    const { runId } = await submitExample('approval');
    const payload = { approved: false, reason: 'too early' };
    const first = await client.signalRun(runId, 'release', payload, { requestId: `r-${runId}` });
    expect(await client.signalRun(runId, 'release', payload, { requestId: `r-${runId}` })).toEqual(first);

    expect(await output(runId)).toBe('not shipped: too early');
  });

  test('over HTTP, and what is refused', async () => {
    const call = async (body: unknown) => {
      const url = `${stack.addresses.http}/tutti.v1.OrchestratorService/SignalRun`;
      const headers = { 'content-type': 'application/json' };
      return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).json();
    };
    expect(await call({ runId: 'nowhere', name: 'x' })).toMatchObject({ code: 'not_found' });
    expect(await call({ runId: 'nowhere', name: '' })).toMatchObject({ code: 'invalid_argument' });
    expect(await call({ runId: 'nowhere', name: ' ' })).toMatchObject({ code: 'invalid_argument' });
    const { runId } = await client.submit({ tasks: [{ key: 'w', signal: 'go' }], outputTask: 'w' });

    expect(await call({ runId, name: 'go', payload: { value: { n: 1 } } })).toEqual({ taskKey: 'w' });
    expect(await output(runId)).toEqual({ n: 1 });
  });
});

describe('time', () => {
  test('timer.yaml', async () => {
    const { runId } = await submitExample('timer');
    expect(await output(runId)).toBe('after settled');
  });

  test('a timer goes on over a restart', async () => {
    const { runId } = await client.submit({
      tasks: [{ key: 't', timer: 1_500, input: 'x' }],
      outputTask: 't',
    });
    await begun(runId, 't');
    await stack.orchestrator.kill();
    await stack.restartOrchestrator();
    expect(await output(runId)).toBe('x');
  });

  test('delay.yaml', async () => {
    const { runId } = await submitExample('delay');
    const held = await untilEvent(client, runId, 'taskHeld', 'first');
    expect(held.change.value).toMatchObject({ reason: StateReason.START_TIME_AHEAD });
    await output(runId);
    const { submitTime } = await client.getRun(runId);
    const [first, second] = await Promise.all(['first', 'second'].map((key) => client.getTask(runId, key)));
    const at = (time: typeof submitTime) => Number(time?.seconds ?? 0) * 1_000 + (time?.nanos ?? 0) / 1e6;
    expect(at(first?.readyTime) - at(submitTime)).toBeGreaterThanOrEqual(200);
    expect(at(second?.readyTime) - at(first?.endTime)).toBeGreaterThanOrEqual(300);
  });
});

describe('child runs', () => {
  test('child-run.yaml', async () => {
    const { runId } = await submitExample('child-run');

    expect(await output(runId)).toEqual({
      greet: 'hello Oslo',
      all: ['hello Oslo', 'hello Rome'],
      why: 'nap',
    });
    const task = await client.getTask(runId, 'greet');
    expect(task.childRunId).toBe(`${runId}~0~1`);
    const child = await client.getRun(task.childRunId);
    expect(child.parent).toMatchObject({ runId, taskKey: 'greet', attempt: 1 });
    expect(child.traceId).toBe((await client.getRun(runId)).traceId);
    const seen: string[] = [];
    for await (const event of client.watch({ runId: child.runId, afterRevision: 0n })) {
      seen.push(event.change.case ?? '');
    }
    expect(seen.at(0)).toBe('runSubmitted');
    expect(seen.at(-1)).toBe('runCompleted');
    const listed: string[] = [];
    for await (const run of client.listRuns()) listed.push(run.runId);
    expect(listed).toContain(child.runId);
    const broken = await client.getTask(runId, 'broken');
    expect(broken.error?.code).toBe('CHILD_RUN_FAILED');
  });

  test('a restart in the middle loses nothing and starts none twice', async () => {
    const { runId } = await client.submit({
      tasks: [{ key: 'c', childRun: 'inner', input: 'x' }],
      outputTask: 'c',
      childSpecs: {
        inner: {
          outputTask: 'then',
          tasks: [
            { key: 'slow', capability: 'sleep', input: { seconds: 1 } },
            { key: 'then', expression: 'input', after: ['slow'] },
          ],
        },
      },
    });
    await begun(runId, 'c');
    await stack.orchestrator.kill();
    await stack.restartOrchestrator();

    expect(await output(runId)).toBe('x');
    const listed: string[] = [];
    for await (const run of client.listRuns()) if (run.parent?.runId === runId) listed.push(run.runId);
    expect(listed).toEqual([`${runId}~0~1`]);
  });

  test('of a workflow: what it says at the submission holds, and its schema', async () => {
    const template = (text: string) => ({
      name: 'greeting',
      inputSchema: { type: 'string' },
      spec: { output: `"${text} " + input`, tasks: [{ key: 'a', expression: '1' }] },
    });
    await client.workflows.put(template('hello'));
    const task = { key: 'c', childRun: { workflow: 'greeting' } };
    const held = await client.submit({
      outputTask: 'c',
      tasks: [
        { key: 'w', signal: 'go' },
        { ...task, after: ['w'], inputExpression: 'results.w' },
      ],
    });
    await client.workflows.put(template('goodbye'));
    await client.signalRun(held.runId, 'go', 'Oslo');
    expect(await output(held.runId)).toBe('hello Oslo');
    const { workflow } = await client.getRun(`${held.runId}~1~1`);
    expect(workflow).toMatchObject({ name: 'greeting', version: 1 });

    const refused = await client.submit({
      tasks: [
        { key: 'w', signal: 'go' },
        { ...task, after: ['w'], inputExpression: 'results.w' },
      ],
    });
    await client.signalRun(refused.runId, 'go', 7);
    await ended(refused.runId);
    expect((await client.getTask(refused.runId, 'c')).error).toMatchObject({ code: 'INPUT_REFUSED' });
    await expect(client.submit({ tasks: [{ ...task, input: 7 }] })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      fieldViolations: [{ field: 'run.spec.tasks[0].input' }],
    });
    await expect(
      client.submit({ tasks: [{ key: 'c', childRun: { workflow: 'missing' } }] }),
    ).rejects.toMatchObject({ reason: 'WORKFLOW_NOT_FOUND' });
  });

  test('a workflow that refers to itself is refused where a run is started from it', async () => {
    await client.workflows.put({
      name: 'endless',
      spec: { tasks: [{ key: 'again', childRun: { workflow: 'endless' } }] },
    });
    await expect(
      client.submit({ tasks: [{ key: 'c', childRun: { workflow: 'endless' } }] }),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', metadata: { depth: '6' } });
  });

  test('what is wrong with a child is told with its place', async () => {
    await expect(
      client.submit({
        tasks: [{ key: 'c', childRun: 'x' }],
        childSpecs: { x: { tasks: [{ key: 'a', expression: 'nonsense(' }] } },
      }),
    ).rejects.toMatchObject({
      reason: 'INVALID_EXPRESSION',
      fieldViolations: [{ field: 'run.spec.child_specs["x"].tasks[0].expression' }],
    });
  });
});

test('expression.yaml: B.3', async () => {
  const { runId } = await submitExample('expression');
  expect(await output(runId)).toEqual([{ prices: [6, 8, 10], first: 'COMPLETED' }, 'EXPRESSION_FAILED']);
});
