// DESIGN section 7 over a real nats-server: executors add tasks to the run of an attempt that they hold.

import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import type { NatsConnection } from '@nats-io/transport-node';
import { ErrorReason } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import {
  AdditionRequestSchema,
  AdditionResponseSchema,
  RegisterRequestSchema,
  RegisterResponseSchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chainOf, type Fixture, startFixture } from '../runtime/orchestrator-fixture.ts';
import { createExecutorGateway, type ExecutorGateway } from './gateway.ts';
import { createSubjects } from './subjects.ts';
import { NO_TRACING, startTestNats, type TestNats } from './test-support.ts';

let nats: TestNats;
let executor: NatsConnection;
let runtime: Fixture;
let gateway: ExecutorGateway;

beforeAll(async () => {
  nats = await startTestNats();
  executor = await nats.client();
  runtime = await startFixture();
  gateway = createExecutorGateway({
    link: await nats.link(),
    subjects: createSubjects('tutti.v1'),
    orchestrator: runtime.orchestrator,
    validator: createValidator(),
    tracing: NO_TRACING,
    logger: nats.logger,
  });
  await gateway.start();
}, 600_000);

afterAll(async () => {
  await gateway?.stop();
  await runtime?.orchestrator.stop();
  await nats?.close();
});

async function register(executorId: string): Promise<string> {
  const request = { executorId, slots: 1, capabilities: [{ name: 'work' }] };
  const answer = await executor.request(
    'tutti.v1.default.executors.register',
    toBinary(RegisterRequestSchema, create(RegisterRequestSchema, request)),
  );
  const { result } = fromBinary(RegisterResponseSchema, answer.data);
  return result.case === 'registration' ? result.value.session : '';
}

async function add(request: MessageInitShape<typeof AdditionRequestSchema> | Uint8Array) {
  const bytes =
    request instanceof Uint8Array
      ? request
      : toBinary(AdditionRequestSchema, create(AdditionRequestSchema, request));
  const answer = await executor.request('tutti.v1.default.additions', bytes);
  const { result } = fromBinary(AdditionResponseSchema, answer.data);
  return result.case === 'ack' ? result.value.addedCount : result.value?.reason;
}

test('DESIGN 7: by lease and session, as often as it is said, and by nobody else', async () => {
  await runtime.orchestrator.call('default', 'SubmitRun', chainOf('r', ['plan']));
  const session = await register('planner');
  await expect.poll(() => runtime.assigned().length).toBe(1);
  const leaseToken = runtime.assigned()[0]?.leaseToken ?? '';
  const tasks = [
    { key: 'a', capability: 'work' },
    { key: 'b', capability: 'work', dependencies: [{ key: 'a' }, { key: 'plan' }] },
  ];
  const mine = { executorId: 'planner', session, leaseToken, tasks };

  expect(await add(mine)).toBe(2);
  expect(await add(mine)).toBe(0);
  const other = await register('another');
  expect(await add({ ...mine, executorId: 'another', session: other })).toBe(ErrorReason.NO_LEASE);
  expect(await add({ ...mine, leaseToken: 'unknown' })).toBe(ErrorReason.NO_LEASE);
  expect(await add({ ...mine, session: 'old' })).toBe(ErrorReason.UNKNOWN_SESSION);
  expect(await add({ ...mine, leaseToken: '' })).toBe(ErrorReason.INVALID_FIELD);
  expect(await add({ ...mine, tasks: [] })).toBe(ErrorReason.INVALID_FIELD);
  expect(await add({ ...mine, tasks: [{ key: 'x#0', capability: 'work' }] })).toBe(ErrorReason.INVALID_FIELD);
  expect(
    await add({ ...mine, tasks: [{ key: 'c', capability: 'work', dependencies: [{ key: 'x' }] }] }),
  ).toBe(ErrorReason.UNKNOWN_DEPENDENCY);
  expect(await add(new Uint8Array([255, 1]))).toBe(ErrorReason.MALFORMED_MESSAGE);
});
