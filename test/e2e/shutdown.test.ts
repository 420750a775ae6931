// What a restart in order looks like from outside (issue 4, item 8; promises 1, 3, 4 and 6): clients and executors of
// the SDK see a delay and no error, and those that speak the protocol themselves are told what to do.
// docs/shutdown.md tells the same.

import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:http2';
import type { Socket } from 'node:net';
import { type Client, createClient, type TuttiError } from '@tutti/client/client';
import { createExecutor } from '@tutti/client/executor';
import { Health } from '@tutti/proto/grpc/health/v1/health_pb.ts';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { expect, onTestFinished, test } from 'vitest';
import { startNatsPair } from '../support/nats-pair.ts';
import { openRawStream } from '../support/raw-stream.ts';
import { type Scene, setScene } from '../support/scene.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { readStored } from '../support/stored.ts';

const { watch } = OrchestratorService.method;
const CLEAN = { code: 0, signal: null };
const SUBMITTERS = 4;

/** Submits chains of three and waits for each, until told to end. Rejects with whatever a client is told. */
function keepBusy(scene: Scene) {
  const ended: string[] = [];
  let goOn = true;
  let onEnded = () => {};
  const submitter = async (name: string) => {
    for (let number = 1; goOn; number += 1) {
      const runId = `${name}-${number}`;
      await scene.submit(runId, {
        tasks: [
          { key: 'a', capability: 'shutdown.count', input: runId },
          { key: 'b', capability: 'sleep', input: { seconds: 0.02 }, after: ['a'] },
          { key: 'c', capability: 'echo', input: 'x', after: ['b'] },
        ],
      });
      const { succeeded } = await scene.client.run(runId).wait();
      if (!succeeded) throw new Error(`${runId} did not succeed`);
      ended.push(runId);
      onEnded();
    }
  };
  const all = Promise.all(Array.from({ length: SUBMITTERS }, (_, index) => submitter(`busy-${index}`)));
  return {
    ended,
    /** Resolves once so many more have ended. */
    more(count: number): Promise<void> {
      const target = ended.length + count;
      const reached = new Promise<void>((resolve) => {
        onEnded = () => ended.length >= target && resolve();
      });
      return Promise.race([reached, all.then(() => {})]);
    },
    async end(): Promise<void> {
      goOn = false;
      await all;
    },
  };
}

/** An executor of the SDK in this process: how often was each run's first task done, and what was it told? */
async function startCounting(stack: Stack) {
  const calls: string[] = [];
  const faults: unknown[] = [];
  const note = (...said: unknown[]) => void faults.push(said);
  const executor = createExecutor({
    servers: stack.addresses.nats,
    logger: { debug() {}, info() {}, warn() {}, error: note },
    capabilities: { 'shutdown.count': (runId: string) => void calls.push(runId) },
  });
  onTestFinished(() => executor.stop());
  await executor.start();
  return { calls, faults };
}

/** Nobody was told of an error, nothing is lost, no attempt was wasted. */
async function expectNoTrace(
  scene: Scene,
  busy: ReturnType<typeof keepBusy>,
  { calls, faults }: Awaited<ReturnType<typeof startCounting>>,
): Promise<void> {
  await busy.end();
  const { follower } = scene;
  for (const runId of busy.ended) await follower.until(`${runId} has ended`, () => follower.ended(runId));
  const { violations, attempts, runs } = await scene.judge();
  expect(violations).toEqual([]);
  expect([...runs.values()].filter(({ end }) => end !== 'runCompleted')).toEqual([]);
  expect(attempts.filter(({ number }) => number > 1)).toEqual([]);
  expect([calls.length, new Set(calls).size]).toEqual([busy.ended.length, busy.ended.length]);
  expect(faults).toEqual([]);
}

test('processes are restarted under load: nobody sees an error, nothing is lost, nothing is done twice', async () => {
  await using scene = await setScene({ executors: 2 });
  const { stack } = scene;
  const counting = await startCounting(stack);
  const busy = keepBusy(scene);
  await busy.more(6);

  expect(await stack.orchestrator.stop()).toEqual(CLEAN);
  await stack.restartOrchestrator();
  await busy.more(6);
  expect(await stack.executors[0]?.stop()).toEqual(CLEAN);
  await stack.startExecutor('executor-1');
  // Who has only just begun to serve again.
  expect(await stack.orchestrator.stop()).toEqual(CLEAN);
  await stack.restartOrchestrator();
  await busy.more(6);
  await expectNoTrace(scene, busy, counting);
});

test('a nats-server of a cluster is stopped as a lame duck: everybody moves to the other, unseen', async () => {
  await using pair = await startNatsPair();
  await using scene = await setScene({ executors: 2, natsUrl: pair.url });
  const { stack } = scene;
  const counting = await startCounting(stack);
  const busy = keepBusy(scene);
  await busy.more(4);
  // That of the orchestrator, and of whoever else took it.
  const connected = stack.orchestrator.lastLines().find((line) => line.includes('"connected to NATS"'));
  const leaving = pair.servers.find(({ port }) => connected?.includes(`:${port}"`));
  if (leaving === undefined) throw new Error(`the orchestrator is at none of the two: ${connected}`);
  process.kill(leaving.pid, 'SIGUSR2');
  await leaving.exited;
  await busy.more(4);
  await expectNoTrace(scene, busy, counting);
  expect(stack.orchestrator.lastLines().join('\n')).toContain('"reconnected to NATS"');
});

