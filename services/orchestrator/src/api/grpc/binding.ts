// How is a service of ours bound to grpc-js?
//
// B1  A request that cannot be decoded or is too large reaches the handler as the error it is to be
//     answered with: an error thrown while decoding would reach the client without details.
// B2  A stream is read one message ahead of its reader: the next one is asked for when the transport
//     has taken the last.
// B3  Nothing that lives as long as a stream is waited for with each message: every wait would leave
//     a reaction behind, and a stream may live for weeks.
// B4  A request for more work that there is no room for is refused before it is decoded, at the least cost
//     there is: many of them must not take the time of what was admitted.
// B5  Large answers count until they have been taken: a reader that never reads holds memory.

import { type DescMessage, type DescService, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { ConnectError } from '@connectrpc/connect';
import type {
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { isTooHeavy } from '../../wire/message-weight.ts';
import { type Bounds, LARGE_ANSWER_BYTES } from '../bounds.ts';
import type { CallContext } from '../call.ts';
import { addsWork, SMALL_REQUEST_BYTES } from '../entry.ts';
import { malformed, messageTooHeavy, messageTooLarge } from '../errors.ts';
import type { OpenCalls } from './open-calls.ts';
import { asBuffer, type GrpcError, isGrpcError, toGrpcError } from './status.ts';

export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** Methods by their local names, as each of the kind that its descriptor says. */
export type ServiceMethods = Readonly<Record<string, UnaryMethod | StreamMethod>>;
type UnaryMethod = (request: never, context: CallContext) => Promise<Message>;
type StreamMethod = (request: never, context: CallContext) => AsyncIterable<Message>;
type EncodedMethod = (request: never, context: CallContext) => AsyncIterable<Uint8Array>;

/** B4. Asked with the size of each request for more work. */
export type EarlyRefusal = (sizeBytes: number) => GrpcError | undefined;

/** B5. */
export type Answers = Pick<Bounds, 'handed' | 'taken'>;
const UNCOUNTED: Answers = { handed() {}, taken() {} };

export interface Binding {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** @param encoded streams that give their answers in binary form already, by local name */
export function bindService(
  service: DescService,
  methods: ServiceMethods,
  openCalls: OpenCalls,
  encoded: Readonly<Record<string, EncodedMethod>> = {},
  early: EarlyRefusal = () => undefined,
  answers: Answers = UNCOUNTED,
): Binding {
  const definition: Record<string, MethodDefinition<unknown, unknown>> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const { localName, name, methodKind, input, output } of service.methods) {
    const handle = encoded[localName] ?? methods[localName];
    if (handle === undefined) throw new Error(`${service.typeName}.${name} is not implemented`);
    definition[localName] = {
      path: `/${service.typeName}/${name}`,
      requestStream: false,
      responseStream: methodKind === 'server_streaming',
      // Unary answers are encoded before, for their size.
      ...codec(
        input,
        output,
        methodKind === 'unary' || localName in encoded,
        addsWork(name) ? early : undefined,
      ),
    };
    switch (methodKind) {
      case 'unary':
        implementation[localName] = handleUnary(handle as Unary, output, openCalls, answers);
        break;
      case 'server_streaming':
        implementation[localName] = handleStream(handle as Stream, openCalls);
        break;
      case 'client_streaming':
      case 'bidi_streaming':
        throw new Error(`${service.typeName}.${name}: requests cannot be streamed here`);
    }
  }
  return { definition, implementation };
}

export function codec(input: DescMessage, output: DescMessage, isEncoded: boolean, early?: EarlyRefusal) {
  const serialize = isEncoded
    ? (value: unknown) => asBuffer(value as Uint8Array)
    : (value: unknown) => asBuffer(toBinary(output, value as Message));
  return {
    requestDeserialize: (bytes: Buffer) => early?.(bytes.byteLength) ?? decode(input, bytes),
    responseSerialize: serialize,
    // Of the client's side of the definition; the server never calls them.
    requestSerialize: (value: unknown) => asBuffer(toBinary(input, value as Message)),
    responseDeserialize: (bytes: Buffer) => fromBinary(output, bytes),
  };
}

/** Of requests that are not small, as long as they are there. */
const largeSizes = new WeakMap<Message, number>();

/** B1. */
function decode(schema: DescMessage, bytes: Buffer): Message | ConnectError {
  if (bytes.byteLength > MAX_MESSAGE_BYTES) return messageTooLarge(MAX_MESSAGE_BYTES);
  if (isTooHeavy(schema, bytes)) return messageTooHeavy();
  try {
    const message = fromBinary(schema, bytes);
    if (bytes.byteLength > SMALL_REQUEST_BYTES) largeSizes.set(message, bytes.byteLength);
    return message;
  } catch (cause) {
    return malformed(schema.typeName, cause);
  }
}

type Unary = (request: Message, context: CallContext) => Promise<Message>;
type Stream = (request: Message, context: CallContext) => AsyncIterable<unknown>;

function handleUnary(
  handle: Unary,
  output: DescMessage,
  openCalls: OpenCalls,
  answers: Answers,
): handleUnaryCall<Message | ConnectError | GrpcError, Uint8Array> {
  return (call, callback) => {
    const { request } = call;
    if (request instanceof ConnectError) {
      callback(toGrpcError(request));
      return;
    }
    if (isGrpcError(request)) {
      callback(request);
      return;
    }
    handle(request, openCalls.contextOf(call, undefined, largeSizes.get(request))).then(
      (response) => {
        const bytes = toBinary(output, response);
        if (bytes.byteLength >= LARGE_ANSWER_BYTES) count(call, bytes.byteLength, answers);
        callback(null, bytes);
      },
      (error) => callback(toGrpcError(ConnectError.from(error))),
    );
  };
}

/** B5. */
function count(call: ServerUnaryCall<unknown, unknown>, sizeBytes: number, answers: Answers): void {
  if (call.cancelled) return;
  answers.handed(sizeBytes);
  // grpc-js says so when the transport has all of it, and when there is nobody to take it.
  call.once('cancelled', () => answers.taken(sizeBytes));
}

function handleStream(
  handle: Stream,
  openCalls: OpenCalls,
): handleServerStreamingCall<Message | ConnectError, unknown> {
  return (call) => {
    const { request } = call;
    if (request instanceof ConnectError) {
      call.emit('error', toGrpcError(request));
      return;
    }
    void pump(call, (cut) => handle(request, openCalls.contextOf(call, cut)));
  };
}

/** Never rejects. */
async function pump(
  call: ServerWritableStream<unknown, unknown>,
  open: (cut: (error: ConnectError) => void) => AsyncIterable<unknown>,
): Promise<void> {
  let over = false;
  /** Ends the wait for the message under way. B3. */
  let taken = () => {};
  function finish(): void {
    over = true;
    taken();
  }
  function fail(error: ConnectError): void {
    if (over) return;
    // grpc-js sends it as the status, behind what the reader has still to take.
    call.emit('error', toGrpcError(error));
    finish();
  }
  call.once('cancelled', finish);
  try {
    for await (const message of open(fail)) {
      if (over || call.cancelled) return;
      // B2. A call that is over never takes it.
      await new Promise<void>((resolve) => {
        taken = resolve;
        call.write(message, () => resolve());
      });
      if (over || call.cancelled) return;
    }
    call.end();
  } catch (error) {
    fail(ConnectError.from(error));
  }
}
