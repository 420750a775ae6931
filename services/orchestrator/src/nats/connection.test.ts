// Issue 2: nats-server is killed and started again without a failed task; nothing is kept without bound.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import {
  HeartbeatRequestSchema,
  HeartbeatResponseSchema,
  TaskBatchSchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { expect, test } from 'vitest';
import { accept } from '../domain/rejection.ts';
import { connectNats } from './connection.ts';
import { createExecutorTransport } from './deliveries.ts';
import { createExecutorGateway } from './gateway.ts';
import { launchServer } from './server/launch.ts';
import { freePort } from './server/probe.ts';
import { startNatsServer } from './server/start.ts';
import { createSubjects } from './subjects.ts';
import {
  assignmentOf,
  createScriptedOrchestrator,
  NO_TRACING,
  startTestNats,
  until,
  useTestNats,
} from './test-support.ts';

const subjects = createSubjects('tutti.v1');
const nats = useTestNats();

test('after nats-server was killed, requests are answered and assignments arrive again', async () => {
  const link = await nats.link();
  const orchestrator = createScriptedOrchestrator({
    Heartbeat: () => accept({ dropped: [], cancellations: [], missing: [] }),
  });
  const { logger } = nats;
  const tracing = NO_TRACING;
  const gateway = createExecutorGateway({
    link,
    subjects,
    orchestrator,
    validator: createValidator(),
    tracing,
    logger,
  });
  await gateway.start();
  const transport = createExecutorTransport({ link, subjects, tracing, logger });
  const executor = await nats.client();
  const tokens: string[] = [];
  executor.subscribe('tutti.v1.default.tasks.echo.e-1', {
    callback: (_error, { data }) => {
      tokens.push(...fromBinary(TaskBatchSchema, data).assignments.map(({ leaseToken }) => leaseToken));
    },
  });
  const assign = (leaseToken: string) =>
    transport.deliver('default', [
      { type: 'Assign', executorId: 'e-1', assignment: assignmentOf({ leaseToken }) },
    ]);
  const heartbeat = async (timeout: number) => {
    const request = create(HeartbeatRequestSchema, { executorId: 'e-1', session: 's' });
    const bytes = toBinary(HeartbeatRequestSchema, request);
    const reply = await executor.request('tutti.v1.default.executors.heartbeat', bytes, { timeout });
    return fromBinary(HeartbeatResponseSchema, reply.data).result.case;
  };
  expect(await heartbeat(30_000)).toBe('ack');

  process.kill(nats.server.pid(), 'SIGKILL');
  await until(() => !link.connected(), 'the loss to be noticed');
  assign('lost');
  expect(link.publish('tutti.v1.x', new Uint8Array(1))).toBe(false);
  expect(link.droppedMessages()).toBe(1);
  await until(() => link.connected(), 'the connection to come back');

  // The executor reconnects by itself, and repeats until it is answered.
  let answer: string | undefined;
  for (let attempt = 0; attempt < 100 && answer === undefined; attempt += 1) {
    answer = await heartbeat(500).catch(() => undefined);
  }
  expect(answer).toBe('ack');
  assign('again');
  await until(() => tokens.length > 0, 'an assignment to arrive');
  // What was dropped meanwhile stays dropped: it comes with a heartbeat, not out of a buffer.
  expect(tokens).toEqual(['again']);
  await gateway.stop();
});

test('what the server has not confirmed is bounded: beyond it, messages are dropped, then taken again', async () => {
  const link = await nats.link({ maxUnconfirmedBytes: 3_000_000 });
  const bytes = new Uint8Array(1_000_000);
  const sent = Array.from({ length: 6 }, () => link.publish('tutti.v1.test.bulk', bytes));
  expect(sent).toEqual([true, true, true, true, false, false]);
  expect(link.droppedMessages()).toBe(2);
  await until(() => link.publish('tutti.v1.test.bulk', bytes), 'the server to confirm');
});

