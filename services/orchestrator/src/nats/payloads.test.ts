// BEHAVIOURS B.4 over a real nats-server: how executors put and get payloads that are stored apart.

import { createHash } from 'node:crypto';
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import type { NatsConnection } from '@nats-io/transport-node';
import { ErrorReason } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import {
  GetPayloadReplySchema,
  PutPayloadReplySchema,
  RegisterRequestSchema,
  RegisterResponseSchema,
  ReportRequestSchema,
  ReportResponseSchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import {
  GetPayloadRequestSchema,
  PutPayloadRequestSchema,
} from '@tutti/proto/tutti/v1/payload_service_pb.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fixture, startFixture } from '../runtime/orchestrator-fixture.ts';
import { createExecutorGateway, type ExecutorGateway } from './gateway.ts';
import { createSubjects } from './subjects.ts';
import { NO_TRACING, startTestNats, type TestNats } from './test-support.ts';

const CONTENT = Buffer.alloc(1_300_000, 'a content that takes three parts; ');
const PART_BYTES = 524_288;
const sha256 = createHash('sha256').update(CONTENT).digest();
const sizeBytes = BigInt(CONTENT.length);

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

async function ask<Request extends DescMessage, Reply extends DescMessage>(
  subject: string,
  request: Request,
  init: MessageInitShape<Request>,
  reply: Reply,
) {
  const bytes = toBinary(request, create(request, init));
  return fromBinary(reply, (await executor.request(subject, bytes, { timeout: 30_000 })).data);
}

const put = async (init: MessageInitShape<typeof PutPayloadRequestSchema>, namespace = 'default') => {
  const request = { uploadId: 'u', sha256, sizeBytes, ...init };
  const subject = `tutti.v1.${namespace}.payloads.put`;
  return (await ask(subject, PutPayloadRequestSchema, request, PutPayloadReplySchema)).result;
};
const get = async (init: MessageInitShape<typeof GetPayloadRequestSchema>, namespace = 'default') => {
  const subject = `tutti.v1.${namespace}.payloads.get`;
  return (await ask(subject, GetPayloadRequestSchema, { sha256, ...init }, GetPayloadReplySchema)).result;
};
const refused = (reason: ErrorReason) => ({ case: 'error', value: { reason } });

test('a payload goes there and back in parts, and stays in its namespace', async () => {
  expect(await get({})).toMatchObject(refused(ErrorReason.PAYLOAD_NOT_FOUND));
  for (let offset = 0; offset < CONTENT.length; offset += PART_BYTES) {
    const bytes = CONTENT.subarray(offset, offset + PART_BYTES);
    const nextOffset = BigInt(offset + bytes.length);
    expect(await put({ offset: BigInt(offset), bytes })).toMatchObject({
      case: 'put',
      value: { nextOffset, stored: nextOffset === sizeBytes },
    });
  }
  const pieces: Uint8Array[] = [];
  for (let offset = 0; offset < CONTENT.length; ) {
    const part = await get({ offset: BigInt(offset) });
    if (part.case !== 'part') throw new Error(JSON.stringify(part.value));
    expect(part.value.bytes.length).toBeLessThanOrEqual(PART_BYTES);
    pieces.push(part.value.bytes);
    offset += part.value.bytes.length;
  }
  expect(Buffer.concat(pieces).equals(CONTENT)).toBe(true);
  expect(await get({}, 'other')).toMatchObject(refused(ErrorReason.PAYLOAD_NOT_FOUND));
});

test('what is wrong is refused with its reason', async () => {
  const bytes = CONTENT.subarray(0, 9);
  const small = { sizeBytes: 9n, bytes };
  expect(await put({ ...small, uploadId: 'v', sha256: Buffer.alloc(32) })).toMatchObject(
    refused(ErrorReason.PAYLOAD_MISMATCH),
  );
  expect(await put({ bytes, sizeBytes: 8n, sha256: Buffer.alloc(32) })).toMatchObject(
    refused(ErrorReason.INVALID_FIELD),
  );
  expect(await put({ bytes, sizeBytes: 1n << 40n })).toMatchObject(refused(ErrorReason.PAYLOAD_TOO_LARGE));
  expect(await put({ uploadId: '' })).toMatchObject(refused(ErrorReason.INVALID_FIELD));
  expect(await get({ sha256: Buffer.alloc(3) })).toMatchObject(refused(ErrorReason.INVALID_FIELD));
});

test('a report that refers to nothing that is stored is refused, and names the field', async () => {
  const registration = await ask(
    'tutti.v1.default.executors.register',
    RegisterRequestSchema,
    { executorId: 'e-1', slots: 1, capabilities: [{ name: 'echo' }] },
    RegisterResponseSchema,
  );
  if (registration.result.case !== 'registration') throw new Error('not registered');
  const { session } = registration.result.value;
  const data = { case: 'ref' as const, value: { sha256: Buffer.alloc(32, 1), sizeBytes: 5n } };
  const completed = { outcome: { case: 'completed' as const, value: { result: { data } } } };
  const reports = [{ leaseToken: 'none', ...completed }];
  const request = { executorId: 'e-1', session, reports };
  const { result } = await ask(
    'tutti.v1.default.reports',
    ReportRequestSchema,
    request,
    ReportResponseSchema,
  );
  expect(result).toMatchObject(refused(ErrorReason.PAYLOAD_NOT_FOUND));
  expect(result.case === 'error' && result.value.message).toContain('reports[0].completed.result');
});
