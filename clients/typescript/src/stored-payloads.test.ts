// BEHAVIOURS B.4: content in parts, there and back, over a door that fails.

import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import type { PayloadRef } from '@tutti/proto/tutti/v1/payload_pb.ts';
import {
  GetPayloadResponseSchema,
  PutPayloadResponseSchema,
} from '@tutti/proto/tutti/v1/payload_service_pb.ts';
import { RunSpecSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import { expect, test } from 'vitest';
import { eachPayload } from './payload-walk.ts';
import { bytes, bytesPayload, json, PayloadError, payloadSizeBytes, toPayload } from './payloads.ts';
import { fetchPayload, type PayloadDoor, storePayload } from './stored-payloads.ts';

const TEXT = 'a content of thirty-one letters';

/** @param answers what it says instead of the truth, request by request */
function scriptedDoor(answers: ('FORGET' | 'STORED' | 'STUCK' | undefined)[] = []) {
  let taken = Buffer.alloc(0);
  const offsets: number[] = [];
  const door: PayloadDoor = {
    partBytes: 10,
    async put(request) {
      const { offset = 0n, bytes: part = new Uint8Array(0), sizeBytes } = request;
      offsets.push(Number(offset));
      const answer = answers.shift();
      if (answer === 'STORED') return create(PutPayloadResponseSchema, { stored: true });
      if (answer === 'FORGET') taken = Buffer.alloc(0);
      else if (answer !== 'STUCK' && Number(offset) === taken.length) taken = Buffer.concat([taken, part]);
      const stored = BigInt(taken.length) === sizeBytes;
      return create(PutPayloadResponseSchema, { stored, nextOffset: BigInt(taken.length) });
    },
    async get({ offset = 0n, limitBytes = 0 }) {
      const from = Number(offset);
      const part = taken.subarray(from, from + Math.min(limitBytes, 7));
      return create(GetPayloadResponseSchema, { bytes: part, sizeBytes: BigInt(taken.length) });
    },
  };
  return { door, offsets, taken: () => taken.toString() };
}

const payload = () => bytesPayload(new TextEncoder().encode(TEXT), 'text/plain');

test('a payload goes in parts and comes back as it was', async () => {
  const { door, offsets } = scriptedDoor();
  const ref = await storePayload(door, payload());
  expect(offsets).toEqual([0, 10, 20, 30]);
  expect(ref).toMatchObject({ data: { case: 'ref', value: { sizeBytes: 31n } }, contentType: 'text/plain' });
  const { sha256 } = ref.data.value as PayloadRef;
  expect(Buffer.from(sha256)).toEqual(createHash('sha256').update(TEXT).digest());
  expect(await fetchPayload(door, ref)).toEqual(payload());
  expect(await fetchPayload(door, payload())).toEqual(payload());
});

test('what is stored already is not sent again', async () => {
  const { door, offsets } = scriptedDoor(['STORED']);
  await storePayload(door, payload());
  expect(offsets).toEqual([0]);
});

test('an orchestrator that started anew is told from the beginning', async () => {
  const { door, offsets, taken } = scriptedDoor([undefined, 'FORGET']);
  await storePayload(door, payload());
  expect(offsets).toEqual([0, 10, 0, 10, 20, 30]);
  expect(taken()).toBe(TEXT);
});

test('an upload that never gets on ends', async () => {
  const { door, offsets } = scriptedDoor(Array(100).fill('STUCK'));
  await expect(storePayload(door, payload())).rejects.toThrow('the upload does not get beyond byte 0');
  expect(offsets.length).toBeLessThan(20);
});

test('what is stored apart is not read by mistake', () => {
  const value = { sha256: new Uint8Array(32), sizeBytes: 5n };
  const ref = {
    ...payload(),
    data: { case: 'ref' as const, value: { $typeName: 'tutti.v1.PayloadRef' as const, ...value } },
  };
  for (const read of [json, bytes]) {
    expect(() => read(ref)).toThrow(PayloadError);
    expect(() => read(ref)).toThrow('stored apart (5 bytes)');
  }
  expect(payloadSizeBytes(ref)).toBe(0);
});

test('payloads are found in whatever field of a message', () => {
  const input = toPayload(1);
  const spec = create(RunSpecSchema, {
    ...(input && { input }),
    tasks: [{ key: 'a' }, { key: 'b', ...(input && { input }) }],
  });
  let found = 0;
  eachPayload([spec, spec.input], () => {
    found += 1;
  });
  expect(found).toBe(3);
});
