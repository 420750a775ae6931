// What can a client do that was given nothing but an address? It asks the server for its descriptors
// (grpc.reflection.v1) and builds its calls from them, as grpcurl does. The protobuf implementation is
// another than Tutti's own, so that both have to agree on the bytes.

import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import {
  Client,
  type ClientDuplexStream,
  credentials,
  loadPackageDefinition,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import {
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from '@tutti/proto/grpc/reflection/v1/reflection_pb.ts';

export type Json = Readonly<Record<string, unknown>>;

export interface ReflectedService {
  readonly methods: readonly string[];
  /** Messages by the field names of the proto; 64-bit numbers and enum values as text. */
  call(method: string, request: Json): Promise<Json>;
  /** Ends where the server ends it; rejects as the server does. */
  stream(method: string, request: Json): AsyncIterable<Json>;
}

export interface ReflectedClient extends Disposable {
  readonly serviceNames: readonly string[];
  service(name: string): Promise<ReflectedService>;
}

const DEADLINE_MS = 30_000;
const LOADING = { keepCase: true, longs: String, enums: String, defaults: true } as const;

/** @param address host:port. */
export async function connectByReflection(address: string): Promise<ReflectedClient> {
  const asking = new Client(address, credentials.createInsecure());
  const open: { close(): void }[] = [asking];
  const answer = await ask(asking, { messageRequest: { case: 'listServices', value: '*' } });
  if (answer.messageResponse.case !== 'listServicesResponse') throw refused(answer);

  return {
    serviceNames: answer.messageResponse.value.service.map(({ name }) => name),
    async service(name) {
      const found = await ask(asking, { messageRequest: { case: 'fileContainingSymbol', value: name } });
      if (found.messageResponse.case !== 'fileDescriptorResponse') throw refused(found);
      const client = new (constructorOf(name, found.messageResponse.value.fileDescriptorProto))(
        address,
        credentials.createInsecure(),
      );
      open.push(client);
      return bind(client);
    },
    [Symbol.dispose]() {
      for (const client of open) client.close();
    },
  };
}

/** One question on a stream of its own. */
async function ask(
  client: Client,
  request: MessageInitShape<typeof ServerReflectionRequestSchema>,
): Promise<ServerReflectionResponse> {
  const stream: ClientDuplexStream<ServerReflectionRequest, ServerReflectionResponse> =
    client.makeBidiStreamRequest(
      `/${ServerReflection.typeName}/ServerReflectionInfo`,
      (message: ServerReflectionRequest) => Buffer.from(toBinary(ServerReflectionRequestSchema, message)),
      (bytes) => fromBinary(ServerReflectionResponseSchema, bytes),
      { deadline: Date.now() + DEADLINE_MS },
    );
  stream.end(create(ServerReflectionRequestSchema, request));
  let answer: ServerReflectionResponse | undefined;
  for await (const message of stream) answer = message as ServerReflectionResponse;
  if (answer === undefined) throw new Error('the server answered a question about itself with nothing');
  return answer;
}

function refused({ messageResponse }: ServerReflectionResponse): Error {
  const why = messageResponse.case === 'errorResponse' ? messageResponse.value.errorMessage : 'no answer';
  return new Error(`the server does not tell of itself: ${why}`);
}

function constructorOf(service: string, files: readonly Uint8Array[]): ServiceClientConstructor {
  const file = files.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
  const set = toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file }));
  let found: unknown = loadPackageDefinition(loadFileDescriptorSetFromBuffer(Buffer.from(set), LOADING));
  for (const part of service.split('.')) found = (found as Record<string, unknown> | undefined)?.[part];
  if (typeof found !== 'function') throw new Error(`the descriptors hold no service ${service}`);
  return found as ServiceClientConstructor;
}

function bind(client: InstanceType<ServiceClientConstructor>): ReflectedService {
  const { service } = client.constructor as unknown as ServiceClientConstructor;
  const method = (name: string) => {
    const found = client[name];
    if (found === undefined) throw new Error(`the descriptors hold no method ${name}`);
    return found.bind(client);
  };
  return {
    methods: Object.keys(service),
    call: (name, request) =>
      new Promise((resolve, reject) => {
        method(name)(request, { deadline: Date.now() + DEADLINE_MS }, (error: Error | null, answer: Json) => {
          if (error === null) resolve(answer);
          else reject(error);
        });
      }),
    stream: (name, request) =>
      method(name)(request, { deadline: Date.now() + DEADLINE_MS }) as unknown as AsyncIterable<Json>,
  };
}
