// Can a finding of the fuzzers be relied on? The same seed draws the same cases, they reach all that there is,
// and what does harm is made as small as it can be.

import { create, toBinary } from '@bufbuild/protobuf';
import { SubmitRunRequestSchema } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { expect, test } from 'vitest';
import { framed } from '../bytes.ts';
import { type Case, drawCase } from './draw-case.ts';
import { mayWait } from './fire.ts';
import { shrink } from './shrink.ts';

const DOORS = ['grpc', 'http', 'nats'] as const;

test.each(DOORS)('%s: a case follows from its seed and number alone', (door) => {
  const drawn = [5, 3, 4].map((number) => drawCase(door, 1, number, {}));
  expect([5, 3, 4].map((number) => drawCase(door, 1, number, {}))).toEqual(drawn);
  expect(drawCase(door, 2, 5, {})).not.toEqual(drawn[0]);
});

test('every method and every request of executors is drawn', () => {
  const paths = new Set<string>();
  for (const door of DOORS) for (let n = 0; n < 600; n += 1) paths.add(drawCase(door, 1, n, {}).path);
  for (const name of ['SubmitRun', 'Watch', 'CopyRun', 'PutWorkflow', 'GetPayload', 'ListExecutors']) {
    expect([...paths].some((path) => path.endsWith(`/${name}`))).toBe(true);
  }
  expect([...paths]).toEqual(expect.arrayContaining(['reports', 'executors.register', 'payloads.put']));
});

test('a submission may be silent only if it waits', () => {
  const path = '/tutti.v1.OrchestratorService/SubmitRun';
  const run = { spec: { tasks: [{ key: 'a', capability: 'x' }] } };
  const bytesOf = (wait: object) =>
    Buffer.from(toBinary(SubmitRunRequestSchema, create(SubmitRunRequestSchema, { run, ...wait })));
  const may = (body: Buffer, headers = {}) =>
    mayWait({ door: 'http', path, headers, body: body.toString('base64') });
  const wait = { wait: { seconds: 60n } };
  for (const body of [bytesOf(wait), framed(bytesOf(wait)), Buffer.from('{"wait":"60s"}')]) {
    expect(may(body)).toBe(true);
  }
  for (const body of [bytesOf({}), framed(bytesOf({})), Buffer.from('{}')]) expect(may(body)).toBe(false);
  expect(may(Buffer.alloc(0), { 'content-encoding': 'gzip' })).toBe(true);
});

const harmless: Case = { door: 'grpc', path: '/x', headers: {}, body: '' };
const harmful: Case = {
  door: 'grpc',
  path: '/x',
  headers: { a: 'b', c: 'd' },
  body: Buffer.from('much, then POISON, then more').toString('base64'),
};

test('one case among many is found, and cut down to what does the harm', async () => {
  const does = async (cases: readonly Case[]) => {
    const bodies = cases.map(({ body }) => Buffer.from(body, 'base64').toString());
    return bodies.some((body) => body.includes('POISON')) ? 'harm' : undefined;
  };
  const found = await shrink([harmless, harmless, harmful, harmless], does);
  expect(found?.what).toBe('harm');
  expect(found?.cases.length).toBe(1);
  expect(found?.cases[0]?.headers).toEqual({});
  expect(Buffer.from(found?.cases[0]?.body ?? '', 'base64').byteLength).toBeLessThan(12);
});

test('harm that takes two cases is found, too, and nothing is made of none', async () => {
  const does = async (cases: readonly Case[]) =>
    cases.filter((one) => one === harmful).length > 1 ? 'harm' : undefined;
  const suspects = [harmful, ...Array.from({ length: 20 }, () => harmless), harmful];
  expect((await shrink(suspects, does))?.cases).toEqual([harmful, harmful]);
  expect(await shrink(suspects, async () => undefined)).toBeUndefined();
});
