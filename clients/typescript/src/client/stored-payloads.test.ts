// BEHAVIOURS B.4: what a client sends and is given, over a caller that stores payloads.

import { create, fromJson, type MessageShape } from '@bufbuild/protobuf';
import { ValueSchema } from '@bufbuild/protobuf/wkt';
import { type Payload, PayloadForm, PayloadSchema } from '@tutti/proto/tutti/v1/payload_pb.ts';
import type {
  GetPayloadRequestSchema,
  PutPayloadRequestSchema,
} from '@tutti/proto/tutti/v1/payload_service_pb.ts';
import { RunSpecSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import { TaskSchema } from '@tutti/proto/tutti/v1/task_pb.ts';
import { expect, test } from 'vitest';
import { json } from '../payloads.ts';
import type { Caller } from './caller.ts';
import { TuttiError } from './errors.ts';
import { toRunSpec } from './spec.ts';
import { createStoredPayloads } from './stored-payloads.ts';

const LARGE = 'x'.repeat(600_000);
const SMALL = 'small';

function setUp(failures: TuttiError[] = []) {
  const contents = new Map<string, Buffer>();
  const calls: string[] = [];
  const answer = (name: string, request: unknown) => {
    calls.push(name);
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    const { sha256 } = request as MessageShape<typeof GetPayloadRequestSchema>;
    const hash = Buffer.from(sha256).toString('hex');
    const before = contents.get(hash) ?? Buffer.alloc(0);
    if (name === 'GetPayload') {
      const { offset, limitBytes } = request as MessageShape<typeof GetPayloadRequestSchema>;
      const from = Number(offset);
      return { bytes: before.subarray(from, from + limitBytes), sizeBytes: BigInt(before.length) };
    }
    const { bytes, sizeBytes } = request as MessageShape<typeof PutPayloadRequestSchema>;
    const taken = Buffer.concat([before, bytes]);
    contents.set(hash, taken);
    return { stored: BigInt(taken.length) === sizeBytes, nextOffset: BigInt(taken.length) };
  };
  const caller = {
    unary: async (method: { name: string }, request: unknown) => answer(method.name, request),
  };
  return { payloads: createStoredPayloads(caller as unknown as Caller, 'default'), contents, calls };
}

const input = (spec: { readonly input?: Payload | undefined }) => spec.input?.data.case;

test('large inputs are stored in parts, wherever they stand; what was given stays as it is', async () => {
  const { payloads, contents, calls } = setUp();
  const spec = toRunSpec({
    input: SMALL,
    tasks: [
      { key: 'a', capability: 'c', input: LARGE },
      { key: 'b', capability: 'c', input: SMALL },
    ],
  });
  const sent = await payloads.store(RunSpecSchema, spec);
  expect([sent, ...sent.tasks].map(input)).toEqual(['bytes', 'ref', 'bytes']);
  expect(spec.tasks.map(input)).toEqual(['bytes', 'bytes']);
  expect([...contents.values()].map(String)).toEqual([JSON.stringify(LARGE)]);
  expect(calls).toEqual(['PutPayload', 'PutPayload']);

  const back = await payloads.fetch(sent);
  expect(json(back.tasks[0]?.input)).toBe(LARGE);
});

test('a structured value is measured by its JSON, as files for the CLI have it', async () => {
  const { payloads, contents } = setUp();
  const value = fromJson(ValueSchema, { text: LARGE });
  const spec = create(RunSpecSchema, { input: { data: { case: 'value', value } } });
  expect(input(await payloads.store(RunSpecSchema, spec))).toBe('ref');
  expect([...contents.values()].map(String)).toEqual([JSON.stringify({ text: LARGE })]);
});

test('what has nothing large is sent as it is, without a call', async () => {
  const { payloads, calls } = setUp();
  const spec = toRunSpec({ capability: 'c', input: SMALL });
  expect(await payloads.store(RunSpecSchema, spec)).toBe(spec);
  await payloads.fetch(spec);
  expect(calls).toEqual([]);
});

test('what is fetched comes in the form that was asked for, up to the size that was asked for', async () => {
  const { payloads } = setUp();
  const spec = await payloads.store(RunSpecSchema, toRunSpec({ capability: 'c', input: { text: LARGE } }));
  const result = spec.tasks[0]?.input;
  const task = () =>
    create(TaskSchema, { result: { ...result, $typeName: PayloadSchema.typeName } as Payload });
  expect((await payloads.fetch(task(), { maxFetchBytes: 1_000 })).result?.data.case).toBe('ref');
  const asValue = await payloads.fetch(task(), { payloadForm: PayloadForm.VALUE });
  expect(asValue.result?.data.case).toBe('value');
  expect(json(asValue.result)).toEqual({ text: LARGE });
  expect((await payloads.fetch(task())).result?.data.case).toBe('bytes');
});

test('a refusal is the callers', async () => {
  const tooLarge = new TuttiError('too large', { code: 'INVALID_ARGUMENT', reason: 'PAYLOAD_TOO_LARGE' });
  const spec = toRunSpec({ capability: 'c', input: LARGE });
  await expect(setUp([tooLarge]).payloads.store(RunSpecSchema, spec)).rejects.toBe(tooLarge);
});
