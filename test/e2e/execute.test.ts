// G.3, and promise 1 for those who wait: a run is submitted and waited for in one call, over each door, and through a
// process that is killed meanwhile.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type TuttiError } from '@tutti/client/client';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { postJson } from '../support/curl.ts';
import { type NatsProcess, startNatsProcess } from '../support/nats-process.ts';
import { type Stack, startStack } from '../support/stack.ts';

let folder = '';
let nats: NatsProcess | undefined;
let stack: Stack;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-execute-'));
  // Of its own, so that the executor does not lose it with the orchestrator.
  nats = await startNatsProcess(folder, () => {});
  stack = await startStack({ executors: 1, natsUrl: nats.url });
});
afterAll(async () => {
  await stack?.stop();
  await nats?.dispose();
  rmSync(folder, { recursive: true });
});

const { submitRun, getRun } = OrchestratorService.method;

function connect() {
  const client = createClient({ address: stack.addresses.grpc });
  onTestFinished(() => client.close());
  return client;
}

test('over gRPC: the end that is told is what GetRun tells', async () => {
  const client = connect();
  const input = { data: { case: 'bytes' as const, value: new TextEncoder().encode('{"n":1}') } };
  const spec = {
    name: 'grpc',
    labels: { b: '2', a: '1' },
    input,
    output: '{"given": input, "got": results.a}',
    tasks: [
      { key: 'a', capability: 'echo', input },
      { key: 'b', capability: 'echo', input, dependencies: [{ key: 'a' }] },
    ],
  };
  const { runId, finished, run } = await client.call(
    submitRun,
    {
      run: { spec },
      wait: { seconds: 60n },
    },
    { timeoutMs: 70_000 },
  );
  expect(finished).toBe(true);
  expect(run).toMatchObject({ state: RunState.COMPLETED, tasks: { completed: 2 } });
  expect(run).toEqual((await client.call(getRun, { runId })).run);
});

test('over HTTP with curl, in JSON', async () => {
  const url = (method: string) => `${stack.addresses.http}/tutti.v1.OrchestratorService/${method}`;
  const spec = {
    outputTask: 'a',
    tasks: [{ key: 'a', capability: 'echo', input: { value: { words: ['x', null] } } }],
  };
  const form = { payloadForm: 'PAYLOAD_FORM_VALUE' };
  const answer = await postJson(url('SubmitRun'), { run: { runId: 'curl', spec }, wait: '20s', ...form });
  expect(answer.status).toBe(200);
  const { run } = (await postJson(url('GetRun'), { runId: 'curl', ...form })).json() as { run: object };
  expect(answer.json()).toEqual({ runId: 'curl', revision: expect.any(String), finished: true, run });
  expect(run).toMatchObject({ state: 'RUN_STATE_COMPLETED', output: { value: { words: ['x', null] } } });

  const bad = await postJson(url('SubmitRun'), { run: { spec }, wait: '3601s' });
  expect(bad).toMatchObject({ status: 400 });
  expect((bad.json() as { message: string }).message).toMatch(/^wait /);
});

test('bad input: a wait below zero or above an hour is refused with its field', async () => {
  const client = connect();
  const run = { spec: { tasks: [{ key: 'a', capability: 'echo' }] } };
  for (const wait of [{ seconds: -1n }, { seconds: 3_601n }]) {
    const refusal = await client.call(submitRun, { run, wait }).catch((error: TuttiError) => error);
    expect(refusal).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_FIELD',
      fieldViolations: [{ field: 'wait' }],
    });
  }
});

test.each(['kill', 'stop'] as const)(
  'the orchestrator is restarted (%s) while a client waits: it gets the end of its one run',
  async (how) => {
    const client = connect();
    const labels = { how };
    const runIds = async () => {
      const ids: string[] = [];
      for await (const { runId } of client.listRuns({ labels })) ids.push(runId);
      return ids;
    };
    const watchers = async () => {
      const metrics = await (await fetch(`${stack.addresses.http}/metrics`)).text();
      return /^tutti_watchers (\d+)$/m.exec(metrics)?.[1];
    };
    const executed = client.execute({ labels, tasks: [{ key: 'word', signal: 'go' }] });
    await expect.poll(watchers).toBe('1');
    const [runId = ''] = await runIds();

    await stack.orchestrator[how]();
    await stack.restartOrchestrator();
    await client.signalRun(runId, 'go');
    const { finished, succeeded, run, handle } = await executed;
    expect([finished, succeeded, handle.runId]).toEqual([true, true, runId]);
    expect(run).toEqual(await client.getRun(runId));
    expect(await runIds()).toEqual([runId]);
    await expect.poll(watchers).toBe('0');
  },
);
