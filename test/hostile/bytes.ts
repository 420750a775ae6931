// Which bytes does an entry of the corpus mean? A small language for data that no honest encoder writes:
// repeated, nested, compressed, cut, with wrong lengths.

import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { createRegistry, type DescMessage, fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf';
import { file_tutti_v1_executor_protocol } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { file_tutti_v1_executor_service } from '@tutti/proto/tutti/v1/executor_service_pb.ts';
import { file_tutti_v1_orchestrator_service } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { file_tutti_v1_payload_service } from '@tutti/proto/tutti/v1/payload_service_pb.ts';
import { file_tutti_v1_run_life_service } from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import { file_tutti_v1_workflow_service } from '@tutti/proto/tutti/v1/workflow_service_pb.ts';

/** Text stands for its UTF-8 form, a list for its parts one after the other. */
export type Bytes =
  | string
  | readonly Bytes[]
  /** A message of `tutti.v1`, by the JSON form of its fields. */
  | { readonly message: string; readonly of: JsonValue }
  | { readonly hex: string }
  | { readonly repeat: Bytes; readonly times: number }
  | { readonly json: JsonValue }
  | { readonly gzip: Bytes }
  | { readonly deflate: Bytes }
  | { readonly brotli: Bytes }
  /** The first of them; negative: all but so many. */
  | { readonly cut: number; readonly of: Bytes }
  /** A field of protobuf whose value has a length. */
  | { readonly field: number; readonly of: Bytes }
  /** The same, one inside the other, so many times; the numbers of the fields in turn, outermost first. */
  | { readonly nest: readonly number[]; readonly times: number; readonly core?: Bytes }
  /** An envelope of gRPC or Connect. */
  | { readonly frame: Bytes; readonly flags?: number; readonly length?: number };

/** All messages and services of the contract. */
export const CONTRACT = createRegistry(
  file_tutti_v1_orchestrator_service,
  file_tutti_v1_run_life_service,
  file_tutti_v1_workflow_service,
  file_tutti_v1_payload_service,
  file_tutti_v1_executor_service,
  file_tutti_v1_executor_protocol,
);

/** It is the other side that is to have the work. */
const FAST = { level: 1 };
const FAST_BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 0 } };

export function bytesOf(bytes: Bytes): Buffer {
  if (typeof bytes === 'string') return Buffer.from(bytes);
  if (isList(bytes)) return Buffer.concat(bytes.map(bytesOf));
  if ('hex' in bytes) return Buffer.from(bytes.hex.replaceAll(' ', ''), 'hex');
  if ('repeat' in bytes) return repeated(bytesOf(bytes.repeat), bytes.times);
  if ('json' in bytes) return Buffer.from(JSON.stringify(bytes.json));
  if ('gzip' in bytes) return gzipSync(bytesOf(bytes.gzip), FAST);
  if ('deflate' in bytes) return deflateSync(bytesOf(bytes.deflate), FAST);
  if ('brotli' in bytes) return brotliCompressSync(bytesOf(bytes.brotli), FAST_BROTLI);
  if ('cut' in bytes) return bytesOf(bytes.of).subarray(0, bytes.cut < 0 ? bytes.cut : bytes.cut);
  if ('message' in bytes) return encoded(bytes.message, bytes.of);
  if ('frame' in bytes) return framed(bytesOf(bytes.frame), bytes.flags, bytes.length);
  if ('nest' in bytes) return nested(bytes.nest, bytes.times, bytesOf(bytes.core ?? ''));
  return delimited(bytes.field, bytesOf(bytes.of));
}

export function framed(content: Uint8Array, flags = 0, length = content.byteLength): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, content]);
}

export function delimited(field: number, content: Uint8Array): Buffer {
  return Buffer.concat([varint(field * 8 + 2), varint(content.byteLength), content]);
}

export function messageOf(name: string): DescMessage {
  const found = CONTRACT.getMessage(`tutti.v1.${name}`);
  if (found === undefined) throw new Error(`the contract has no message ${name}`);
  return found;
}

function encoded(name: string, fields: JsonValue): Buffer {
  const schema = messageOf(name);
  return Buffer.from(toBinary(schema, fromJson(schema, fields, { registry: CONTRACT })));
}

function repeated(part: Buffer, times: number): Buffer {
  return Buffer.alloc(part.byteLength * times, part);
}

/** Built from the inside out into one buffer, or deep ones would take the square of their depth. */
function nested(fields: readonly number[], times: number, core: Buffer): Buffer {
  const parts: Buffer[] = [core];
  let length = core.byteLength;
  for (let level = times - 1; level >= 0; level -= 1) {
    const field = fields[level % fields.length] ?? 1;
    const head = Buffer.concat([varint(field * 8 + 2), varint(length)]);
    parts.push(head);
    length += head.byteLength;
  }
  return Buffer.concat(parts.reverse());
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

function isList(bytes: Bytes): bytes is readonly Bytes[] {
  return Array.isArray(bytes);
}
