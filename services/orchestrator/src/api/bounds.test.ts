// What do clients meet who open calls without end, or never take what they asked for?

import { once } from 'node:events';
import { connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { create, toBinary } from '@bufbuild/protobuf';
import { GetTaskRequestSchema, OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { expect, onTestFinished, test } from 'vitest';
import { StoreError } from '../store/port.ts';
import {
  type Doors,
  grpcClient,
  openDoors,
  openDoorsTo,
  postJson,
  type Refusal,
  refusalOfJson,
  refused,
} from './doors-fixture.ts';

const spec = { tasks: [{ key: 'x', capability: 'work' }] };
const REFUSAL_OF_BYTES = { code: 8, metadata: { resource: 'answer_bytes', limit: '100000' } };
const GET_TASK = '/tutti.v1.OrchestratorService/GetTask';

test('so many calls may be open at once, over both doors', async () => {
  const { grpc, http } = await openDoors({ boundsLimits: { maxOpenCalls: 1, maxAnswerBytes: 1 } });
  const client = grpcClient(grpc, OrchestratorService);
  await client.call('SubmitRun', { run: { runId: 'r', spec } });
  const watch = client.stream('Watch', { runId: 'r', afterRevision: 0n });
  await once(watch, 'data');

  const refusal = {
    reason: 'LIMIT_REACHED',
    metadata: { resource: 'open_calls', limit: '1' },
    retryDelayMs: 1_000,
  };
  expect(await refused(client.call('GetRun', { runId: 'r' }))).toMatchObject({ code: 8, ...refusal });
  const overHttp = await postJson(http, 'GetRun', { runId: 'r' });
  expect(overHttp.status).toBe(429);
  expect(refusalOfJson(overHttp.body)).toMatchObject(refusal);

  watch.on('error', () => {});
  watch.cancel();
  await once(watch, 'end').catch(() => {});
  await untilServed(() => client.call('GetRun', { runId: 'r' }));
});

test('a reader of gRPC that never reads keeps others from reading only up to a limit, and until it is gone', async () => {
  const doors = await openWithLargeTask();
  const session = connect(`http://${doors.grpc}`, { settings: { initialWindowSize: 0 } });
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  const message = toBinary(GetTaskRequestSchema, create(GetTaskRequestSchema, { runId: 'r', taskKey: 'x' }));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.byteLength, 1);
  const stream = session.request({
    ':method': 'POST',
    ':path': GET_TASK,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', () => {});
  stream.end(Buffer.concat([head, message]));
  await once(stream, 'response');

  await expectUntakenToCount(doors);
  session.destroy();
  await untilServed(() => grpcClient(doors.grpc, OrchestratorService).call('GetRun', { runId: 'r' }));
});

test('a reader of HTTP that never reads counts in the same way', async () => {
  const doors = await openWithLargeTask();
  const { hostname, port } = new URL(doors.http);
  const socket = connectSocket(Number(port), hostname).pause();
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  const body = JSON.stringify({ runId: 'r', taskKey: 'x' });
  // More than the buffers of the sockets between the two hold.
  for (let sent = 0; sent < 100; sent += 1) {
    socket.write(
      `POST ${GET_TASK} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
  }

  await expectUntakenToCount(doors);
  socket.destroy();
  await untilServed(() => grpcClient(doors.grpc, OrchestratorService).call('GetRun', { runId: 'r' }));
});

test.each(['grpc', 'http'] as const)(
  'connections of %s beyond the limit are closed as they come',
  async (door) => {
    const doors = await openDoors({ maxConnections: 2 });
    const port = door === 'grpc' ? doors.grpcPort : Number(new URL(doors.http).port);
    const open = async () => {
      const socket = connectSocket(port, '127.0.0.1');
      socket.on('error', () => {});
      onTestFinished(() => void socket.destroy());
      await once(socket, 'connect');
      return socket;
    };
    await open();
    const second = await open();
    const third = await open();
    await once(third.resume(), 'close');
    second.destroy();
    const isTaken = async () => {
      const socket = (await open()).resume();
      const closed = once(socket, 'close').then(() => undefined);
      return Promise.race([closed, new Promise<true>((resolve) => setTimeout(resolve, 50, true))]);
    };
    expect(await until(isTaken)).toBe(true);
  },
);

test('so many streams of one connection of HTTP/2 may be open: clients are told before', async () => {
  const { http } = await openDoors();
  const session = connect(http);
  onTestFinished(() => session.destroy());
  const [settings] = await once(session, 'remoteSettings');
  expect(settings).toMatchObject({ maxConcurrentStreams: 1_000 });
});

test('a request that is too large is refused over HTTP, and waiting does not help', async () => {
  const { http } = await openDoors();
  const labels = { a: 'x'.repeat(16 * 1024 * 1024) };
  const { status, body } = await postJson(http, 'SubmitRun', { run: { spec: { ...spec, labels } } });
  expect(status).toBe(429);
  expect(refusalOfJson(body)).toMatchObject({
    metadata: { resource: 'message_bytes' },
    retryDelayMs: undefined,
  });
});

test('a store that has too much to do is told as that, and not as a defect', async () => {
  const { runtime } = await openDoors();
  const full = async () => {
    throw new StoreError('FULL', 'too many wait');
  };
  const { orchestrator } = runtime;
  const doors = await openDoorsTo({ ...orchestrator, queries: { ...orchestrator.queries, listRuns: full } });
  const refusal = await refused(grpcClient(doors.grpc, OrchestratorService).call('ListRuns', {}));
  expect(refusal).toMatchObject({ code: 8, metadata: { resource: 'store_reads' }, retryDelayMs: 1_000 });
  expect(doors.logged).toEqual([]);
});

async function openWithLargeTask(): Promise<Doors> {
  const doors = await openDoors({ boundsLimits: { maxOpenCalls: 1_000, maxAnswerBytes: 100_000 } });
  const input = { data: { case: 'bytes' as const, value: new Uint8Array(200_000) } };
  const tasks = [{ key: 'x', capability: 'work', input }];
  await grpcClient(doors.grpc, OrchestratorService).call('SubmitRun', {
    run: { runId: 'r', spec: { tasks } },
  });
  return doors;
}

/** Nobody reads, and everybody may still act. */
async function expectUntakenToCount({ grpc }: Doors): Promise<void> {
  const client = grpcClient(grpc, OrchestratorService);
  const refusal = await untilRefused(() => client.call('GetRun', { runId: 'r' }));
  expect(refusal).toMatchObject(REFUSAL_OF_BYTES);
  const waits = { run: { runId: 'w', spec }, wait: { seconds: 1n } };
  expect(await refused(client.call('SubmitRun', waits))).toMatchObject(REFUSAL_OF_BYTES);
  expect(await client.call('SubmitRun', { run: waits.run })).toMatchObject({ existed: false });
  expect(await client.call('SignalRun', { runId: 'r', name: 's' })).toBeDefined();
}

async function untilRefused(call: () => Promise<unknown>): Promise<Refusal> {
  const answer = await until(async () => refused(call()).catch(() => undefined));
  if (answer === undefined) throw new Error('it was never refused');
  return answer;
}

async function untilServed(call: () => Promise<unknown>): Promise<void> {
  const isServed = () =>
    call().then(
      () => true,
      () => undefined,
    );
  if ((await until(isServed)) === undefined) throw new Error('it was never served');
}

/** What becomes so within 10 s. */
async function until<T>(ask: () => Promise<T | undefined>): Promise<T | undefined> {
  for (let asked = 0; asked < 500; asked += 1) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return undefined;
}
