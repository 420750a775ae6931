// Issue 2: nats-server is killed and started again without a failed task; nothing is kept without bound.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import {
  HeartbeatRequestSchema,
  HeartbeatResponseSchema,
  TaskBatchSchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accept } from '../domain/rejection.ts';
import { connectNats } from './connection.ts';
import { createExecutorTransport } from './deliveries.ts';
import { createExecutorGateway } from './gateway.ts';
import { freePort } from './server/probe.ts';
import { startNatsServer } from './server/start.ts';
import { createSubjects } from './subjects.ts';
import {
  assignmentOf,
  createScriptedOrchestrator,
  NO_TRACING,
  startTestNats,
  type TestNats,
  until,
} from './test-support.ts';

const subjects = createSubjects('tutti.v1');
let nats: TestNats;

beforeAll(async () => {
  nats = await startTestNats();
}, 600_000);

afterAll(async () => {
  await nats?.close();
});

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
  const heartbeat = async () => {
    const request = create(HeartbeatRequestSchema, { executorId: 'e-1', session: 's' });
    const bytes = toBinary(HeartbeatRequestSchema, request);
    const reply = await executor.request('tutti.v1.default.executors.heartbeat', bytes, { timeout: 500 });
    return fromBinary(HeartbeatResponseSchema, reply.data).result.case;
  };
  expect(await heartbeat()).toBe('ack');

  process.kill(nats.server.pid(), 'SIGKILL');
  await until(() => !link.connected(), 'the loss to be noticed');
  assign('lost');
  expect(link.publish('tutti.v1.x', new Uint8Array(1))).toBe(false);
  expect(link.droppedMessages()).toBe(1);
  await until(() => link.connected(), 'the connection to come back');

  // The executor reconnects by itself, and repeats until it is answered.
  let answer: string | undefined;
  for (let attempt = 0; attempt < 40 && answer === undefined; attempt += 1) {
    answer = await heartbeat().catch(() => undefined);
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

test('a server that never comes is an error that names the address and the remedy', async () => {
  const port = await freePort('127.0.0.1');
  const servers = [`nats://127.0.0.1:${port}`];
  await expect(connectNats({ servers, logger: nats.logger, firstConnectTimeoutMs: 300 })).rejects.toThrow(
    `No NATS server could be reached at nats://127.0.0.1:${port}`,
  );
});

test('close ends the connection, is no failure, and drops what comes after it', async () => {
  const link = await nats.link();
  await link.close();
  expect(await link.closed).toBeUndefined();
  expect(link.connected()).toBe(false);
  expect(link.publish('tutti.v1.x', new Uint8Array(1))).toBe(false);
  await link.close();
});
