// BEHAVIOURS B.4 with real processes: payloads above the inline limit from the client to executors, from one
// to the next, and back, through a restart; and what is wrong with an upload. docs/payloads.md tells the same.

import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { create } from '@bufbuild/protobuf';
import { type Client, createClient, TaskState } from '@tutti/client/client';
import { createExecutor, type Executor } from '@tutti/client/executor';
import { PayloadSchema } from '@tutti/proto/tutti/v1/payload_pb.ts';
import { PayloadService } from '@tutti/proto/tutti/v1/payload_service_pb.ts';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Stack, startStack } from '../support/stack.ts';

const cli = fileURLToPath(new URL('../../clients/cli/src/main.ts', import.meta.url));
const MEBIBYTE = 1_048_576;
const { getPayload, putPayload } = PayloadService.method;

let stack: Stack;
let client: Client;
let executors: Executor[];

/** A text that no two places of are alike, so that a part in the wrong place is noticed. */
function textOf(sizeBytes: number, seed: string): string {
  const lines: string[] = [];
  for (let length = 0, line = 0; length < sizeBytes; line += 1) {
    const text = `${seed} ${line}\n`;
    lines.push(text);
    length += text.length;
  }
  return lines.join('').slice(0, sizeBytes);
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex');

beforeAll(async () => {
  stack = await startStack({ executors: 0 });
  client = createClient({ address: stack.addresses.grpc });
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const common = { servers: stack.addresses.nats, slots: 4, logger };
  executors = [
    createExecutor({
      ...common,
      id: 'maker',
      capabilities: { 'text.make': ({ sizeBytes, seed }) => ({ text: textOf(sizeBytes, seed) }) },
    }),
    createExecutor({
      ...common,
      id: 'taker',
      capabilities: {
        'text.join': (input, { dependencies }) => {
          const made = (dependencies.get('make')?.result ?? {}) as { readonly text: string };
          return { text: `${made.text}${(input as { text: string }).text}` };
        },
        'text.digest': (_input, { dependencies }) => {
          const { text } = (dependencies.get('join')?.result ?? { text: '' }) as { readonly text: string };
          return digest(text);
        },
      },
    }),
  ];
  await Promise.all(executors.map((executor) => executor.start()));
});

afterAll(async () => {
  client?.close();
  await Promise.all((executors ?? []).map((executor) => executor.stop()));
  await stack?.stop();
});

test('B.4: 5 MiB go from one executor to the next and to the client, and outlive the orchestrator', async () => {
  const made = textOf(5 * MEBIBYTE, 'made');
  const given = textOf(MEBIBYTE, 'given');
  const run = await client.submit({
    outputTask: 'join',
    tasks: [
      { key: 'make', capability: 'text.make', input: { sizeBytes: made.length, seed: 'made' } },
      { key: 'join', capability: 'text.join', input: { text: given }, after: ['make'] },
      { key: 'digest', capability: 'text.digest', after: ['join'] },
    ],
  });
  const { succeeded, run: ended } = await run.wait({ timeoutMs: 60_000 });
  expect(succeeded).toBe(true);
  const joined = { text: made + given };
  expect(
    Buffer.from(ended.output?.data.value as Uint8Array).equals(Buffer.from(JSON.stringify(joined))),
  ).toBe(true);
  expect(await run.result('digest')).toBe(digest(joined.text));

  await stack.orchestrator.kill();
  await stack.restartOrchestrator();

  expect(await run.result('make')).toEqual({ text: made });
  expect((await run.result('join')) as { text: string }).toEqual(joined);
  const task = await client.getTask(run.runId, 'join', { maxFetchBytes: 2 * MEBIBYTE });
  expect(task.spec?.input?.data.case).toBe('bytes');
  expect(task.result?.data).toMatchObject({ case: 'ref' });

  // What a run refers to is not put again, and may be referred to by another.
  const again = await client.submit({
    tasks: [
      { key: 'join', capability: 'text.join', input: task.result },
      { key: 'digest', capability: 'text.digest', after: ['join'] },
    ],
  });
  expect(await again.wait({ timeoutMs: 60_000 })).toMatchObject({ succeeded: true });
  expect(await again.result('digest')).toBe(digest(`undefined${joined.text}`));
});

test('B.4: an edge that asks for a part of it, and an expression over it, fail with a clear cause', async () => {
  const make = { key: 'make', capability: 'text.make', input: { sizeBytes: MEBIBYTE, seed: 's' } };
  const run = await client.submit({
    tasks: [
      make,
      { key: 'part', capability: 'text.join', after: [{ key: 'make', select: { fields: ['text'] } }] },
      { key: 'look', capability: 'text.join', after: ['make'], when: 'results.make.text != ""' },
    ],
  });
  await run.wait({ timeoutMs: 60_000 });
  const sizeBytes = JSON.stringify({ text: textOf(MEBIBYTE, 's') }).length;
  expect(await client.getTask(run.runId, 'part')).toMatchObject({
    state: TaskState.FAILED,
    error: {
      code: 'PAYLOAD_TOO_LARGE',
      message: expect.stringContaining(`the result of "make" has ${sizeBytes} bytes and is stored apart`),
    },
  });
  expect(await client.getTask(run.runId, 'look')).toMatchObject({
    state: TaskState.FAILED,
    error: { message: expect.stringContaining(`the result of "make" (${sizeBytes} bytes)`) },
  });
});

test('B.4: a result beyond what may be stored fails its task, and says both sizes', async () => {
  const input = { sizeBytes: 65 * MEBIBYTE, seed: 'large' };
  const run = await client.submit({ capability: 'text.make', input });
  await run.wait({ timeoutMs: 60_000 });
  const { error } = await client.getTask(run.runId, 'task');
  expect(error).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', message: expect.stringContaining('67108864') });
});

test('B.4: the command takes large inputs from a file and shows large results; above 8 MiB, their size', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tutti-payloads-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'run.yaml');
  const text = 'y'.repeat(400_000);
  await writeFile(
    file,
    JSON.stringify({
      outputTask: 'join',
      tasks: [
        { key: 'join', capability: 'text.join', input: { value: { text } } },
        { key: 'huge', capability: 'text.make', input: { value: { sizeBytes: 9 * MEBIBYTE, seed: 'h' } } },
      ],
    }),
  );
  const tutti = async (...args: string[]) => {
    const flags = ['--address', stack.addresses.grpc];
    const options = { maxBuffer: 64 * MEBIBYTE };
    return (await promisify(execFile)(process.execPath, [cli, ...args, ...flags], options)).stdout;
  };
  const run = JSON.parse(await tutti('submit', file, '--wait', '-o', 'json'));
  expect(run.output.value).toEqual({ text: `undefined${text}` });
  const task = JSON.parse(await tutti('get', run.runId, 'join', '-o', 'json'));
  expect([task.spec.input.value, task.result.value]).toEqual([{ text }, { text: `undefined${text}` }]);
  const huge = JSON.parse(await tutti('get', run.runId, 'huge', '-o', 'json'));
  expect(Number(huge.result.ref.sizeBytes)).toBeGreaterThan(9 * MEBIBYTE);
});

