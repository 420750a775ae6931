// A bare gRPC client of the contract, for load and tests: nothing between the caller and the wire.

import {
  create,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Client, credentials, Metadata } from '@grpc/grpc-js';

export interface Rpc {
  /** Rejects with grpc-js's ServiceError. */
  call<I extends DescMethodUnary['input'], O extends DescMethodUnary['output']>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<MessageShape<O>>;
  close(): void;
}

const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
const DEADLINE_MS = 120_000;

/** @param address host:port. */
export function createRpc(address: string): Rpc {
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  });
  return {
    call: (method, request, headers = {}) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          `/${method.parent.typeName}/${method.name}`,
          (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
          (bytes) => bytes,
          toBinary(method.input, create(method.input, request)),
          metadataOf(headers),
          { deadline: Date.now() + DEADLINE_MS },
          (error, answer) => {
            if (error !== null || answer === undefined) reject(error ?? new Error('no answer'));
            else resolve(fromBinary(method.output, answer));
          },
        );
      }),
    close: () => client.close(),
  };
}

function metadataOf(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}
