// What does the HTTP door answer to requests that no HTTP client would make? Over HTTP/1.1, as text.

import { connect } from 'node:net';
import { openEnvelopes } from '../../support/envelopes.ts';
import { refusalOfGrpcWeb, refusalOfJson } from '../../support/refusal.ts';
import type { Answer } from './answer.ts';

export interface RawRequest {
  readonly verb?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

const TIMEOUT_MS = 20_000;

/** @param address host:port */
export function requestRaw(address: string, request: RawRequest, timeoutMs = TIMEOUT_MS): Promise<Answer> {
  const { verb = 'POST', path, headers = {}, body = Buffer.alloc(0) } = request;
  const all = {
    host: address,
    connection: 'close',
    ...(verb === 'POST' ? { 'content-length': String(body.byteLength) } : {}),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`${verb} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
  return writeRaw(address, Buffer.concat([head, body]), timeoutMs).then(answerOf);
}

/** Everything that comes back until the other side ends the connection; undefined if it never does. */
export function writeRaw(
  address: string,
  bytes: Uint8Array,
  timeoutMs = TIMEOUT_MS,
): Promise<Buffer | undefined> {
  const [host, port] = splitAddress(address);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, host);
    const timer = setTimeout(() => {
      socket.destroy();
      resolve(chunks.length === 0 ? undefined : Buffer.concat(chunks));
    }, timeoutMs);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks));
    });
    socket.on('end', () => socket.end());
    socket.write(bytes);
  });
}

export function splitAddress(address: string): [host: string, port: number] {
  const at = address.lastIndexOf(':');
  return [address.slice(0, at), Number(address.slice(at + 1))];
}

export function answerOf(received: Buffer | undefined): Answer {
  if (received === undefined) return { kind: 'none' };
  if (received.byteLength === 0) return { kind: 'closed' };
  const end = received.indexOf('\r\n\r\n');
  const head = received.subarray(0, end).toString('latin1');
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]);
  const body = bodyOf(head, received.subarray(end + 4));
  const contentType = /^content-type: *(\S*)/im.exec(head)?.[1] ?? '';
  if (contentType.startsWith('application/grpc-web')) return { status, ...webAnswer(head, body) };
  if (contentType.startsWith('application/connect+json')) return { status, ...streamAnswer(body) };
  if (status < 400) return { kind: 'accepted', status };
  if (!contentType.startsWith('application/json')) return { kind: 'refused', status };
  const { code, reason, fields, message } = refusalOfJson(JSON.parse(body.toString()));
  return { kind: 'refused', status, code, reason, fields, text: message };
}

function streamAnswer(body: Buffer): Answer {
  const { end } = openEnvelopes(body);
  if (end?.error === undefined) return { kind: 'accepted' };
  const { code, reason, fields, message } = refusalOfJson(end.error);
  return { kind: 'refused', code, reason, fields, text: message };
}

function webAnswer(head: string, body: Buffer): Answer {
  const told = Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body]);
  const trailer = /grpc-status: (\d+)/.exec(told.toString('latin1'));
  // It broke off.
  if (trailer === null) return { kind: 'closed' };
  if (trailer[1] === '0') return { kind: 'accepted' };
  const { code, reason, fields, message } = refusalOfGrpcWeb(told);
  return { kind: 'refused', code, reason, fields, text: message };
}

function bodyOf(head: string, rest: Buffer): Buffer {
  if (!/^transfer-encoding: *chunked/im.test(head)) return rest;
  const parts: Buffer[] = [];
  for (let at = 0; at < rest.byteLength; ) {
    const lineEnd = rest.indexOf('\r\n', at);
    const size = Number.parseInt(rest.toString('latin1', at, lineEnd), 16);
    if (lineEnd === -1 || !(size > 0)) break;
    parts.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
  return Buffer.concat(parts);
}