test('B.4: what is not stored, truncated, or something else than was said, is refused with its reason', async () => {
  const content = Buffer.from(textOf(MEBIBYTE, 'uploaded'));
  const sha256 = createHash('sha256').update(content).digest();
  const sizeBytes = BigInt(content.length);
  const input = create(PayloadSchema, { data: { case: 'ref', value: { sha256, sizeBytes } } });
  const submit = () => client.submit({ tasks: [{ key: 'a', capability: 'nobody.has', input }] });
  const notFound = { code: 'NOT_FOUND', reason: 'PAYLOAD_NOT_FOUND' };
  const field = 'run.spec.tasks[0].input';
  await expect(submit()).rejects.toMatchObject({ ...notFound, fieldViolations: [{ field }] });

  const upload = { uploadId: randomUUID(), sha256, sizeBytes };
  const half = content.length / 2;
  const first = await client.call(putPayload, { ...upload, bytes: content.subarray(0, half) });
  expect(first).toMatchObject({ stored: false, nextOffset: BigInt(half) });
  await expect(submit()).rejects.toMatchObject(notFound);
  await expect(client.call(getPayload, { sha256 })).rejects.toMatchObject(notFound);

  // An orchestrator that starts anew knows nothing of it.
  await stack.orchestrator.kill();
  await stack.restartOrchestrator();
  const rest = { ...upload, offset: BigInt(half), bytes: content.subarray(half) };
  expect(await client.call(putPayload, rest)).toMatchObject({ stored: false, nextOffset: 0n });

  const wrong = { ...upload, sha256: Buffer.alloc(32, 1) };
  await client.call(putPayload, { ...wrong, bytes: content.subarray(0, half) });
  const end = client.call(putPayload, { ...wrong, offset: BigInt(half), bytes: content.subarray(half) });
  await expect(end).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    reason: 'PAYLOAD_MISMATCH',
    metadata: { sha256: '01'.repeat(32), found: sha256.toString('hex') },
  });
  const tooLarge = client.call(putPayload, {
    ...upload,
    sizeBytes: 67_108_865n,
    bytes: content.subarray(0, 1),
  });
  await expect(tooLarge).rejects.toMatchObject({
    reason: 'PAYLOAD_TOO_LARGE',
    metadata: { size_bytes: '67108865', limit_bytes: '67108864' },
  });
});
