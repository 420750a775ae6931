// The orchestrator's gRPC side, as a test scripts it: real grpc-js on a free port of 127.0.0.1.

import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type StatusObject,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
  StatusSchema,
} from '@tutti/proto/google/rpc/error_pb.ts';
import { ExecutorService } from '@tutti/proto/tutti/v1/executor_service_pb.ts';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';

type Methods = typeof OrchestratorService.method & typeof ExecutorService.method;
type Input<M> = M extends { input: infer I extends DescMessage } ? MessageShape<I> : never;
type Output<M> = M extends { output: infer O extends DescMessage } ? MessageInitShape<O> : never;

/** What a call was sent with. */
export interface CallInfo {
  readonly metadata: Metadata;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
}

type Handlers = {
  [Name in keyof Methods]?: Methods[Name] extends { methodKind: 'server_streaming' }
    ? (request: Input<Methods[Name]>, info: CallInfo) => AsyncIterable<Output<Methods[Name]>>
    : (
        request: Input<Methods[Name]>,
        info: CallInfo,
      ) => Output<Methods[Name]> | Promise<Output<Methods[Name]>>;
};

export interface ScriptedServer {
  readonly address: string;
  /** May be changed at any time. */
  readonly handlers: Handlers;
  /** Breaks every connection at once and stops listening. */
  kill(): void;
  /** Listens again, on the same port. */
  restart(): Promise<void>;
}

/** What a handler throws to answer with a failure as the orchestrator words it. */
export function failure(
  code: status,
  reason: string,
  more: { metadata?: Record<string, string>; violations?: [string, string][]; retryDelayMs?: number } = {},
): Partial<StatusObject> {
  const details = [
    anyPack(
      ErrorInfoSchema,
      create(ErrorInfoSchema, { reason, domain: 'tutti.v1', metadata: more.metadata ?? {} }),
    ),
  ];
  if (more.violations !== undefined) {
    const fieldViolations = more.violations.map(([field, description]) => ({ field, description }));
    details.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations })));
  }
  if (more.retryDelayMs !== undefined) {
    const retryDelay = { nanos: more.retryDelayMs * 1_000_000 };
    details.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })));
  }
  const message = `scripted ${reason}`;
  const metadata = new Metadata();
  const encoded = toBinary(StatusSchema, create(StatusSchema, { code, message, details }));
  metadata.set('grpc-status-details-bin', Buffer.from(encoded));
  return { code, details: message, metadata };
}

export async function startScriptedServer(): Promise<ScriptedServer> {
  const handlers: Handlers = {};
  let server = new Server();
  const listen = async (port: number): Promise<number> => {
    server = new Server();
    addService(server, OrchestratorService, handlers);
    addService(server, ExecutorService, handlers);
    return new Promise((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
  };
  const port = await listen(0);
  return {
    address: `127.0.0.1:${port}`,
    handlers,
    kill: () => server.forceShutdown(),
    async restart() {
      await listen(port);
    },
  };
}

/** Everything that an iterable gives. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

type AnyHandler = (request: unknown, info: CallInfo) => unknown;

function addService(
  server: Server,
  service: typeof OrchestratorService | typeof ExecutorService,
  handlers: Handlers,
): void {
  const byName = handlers as Record<string, AnyHandler | undefined>;
  for (const method of service.methods) {
    const handle = (request: unknown, info: CallInfo): unknown => {
      const handler = byName[method.localName];
      if (handler === undefined) throw Object.assign(new Error(method.name), { code: status.UNIMPLEMENTED });
      return handler(request, info);
    };
    const isStream = method.methodKind === 'server_streaming';
    server.addService(
      {
        [method.name]: {
          path: `/${service.typeName}/${method.name}`,
          requestStream: false,
          responseStream: isStream,
          requestSerialize: (value: unknown) => value as Buffer,
          requestDeserialize: (data: Buffer) => fromBinary(method.input, data),
          responseSerialize: (value: unknown) =>
            Buffer.from(toBinary(method.output, create(method.output, value as Record<string, unknown>))),
          responseDeserialize: (data: Buffer) => data,
        },
      },
      { [method.name]: isStream ? streamed(handle) : unary(handle) },
    );
  }
}

function unary(handle: AnyHandler) {
  return async (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) => {
    try {
      callback(null, await handle(call.request, infoOf(call)));
    } catch (error) {
      callback(error as Partial<StatusObject>);
    }
  };
}

function streamed(handle: AnyHandler) {
  return async (call: ServerWritableStream<unknown, unknown>) => {
    try {
      for await (const message of handle(call.request, infoOf(call)) as AsyncIterable<unknown>) {
        call.write(message);
      }
      call.end();
    } catch (error) {
      call.emit('error', error);
    }
  };
}

function infoOf(call: ServerUnaryCall<unknown, unknown> | ServerWritableStream<unknown, unknown>): CallInfo {
  const gone = new AbortController();
  call.on('cancelled', () => gone.abort());
  return { metadata: call.metadata, signal: gone.signal };
}
