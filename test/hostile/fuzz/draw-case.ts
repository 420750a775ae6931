// What is sent next? The same seed and number give the same case, whatever was sent before. A case is plain
// data, so that it can be kept in a file and sent again.

import { gzipSync } from 'node:zlib';
import { type DescMessage, type DescMethod, toBinary, toJsonString } from '@bufbuild/protobuf';
import { createRandom, type Random } from '../../simulation/world/random.ts';
import { CONTRACT, framed } from '../bytes.ts';
import type { DoorName } from '../corpus.ts';
import { REQUESTS_OF_EXECUTORS } from '../doors/nats.ts';
import { drawMessage } from './draw-message.ts';
import { mutated } from './mutate-bytes.ts';
import { createValues, type Values } from './wicked.ts';

export interface Case {
  readonly door: DoorName;
  /** A path; over NATS what follows the namespace. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What the stream, the body or the message holds, in Base64. */
  readonly body: string;
  /** In place of all of it, what is written to the connection, in Base64. */
  readonly raw?: string;
  readonly namespace?: string;
}

export type Known = Readonly<Record<string, readonly string[]>>;

/** Beyond the contract of ours. */
const MORE_PATHS: readonly string[] = [
  '/grpc.health.v1.Health/Check',
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  '/tutti.v1.OrchestratorService/Nothing',
];

const METHODS: readonly DescMethod[] = [...CONTRACT]
  .filter((one) => one.kind === 'service')
  .flatMap((service) => service.methods);

export function drawCase(door: DoorName, seed: number, number: number, known: Known): Case {
  const random = createRandom(seed, `${door}/${number}`);
  const values = createValues(random, known);
  switch (door) {
    case 'grpc':
      return drawGrpc(random, values);
    case 'http':
      return drawHttp(random, values);
    case 'nats':
      return drawNats(random, values);
  }
}

/** Honest in its encoding in half of the cases, so that what is behind the decoder is reached. */
function drawBody(schema: DescMessage, random: Random, values: Values): Buffer {
  let bytes: Uint8Array;
  try {
    bytes = toBinary(schema, drawMessage(schema, random, values));
  } catch {
    bytes = new Uint8Array();
  }
  return random.chance(0.5) ? Buffer.from(bytes) : mutated(bytes, random);
}

function drawGrpc(random: Random, values: Values): Case {
  const method = random.pick(METHODS);
  const message = drawBody(method.input, random, values);
  const headers: Record<string, string> = {};
  let body: Buffer = framed(message);
  if (random.chance(0.1)) {
    headers['grpc-encoding'] = random.pick(['gzip', 'deflate', 'identity', 'br', values.text('encoding')]);
    body = framed(random.chance(0.7) ? gzipSync(message) : message, 1);
  }
  if (random.chance(0.1)) body = mutated(body, random);
  if (random.chance(0.05)) body = Buffer.concat([body, body]);
  if (random.chance(0.1))
    headers['grpc-timeout'] = random.pick(['1S', '1n', '50m', '99999999H', values.text('timeout')]);
  if (random.chance(0.05)) headers.traceparent = values.text('traceparent');
  if (random.chance(0.02)) headers['content-type'] = values.text('contentType');
  if (random.chance(0.02))
    headers[random.pick(['x-bin', 'cookie', 'te', 'user-agent'])] = values.text('header');
  const path = random.chance(0.03) ? random.pick(MORE_PATHS) : `/${method.parent.typeName}/${method.name}`;
  const plain = { door: 'grpc' as const, path, headers, body: body.toString('base64') };
  if (!random.chance(0.03)) return plain;
  return { ...plain, raw: mutated(rawHttp2(body), random).toString('base64') };
}

/** The preface, settings, headers by literals, and the body in a frame. */
function rawHttp2(body: Buffer): Buffer {
  const literal = (name: string, value: string) =>
    Buffer.concat([
      Buffer.from([0x00, name.length]),
      Buffer.from(name),
      Buffer.from([value.length]),
      Buffer.from(value),
    ]);
  const headers = Buffer.concat([
    literal(':method', 'POST'),
    literal(':scheme', 'http'),
    literal(':path', '/tutti.v1.OrchestratorService/GetRun'),
    literal('content-type', 'application/grpc'),
  ]);
  return Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frame(4, 0, 0, Buffer.alloc(0)),
    frame(1, 4, 1, headers),
    frame(0, 1, 1, body.subarray(0, 16_000)),
  ]);
}

function frame(type: number, flags: number, stream: number, content: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(content.byteLength, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, content]);
}

