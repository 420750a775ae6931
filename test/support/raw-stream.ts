// What does one stream of answers say, from its first message to the way it ends? A bare grpc-js client: nothing
// is repeated or resumed.

import {
  create,
  type DescMethodServerStreaming,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { fromServiceError, type TuttiError } from '../../clients/typescript/src/client/errors.ts';

export interface RawStream<O extends DescMethodServerStreaming['output']> extends Disposable {
  /** Resolves with the first one; it has been read. */
  readonly first: Promise<MessageShape<O>>;
  /** All that were read, and why it ended; undefined: well. */
  readonly ended: Promise<{ readonly messages: readonly MessageShape<O>[]; readonly error?: TuttiError }>;
}

export function openRawStream<
  I extends DescMethodServerStreaming['input'],
  O extends DescMethodServerStreaming['output'],
>(address: string, method: DescMethodServerStreaming<I, O>, request: MessageInitShape<I>): RawStream<O> {
  const client = new Client(address, credentials.createInsecure());
  const messages: MessageShape<O>[] = [];
  const first = Promise.withResolvers<MessageShape<O>>();
  const ended = Promise.withResolvers<{ messages: MessageShape<O>[]; error?: TuttiError }>();
  first.promise.catch(() => {});
  const stream = client.makeServerStreamRequest(
    `/${method.parent.typeName}/${method.name}`,
    (bytes: Uint8Array) => Buffer.from(bytes),
    (bytes) => fromBinary(method.output, bytes),
    toBinary(method.input, create(method.input, request)),
  );
  stream.on('data', (message: MessageShape<O>) => {
    messages.push(message);
    first.resolve(message);
  });
  stream.on('end', () => ended.resolve({ messages }));
  stream.on('error', (failure: ServiceError) => {
    const error = fromServiceError(failure);
    first.reject(error);
    ended.resolve({ messages, error });
  });
  return {
    first: first.promise,
    ended: ended.promise,
    [Symbol.dispose]() {
      stream.cancel();
      client.close();
    },
  };
}