test('a server that comes later is waited for', async () => {
  const port = await freePort('127.0.0.1');
  const linking = connectNats({ servers: [`nats://127.0.0.1:${port}`], logger: nats.logger });
  await until(
    () => nats.logged.some(({ message }) => message === 'NATS is not there yet'),
    'a first failure',
  );
  const server = await startNatsServer({ binary: nats.binary, port });
  try {
    const link = await linking;
    expect(link.connected()).toBe(true);
    await link.close();
  } finally {
    await server.stop();
  }
});

test('a server that never comes is not waited for any more once that is said', async () => {
  const port = await freePort('127.0.0.1');
  const ending = new AbortController();
  const servers = [`nats://127.0.0.1:${port}`];
  const linking = connectNats({ servers, logger: nats.logger, signal: ending.signal });
  const rejected = expect(linking).rejects.toThrow('not wanted any more');
  await until(
    () => nats.logged.some(({ message }) => message === 'NATS is not there yet'),
    'a first failure',
  );
  ending.abort(new Error('not wanted any more'));
  await rejected;
});

test('a server that never comes is an error that names the address and the remedy', async () => {
  const port = await freePort('127.0.0.1');
  const servers = [`nats://127.0.0.1:${port}`];
  await expect(connectNats({ servers, logger: nats.logger, firstConnectTimeoutMs: 300 })).rejects.toThrow(
    `No NATS server could be reached at nats://127.0.0.1:${port}`,
  );
});

test('credentials are used, and wrong ones are an error at once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tutti-nats-auth-'));
  const port = await freePort('127.0.0.1');
  const configFile = join(folder, 'nats.conf');
  const serverName = 'with-password';
  await writeFile(
    configFile,
    `server_name: ${serverName}\nhost: "127.0.0.1"\nport: ${port}\nauthorization { user: tutti, password: right }\n`,
  );
  const { binary, logger } = nats;
  const launch = { binary, configFile, host: '127.0.0.1', port, serverName, env: process.env, log: () => {} };
  const server = await launchServer(launch);
  try {
    const servers = [`nats://127.0.0.1:${port}`];
    const link = await connectNats({ servers, logger, user: 'tutti', password: 'right' });
    await link.flush();
    await link.close();
    const startedAt = performance.now();
    await expect(connectNats({ servers, logger, user: 'tutti', password: 'wrong' })).rejects.toThrow(
      /refuses these credentials/,
    );
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
});

test('a server that is about to shut down is left for another one', async () => {
  const both = [await startTestNats(), await startTestNats()] as const;
  const [{ logged, link: connectTo }, { server: other }] = both;
  try {
    const link = await connectTo({ servers: both.map(({ server }) => server.url) });
    const serverOf = (message: string) =>
      logged.map((line) =>
        line.message === message ? (line.fields as { server: string }).server : undefined,
      );
    const [first] = serverOf('connected to NATS').filter((server) => server !== undefined);
    const leaving = other.url.endsWith(`${first}`) ? both[1] : both[0];
    // Lame duck mode: the server takes no more clients, and sends away those it has, one by one.
    process.kill(leaving.server.pid(), 'SIGUSR2');
    const second = () => serverOf('reconnected to NATS').find((server) => server !== undefined);
    await until(() => second() !== undefined, 'a reconnect');
    expect(second()).not.toBe(first);
    expect(link.connected()).toBe(true);
    // A lame duck hears no SIGTERM any more; stop() would wait for its limit.
    process.kill(leaving.server.pid(), 'SIGKILL');
  } finally {
    await Promise.all(both.map((each) => each.close()));
  }
});

test('close ends the connection, is no failure, and drops what comes after it', async () => {
  const link = await nats.link();
  await link.close();
  expect(await link.closed).toBeUndefined();
  expect(link.connected()).toBe(false);
  expect(link.publish('tutti.v1.x', new Uint8Array(1))).toBe(false);
  await link.close();
});
