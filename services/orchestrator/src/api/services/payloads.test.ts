// BEHAVIOURS B.4 through the doors, over a real runtime: payloads that are stored apart.

import { createHash } from 'node:crypto';
import {
  type GetRunResponseSchema,
  OrchestratorService,
  type SubmitRunResponseSchema,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import {
  type GetPayloadResponseSchema,
  PayloadService,
  type PutPayloadResponseSchema,
} from '@tutti/proto/tutti/v1/payload_service_pb.ts';
import { WorkflowService } from '@tutti/proto/tutti/v1/workflow_service_pb.ts';
import { expect, test } from 'vitest';
import { grpcClient, openDoors, refused } from '../doors-fixture.ts';

const CONTENT = Buffer.from('a content of some bytes');
const sha256 = createHash('sha256').update(CONTENT).digest();
const sizeBytes = BigInt(CONTENT.length);
const input = { data: { case: 'ref', value: { sha256, sizeBytes } } };
const tasks = [{ key: 'a', capability: 'work' }];
const MISSING = { namespace: 'default', sha256: sha256.toString('hex'), size_bytes: String(sizeBytes) };

async function open() {
  const doors = await openDoors();
  const payloads = grpcClient(doors.grpc, PayloadService);
  return {
    doors,
    runs: grpcClient(doors.grpc, OrchestratorService),
    workflows: grpcClient(doors.grpc, WorkflowService),
    put: (offset: number, bytes: Uint8Array, more: object = {}) => {
      const request = { uploadId: 'u', sha256, sizeBytes, offset: BigInt(offset), bytes, ...more };
      return payloads.call<typeof PutPayloadResponseSchema>('PutPayload', request);
    },
    get: (request: object = {}) =>
      payloads.call<typeof GetPayloadResponseSchema>('GetPayload', { sha256, ...request }),
  };
}

test('a payload is put in parts, read in parts, and then runs may refer to it', async () => {
  const { put, get, runs } = await open();
  const run = { runId: 'r', spec: { input, tasks } };
  expect(await refused(runs.call('SubmitRun', { run }))).toMatchObject({
    code: 5,
    reason: 'PAYLOAD_NOT_FOUND',
    fields: ['run.spec.input'],
    metadata: { ...MISSING, field: 'run.spec.input' },
  });
  expect(await put(0, CONTENT.subarray(0, 5))).toMatchObject({ stored: false, nextOffset: 5n });
  expect(await refused(get())).toMatchObject({ code: 5, reason: 'PAYLOAD_NOT_FOUND' });
  expect(await put(5, CONTENT.subarray(5))).toMatchObject({ stored: true, nextOffset: sizeBytes });
  expect(await put(0, Buffer.alloc(0), { uploadId: 'v' })).toMatchObject({ stored: true });
  const first = await get({ limitBytes: 4 });
  expect([Buffer.from(first.bytes).toString(), first.sizeBytes]).toEqual(['a co', sizeBytes]);
  const beyond = await get({ offset: 2n ** 63n });
  expect(beyond.bytes.length).toBe(0);

  await runs.call<typeof SubmitRunResponseSchema>('SubmitRun', { run });
  const told = await runs.call<typeof GetRunResponseSchema>('GetRun', { runId: 'r', payloadForm: 2 });
  expect(told.run?.input?.data).toMatchObject({ case: 'ref', value: { sizeBytes } });
});

test('what is wrong with a part is told by field', async () => {
  const { put, get } = await open();
  const invalid = { code: 3, reason: 'INVALID_FIELD' };
  expect(await refused(put(0, CONTENT, { uploadId: '!' }))).toMatchObject({
    ...invalid,
    fields: ['upload_id'],
  });
  expect(await refused(put(0, CONTENT, { sha256: sha256.subarray(1) }))).toMatchObject({
    ...invalid,
    fields: ['sha256'],
  });
  expect(await refused(put(1, CONTENT))).toMatchObject({ ...invalid, fields: ['bytes'] });
  expect(await refused(put(0, Buffer.alloc(524_289)))).toMatchObject({ ...invalid, fields: ['bytes'] });
  expect(await refused(put(0, CONTENT, { sizeBytes: 67_108_865n }))).toMatchObject({
    code: 3,
    reason: 'PAYLOAD_TOO_LARGE',
    fields: ['size_bytes'],
    metadata: { size_bytes: '67108865', limit_bytes: '67108864' },
  });
  const other = createHash('sha256').update('other').digest();
  expect(await refused(put(0, CONTENT, { sha256: other }))).toMatchObject({
    code: 3,
    reason: 'PAYLOAD_MISMATCH',
    metadata: { sha256: other.toString('hex'), found: sha256.toString('hex') },
  });
  expect(await refused(get({ sha256: Buffer.alloc(3) }))).toMatchObject({ ...invalid, fields: ['sha256'] });
});

test('the same over plain JSON, as curl would', async () => {
  const { doors } = await open();
  const post = async (method: string, body: object) => {
    const response = await fetch(`${doors.http}/tutti.v1.PayloadService/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sha256: sha256.toString('base64'), ...body }),
    });
    return response.json();
  };
  const part = { uploadId: 'u', sizeBytes: String(sizeBytes), bytes: CONTENT.toString('base64') };
  expect(await post('PutPayload', part)).toEqual({ stored: true, nextOffset: String(sizeBytes) });
  expect(await post('GetPayload', {})).toEqual({
    bytes: CONTENT.toString('base64'),
    sizeBytes: String(sizeBytes),
  });
});

test('a workflow may refer to it too; a schema cannot look into it', async () => {
  const { put, workflows, runs, doors } = await open();
  const workflow = { name: 'w', spec: { tasks: [{ ...tasks[0], input }] } };
  expect(await refused(workflows.call('PutWorkflow', { workflow }))).toMatchObject({
    reason: 'PAYLOAD_NOT_FOUND',
    fields: ['workflow.spec.tasks[0].input'],
  });
  await put(0, CONTENT);
  await workflows.call('PutWorkflow', { workflow });
  expect(await doors.runtime.store.prunePayloads(Number.MAX_SAFE_INTEGER, 10)).toBe(0);
  await runs.call('SubmitRun', { run: { workflow: { name: 'w' }, input } });

  const strict = { name: 's', inputSchema: { type: 'object' }, spec: { tasks } };
  await workflows.call('PutWorkflow', { workflow: strict });
  const start = runs.call('SubmitRun', { run: { workflow: { name: 's' }, input } });
  expect(await refused(start)).toMatchObject({
    reason: 'INVALID_FIELD',
    fields: ['run.input'],
    message: expect.stringContaining('is stored apart (23 bytes)'),
  });
});