/** One after the other, without a repeat, until one is refused. */
async function submitUntilRefused(client: Client, name: string, onAcknowledged: () => void) {
  const acknowledged: string[] = [];
  for (let number = 1; ; number += 1) {
    const runId = `${name}-${number}`;
    try {
      await client.submit({ capability: 'shutdown.nobody' }, { runId });
    } catch (error) {
      return { acknowledged, refused: runId, error: error as TuttiError };
    }
    acknowledged.push(runId);
    onAcknowledged();
  }
}

test('what was taken is answered, what comes later is refused with a time, and streams end after the last event', async () => {
  // Streams have a tenth of it for their last events.
  await using stack = await startStack({ executors: 0, orchestratorArgs: ['--shutdown-grace-ms', '600000'] });
  const impatient = createClient({ address: stack.addresses.grpc, retry: { maxAttempts: 1 } });
  onTestFinished(() => impatient.close());
  using watching = openRawStream(stack.addresses.grpc, watch, { afterRevision: 0n });
  using health = openRawStream(stack.addresses.grpc, Health.method.watch, {});
  await Promise.all([watching.first, health.first]);
  let left = 40;
  const enough = Promise.withResolvers<void>();
  const onAcknowledged = () => --left === 0 && enough.resolve();
  const submitting = Array.from({ length: 8 }, (_, index) =>
    submitUntilRefused(impatient, `s-${index}`, onAcknowledged),
  );
  await enough.promise;
  // Commits are under way at any moment.
  expect(await stack.orchestrator.stop()).toEqual(CLEAN);

  const outcomes = await Promise.all(submitting);
  const { messages, error } = await watching.ended;
  expect(error).toMatchObject({ code: 'UNAVAILABLE', reason: 'NOT_SERVING', retryDelayMs: 1_000 });
  expect((await health.ended).messages.map(({ status }) => status)).toEqual([1, 2]);
  await stack.restartOrchestrator();
  // Nobody takes work, so nothing has happened since.
  const { latestRevision } = await readStored(stack);
  expect(String(messages.at(-1)?.revision)).toBe(latestRevision);
  const seen = messages.flatMap(({ events }) => events.map(({ revision }) => Number(revision)));
  expect(seen).toEqual(Array.from({ length: Number(latestRevision) }, (_, index) => index + 1));

  const client = createClient({ address: stack.addresses.grpc });
  onTestFinished(() => client.close());
  const kept = new Set<string>();
  for await (const { runId } of client.listRuns()) kept.add(runId);
  for (const { acknowledged, refused, error } of outcomes) {
    for (const runId of acknowledged) expect(kept).toContain(runId);
    expect(error.code).toBe('UNAVAILABLE');
    // Without a reason, nobody answered any more; this one may have been taken or not.
    if (error.reason === '') continue;
    expect(error).toMatchObject({ reason: 'NOT_SERVING', retryDelayMs: 1_000 });
    expect(kept).not.toContain(refused);
  }
});

/** Somebody who begins a call through each door, and never says the rest of it. */
async function hangOn({ addresses }: Stack): Promise<Disposable> {
  const path = '/tutti.v1.OrchestratorService/SubmitRun';
  const grpc = connect(`http://${addresses.grpc}`);
  grpc.on('error', () => {});
  const call = grpc.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  call.on('error', () => {});
  const http = request(`${addresses.http}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': '100' },
  });
  http.on('error', () => {});
  http.write('{');
  const connected = once(http, 'socket').then(([socket]) => once(socket as Socket, 'connect'));
  await Promise.all([once(grpc, 'remoteSettings'), connected]);
  // A server answers this behind what came before on the connection.
  await new Promise<void>((resolve) => grpc.ping(() => resolve()));
  return {
    [Symbol.dispose]() {
      grpc.destroy();
      http.destroy();
    },
  };
}

test('a client that hangs holds nobody up for longer than its share of the grace', async () => {
  await using stack = await startStack({ executors: 0, orchestratorArgs: ['--shutdown-grace-ms', '10000'] });
  using _hanging = await hangOn(stack);
  // After the whole grace it would be 1.
  expect(await stack.orchestrator.stop()).toEqual(CLEAN);
});

test('a second signal hurries: it waits for no client any more, and ends well', async () => {
  await using stack = await startStack({
    executors: 0,
    orchestratorArgs: ['--shutdown-grace-ms', '3600000'],
  });
  using _hanging = await hangOn(stack);
  const { orchestrator } = stack;
  // What comes within half a second of the first is the same wish.
  const again = setInterval(() => void orchestrator.kill('SIGTERM'), 100);
  onTestFinished(() => clearInterval(again));
  expect(await orchestrator.kill('SIGTERM')).toEqual(CLEAN);
  expect(orchestrator.lastLines().join('\n')).toContain('told again to stop');
});