const UNARY_TYPES: readonly string[] = [
  'application/json',
  'application/json',
  'application/json',
  'application/proto',
  'application/grpc-web+proto',
  'application/grpc-web+json',
  'application/grpc+proto',
];
const STREAM_TYPES: readonly string[] = [
  'application/connect+json',
  'application/connect+proto',
  'application/grpc-web+proto',
];

/** Now and then that of the other kind. */
function contentTypeFor(method: DescMethod, random: Random): string {
  const isStream = (method.methodKind === 'server_streaming') !== random.chance(0.03);
  return random.pick(isStream ? STREAM_TYPES : UNARY_TYPES);
}

function drawHttp(random: Random, values: Values): Case {
  const method = random.pick(METHODS);
  const headers: Record<string, string> = { 'content-type': contentTypeFor(method, random) };
  const isJson = headers['content-type']?.includes('json') === true;
  const isEnveloped = /connect\+|grpc/.test(headers['content-type'] ?? '');
  let body = isJson ? drawJson(method.input, random, values) : drawBody(method.input, random, values);
  const isCompressed = random.chance(0.08);
  if (isCompressed) {
    if (random.chance(0.7)) body = gzipSync(body);
    const name = isEnveloped
      ? random.pick(['connect-content-encoding', 'grpc-encoding'])
      : 'content-encoding';
    headers[name] = random.pick(['gzip', 'gzip', 'br', 'identity', values.text('encoding')]);
  }
  if (isEnveloped) body = framed(body, isCompressed ? 1 : 0);
  if (isEnveloped && random.chance(0.1)) body = mutated(body, random);
  if (random.chance(0.03)) headers['content-type'] = values.text('contentType');
  if (random.chance(0.05)) headers['connect-timeout-ms'] = random.pick(['1', '1000', values.text('timeout')]);
  if (random.chance(0.03)) headers.host = random.pick(['localhost', 'evil.example', values.text('host')]);
  if (random.chance(0.03)) headers.traceparent = values.text('traceparent');
  const path = random.chance(0.03) ? `/${values.text('path')}` : `/${method.parent.typeName}/${method.name}`;
  const plain = { door: 'http' as const, path, headers, body: body.toString('base64') };
  if (!random.chance(0.05)) return plain;
  const lines = Object.entries({ host: 'localhost', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const head = `POST ${path} HTTP/1.1\r\ncontent-length: ${body.byteLength}\r\n${lines.join('')}\r\n`;
  const whole = Buffer.concat([Buffer.from(head, 'latin1'), body]);
  return { ...plain, raw: mutated(whole, random).toString('base64') };
}

function drawJson(schema: DescMessage, random: Random, values: Values): Buffer {
  let text: string;
  try {
    text = toJsonString(schema, drawMessage(schema, random, values), { registry: CONTRACT });
  } catch {
    text = '{}';
  }
  if (random.chance(0.4)) return Buffer.from(text);
  if (random.chance(0.5)) return mutated(Buffer.from(text), random);
  return Buffer.from(swapped(text, random));
}

const JSON_VALUES: readonly string[] = [
  'null',
  '{}',
  '[]',
  '-1',
  '1e400',
  '"\\ud800"',
  '""',
  'true',
  '[[[]]]',
  '{"__proto__":{}}',
];

/** One of its values in the place of another one. */
function swapped(text: string, random: Random): string {
  const starts = [...text.matchAll(/:("[^"]*"|-?\d+|true|false|null)/g)];
  if (starts.length === 0) return random.pick(JSON_VALUES);
  const at = random.pick(starts);
  const from = at.index + 1;
  return text.slice(0, from) + random.pick(JSON_VALUES) + text.slice(from + (at[1]?.length ?? 0));
}

function drawNats(random: Random, values: Values): Case {
  const [path, schema] = random.pick(Object.entries(REQUESTS_OF_EXECUTORS)) as [string, DescMessage];
  const namespace = random.chance(0.03)
    ? token(values.text('namespace'))
    : random.pick(['default', 'default', 'fuzz']);
  const headers: Record<string, string> = {};
  if (random.chance(0.05)) headers.traceparent = values.text('traceparent').replaceAll(/[\r\n]/g, '');
  return {
    door: 'nats',
    path,
    headers,
    namespace,
    body: drawBody(schema, random, values).toString('base64'),
  };
}

/** Whatever it is, as far as a client of NATS can send it: nats-server ends connections for longer ones. */
function token(text: string): string {
  return text.slice(0, 200).replaceAll(/[^\x21-\x7e]|[.*>]/g, '_') || 'x';
}
