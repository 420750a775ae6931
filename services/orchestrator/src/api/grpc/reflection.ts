// What does the server serve? grpc.reflection.v1 and v1alpha, for generic clients such as grpcurl.
//
// Own code, because the well-kept package for it works on descriptors of protobufjs only, which
// would come as a second protobuf implementation and drops the validation rules.

import { create, type DescService, type MessageInitShape } from '@bufbuild/protobuf';
import { ConnectError } from '@connectrpc/connect';
import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import {
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionResponseSchema,
} from '@tutti/proto/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '@tutti/proto/grpc/reflection/v1alpha/reflection_pb.ts';
import { type Binding, codec } from './binding.ts';
import { createDescriptorIndex, type DescriptorIndex } from './descriptors.ts';
import { toGrpcError } from './status.ts';

export const REFLECTION_SERVICES: readonly DescService[] = [ServerReflection, ServerReflectionAlpha];

/** Both versions differ in the name of their package only. */
export function bindReflection(services: readonly DescService[]): readonly Binding[] {
  const index = createDescriptorIndex(services);
  return REFLECTION_SERVICES.map((service) => ({
    definition: {
      serverReflectionInfo: {
        path: `/${service.typeName}/ServerReflectionInfo`,
        requestStream: true,
        responseStream: true,
        ...codec(ServerReflection.method.serverReflectionInfo.input, ServerReflectionResponseSchema, false),
      },
    },
    implementation: {
      serverReflectionInfo: (call: ServerDuplexStream<ServerReflectionRequest | ConnectError, unknown>) =>
        serve(index, call),
    },
  }));
}

function serve(
  index: DescriptorIndex,
  call: ServerDuplexStream<ServerReflectionRequest | ConnectError, unknown>,
): void {
  call.on('data', (request: ServerReflectionRequest | ConnectError) => {
    if (request instanceof ConnectError) {
      call.emit('error', toGrpcError(request));
      return;
    }
    const answered = create(ServerReflectionResponseSchema, {
      validHost: request.host,
      originalRequest: request,
      messageResponse: answer(index, request),
    });
    if (call.write(answered)) return;
    // Questions wait while answers are not taken.
    call.pause();
    call.once('drain', () => call.resume());
  });
  call.on('end', () => call.end());
}

type Answer = NonNullable<
  Extract<MessageInitShape<typeof ServerReflectionResponseSchema>, { $typeName?: never }>['messageResponse']
>;

function answer(index: DescriptorIndex, { messageRequest }: ServerReflectionRequest): Answer {
  switch (messageRequest.case) {
    case 'listServices':
      return {
        case: 'listServicesResponse',
        value: { service: index.services.map((name) => ({ name })) },
      };
    case 'fileByFilename':
      return files(index.byFilename(messageRequest.value), `file '${messageRequest.value}'`);
    case 'fileContainingSymbol':
      return files(index.bySymbol(messageRequest.value), `symbol '${messageRequest.value}'`);
    case 'fileContainingExtension': {
      const { containingType, extensionNumber } = messageRequest.value;
      const what = `extension ${extensionNumber} of '${containingType}'`;
      return files(index.byExtension(containingType, extensionNumber), what);
    }
    case 'allExtensionNumbersOfType': {
      const numbers = index.extensionNumbers(messageRequest.value);
      if (numbers === undefined) return notFound(`type '${messageRequest.value}'`);
      const value = { baseTypeName: messageRequest.value, extensionNumber: [...numbers] };
      return { case: 'allExtensionNumbersResponse', value };
    }
    case undefined:
      return refused(status.INVALID_ARGUMENT, 'The request asks for nothing: set one of message_request.');
  }
}

function files(found: readonly Uint8Array[] | undefined, what: string): Answer {
  if (found === undefined) return notFound(what);
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto: [...found] } };
}

function notFound(what: string): Answer {
  return refused(status.NOT_FOUND, `This server has no ${what.slice(0, 300)}.`);
}

function refused(errorCode: number, errorMessage: string): Answer {
  return { case: 'errorResponse', value: { errorCode, errorMessage } };
}
