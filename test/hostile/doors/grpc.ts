// What does the gRPC door answer to bytes that no gRPC client would send? Plain HTTP/2, frame by frame.

import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { refusalOfGrpc } from '../../support/refusal.ts';
import type { Answer } from './answer.ts';

export interface RawCall {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** All that is written before the stream is ended. */
  readonly body: Uint8Array;
  /** Of a stream that goes on, the first message counts as its answer. */
  readonly timeoutMs?: number;
}

export interface RawGrpc {
  call(call: RawCall): Promise<Answer>;
}

const TIMEOUT_MS = 20_000;
/** Node would end a session that sends 16 MiB at once. */
const MAX_SESSION_MIB = 256;

/** @param address host:port. Each call has a connection of its own: some of them end theirs. */
export function openRawGrpc(address: string): RawGrpc {
  return {
    async call(call) {
      const session = connectRaw(address);
      try {
        return await callOnce(session, call);
      } finally {
        session.destroy();
      }
    },
  };
}

export function connectRaw(address: string): ClientHttp2Session {
  const session = connect(`http://${address}`, { maxSessionMemory: MAX_SESSION_MIB });
  session.on('error', () => {});
  return session;
}

export function callOnce(session: ClientHttp2Session, call: RawCall): Promise<Answer> {
  return new Promise((resolve) => {
    let head: IncomingHttpHeaders = {};
    let answered = false;
    // Throws for what node:http2 would not send: before anything waits.
    const stream = session.request({
      ':method': 'POST',
      ':path': call.path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...call.headers,
    });
    const settle = (answer: Answer) => {
      clearTimeout(timer);
      resolve(answer);
      stream.close();
    };
    const timer = setTimeout(() => settle({ kind: 'none' }), call.timeoutMs ?? TIMEOUT_MS);
    stream.on('error', () => {});
    stream.on('response', (headers) => {
      head = headers;
      if (headers['grpc-status'] !== undefined) settle(answerOf(headers));
      else if (headers[':status'] !== 200) settle({ kind: 'refused', status: Number(headers[':status']) });
    });
    stream.on('trailers', (headers) => settle(answerOf({ ...head, ...headers })));
    stream.on('data', () => {
      answered = true;
      // A watch never ends by itself.
      setTimeout(() => settle({ kind: 'accepted' }), 50).unref();
    });
    stream.on('close', () => settle({ kind: answered ? 'accepted' : 'closed' }));
    stream.end(call.body);
  });
}

function answerOf(headers: IncomingHttpHeaders): Answer {
  const code = Number(headers['grpc-status']);
  if (code === status.OK) return { kind: 'accepted' };
  const metadata = new Metadata();
  const details = headers['grpc-status-details-bin'];
  if (details !== undefined) metadata.set('grpc-status-details-bin', Buffer.from(String(details), 'base64'));
  const text = decodeURIComponent(String(headers['grpc-message'] ?? ''));
  const refusal = refusalOfGrpc({ code, details: text, metadata } as ServiceError);
  return { kind: 'refused', code: refusal.code, reason: refusal.reason, fields: refusal.fields, text };
}
