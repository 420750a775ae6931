import { create, toBinary, toJsonString } from '@bufbuild/protobuf';
import {
  ListRunsRequestSchema,
  SubmitRunRequestSchema,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { expect, test } from 'vitest';
import { isJsonTooHeavy, isTooHeavy } from './message-weight.ts';

const MIB = 1024 * 1024;

/** A field that has a length. */
function field(number: number, content: Uint8Array): Buffer {
  const length: number[] = [];
  let rest = content.byteLength;
  for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([number * 8 + 2, ...length, rest]), content]);
}

const inSpec = (content: Uint8Array) => field(3, field(3, content));
const repeated = (hex: string, times: number) => Buffer.alloc((hex.length / 2) * times, hex, 'hex');

test.each([
  ['empty tasks', inSpec(repeated('1a00', 8_000_000))],
  ['empty dependencies', inSpec(field(3, repeated('2200', 8_000_000)))],
  ['values in a list', inSpec(field(6, field(2, field(6, repeated('0a00', 8_000_000)))))],
  ['labels', inSpec(repeated('1200', 8_000_000))],
  ['child specs with empty tasks', inSpec(field(14, field(2, repeated('1a00', 7_000_000))))],
  ['fields that nobody knows', repeated('fa0700', 5_500_000)],
])('millions of %s are too much', (_what, bytes) => {
  expect(isTooHeavy(SubmitRunRequestSchema, bytes)).toBe(true);
});

test('numbers that are packed count each', () => {
  expect(isTooHeavy(ListRunsRequestSchema, field(2, Buffer.alloc(6_000_000, 1)))).toBe(true);
});

test('the largest run that is allowed is not, in either form', () => {
  const dependencies = Array.from({ length: 5 }, (_, index) => ({ key: `t${index}` }));
  const input = { data: { case: 'bytes' as const, value: new Uint8Array(8) }, contentType: 'text/plain' };
  const tasks = Array.from({ length: 100_000 }, (_, index) => ({
    key: `t${index}`,
    capability: 'echo',
    input,
    dependencies,
  }));
  const message = create(SubmitRunRequestSchema, { run: { spec: { tasks } } });
  expect(isTooHeavy(SubmitRunRequestSchema, toBinary(SubmitRunRequestSchema, message))).toBe(false);
  expect(isJsonTooHeavy(Buffer.from(toJsonString(SubmitRunRequestSchema, message)))).toBe(false);
});

test('large payloads are not, whatever they hold', () => {
  const content = inSpec(field(6, field(1, repeated('1a00', 8_000_000))));
  expect(isTooHeavy(SubmitRunRequestSchema, content)).toBe(false);
  expect(isJsonTooHeavy(Buffer.from(JSON.stringify('{"[,\\'.repeat(2 * MIB))))).toBe(false);
});

test('what is malformed is left to the decoder', () => {
  for (const end of ['ff', '0a7f', '1affffffff0f', '0e', '08']) {
    const bytes = Buffer.concat([Buffer.alloc(2 * MIB, Buffer.from([0x08, 0x01])), Buffer.from(end, 'hex')]);
    expect(isTooHeavy(SubmitRunRequestSchema, bytes)).toBe(false);
  }
});

test.each([
  ['objects', '{},', 5_000_000],
  ['lists', '[],', 5_000_000],
  ['numbers', '1,', 8_000_000],
  ['texts', '"",', 5_000_000],
])('millions of JSON %s are too much', (_what, one, times) => {
  expect(isJsonTooHeavy(Buffer.from(`[${one.repeat(times)}1]`))).toBe(true);
});
