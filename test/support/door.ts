// The same call through either door: native gRPC in binary, or HTTP in JSON.
//
// Requests are given as JSON or, to be able to break every rule, as the bytes themselves. Of a stream
// the first answer counts.

import { type DescMethod, fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { envelope, openEnvelopes } from './envelopes.ts';
import { type Refusal, refusalOfGrpc, refusalOfJson } from './refusal.ts';

export type Outcome = { readonly ok: true } | ({ readonly ok: false } & Refusal);

export interface Door {
  call(method: DescMethod, request: JsonValue | Uint8Array): Promise<Outcome>;
  close(): void;
}

const TIMEOUT_MS = 30_000;

/** @param address host:port. */
export function openGrpcDoor(address: string): Door {
  const client = new Client(address, credentials.createInsecure());
  const identity = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    close: () => client.close(),
    call(method, request) {
      const bytes =
        request instanceof Uint8Array ? request : toBinary(method.input, fromJson(method.input, request));
      const path = `/${method.parent.typeName}/${method.name}`;
      const options = { deadline: Date.now() + TIMEOUT_MS };
      return new Promise((resolve) => {
        const refuse = (error: ServiceError) => resolve({ ok: false, ...refusalOfGrpc(error) });
        if (method.methodKind === 'unary') {
          client.makeUnaryRequest(path, identity, identity, bytes, options, (error) =>
            error === null ? resolve({ ok: true }) : refuse(error),
          );
          return;
        }
        const stream = client.makeServerStreamRequest(path, identity, identity, bytes, options);
        stream.once('data', () => {
          resolve({ ok: true });
          stream.cancel();
        });
        stream.on('error', refuse);
      });
    },
  };
}

/** @param url of the server. JSON as it is, bytes as binary protobuf. */
export function openHttpDoor(url: string): Door {
  return {
    close() {},
    async call(method, request) {
      const streams = method.methodKind !== 'unary';
      const binary = request instanceof Uint8Array;
      const kind = binary ? 'proto' : 'json';
      if (streams && binary) throw new Error('bytes for a stream need an envelope of their own');
      const body = binary ? Buffer.from(request) : streams ? envelope(request) : JSON.stringify(request);
      const response = await fetch(`${url}/${method.parent.typeName}/${method.name}`, {
        method: 'POST',
        headers: { 'content-type': `application/${streams ? 'connect+' : ''}${kind}` },
        body,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return streams ? streamOutcome(response) : unaryOutcome(response);
    },
  };
}

async function unaryOutcome(response: Response): Promise<Outcome> {
  const text = await response.text();
  return response.ok ? { ok: true } : { ok: false, ...refusalOfJson(JSON.parse(text)) };
}

async function streamOutcome(response: Response): Promise<Outcome> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    const { messages, end } = openEnvelopes(Buffer.concat(chunks));
    if (end?.error !== undefined) return { ok: false, ...refusalOfJson(end.error) };
    if (messages.length > 0 || end !== undefined) return { ok: true };
  }
  throw new Error(`the stream broke off with status ${response.status}`);
}
