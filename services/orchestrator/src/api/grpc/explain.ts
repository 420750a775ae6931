// What becomes of a refusal that grpc-js makes by itself? It knows no reasons, and takes some faults of a
// client for faults of the server.
//
// G1  A refusal in a call goes through the one method that sends its status.
// G2  A call of an unknown method has no such object: it is answered by the server itself.
//
// Neither is a door that grpc-js opens to others; the tests hold that both are there. Deadlines and
// cancellations stay as they are: whoever set them knows the reason.

import { Code, type ConnectError } from '@connectrpc/connect';
import { type Server, type ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js';
import { answerTooLarge, malformed, messageTooLarge, unknownMethod } from '../errors.ts';
import { MAX_MESSAGE_BYTES } from './binding.ts';
import { toGrpcError } from './status.ts';

type Told = Parameters<ServerInterceptingCall['sendStatus']>[0];

const REMEDY = 'Server reflection and the protos list the methods that there are.';

/** G1. */
export const explainRefusals: ServerInterceptor = (method, call) => {
  const send = call.sendStatus.bind(call);
  call.sendStatus = (told: Told) => send(explained(told, method.path));
  return call as ServerInterceptingCall;
};

interface Answering {
  _respondWithError(error: Pick<Told, 'code' | 'details'>, ...more: unknown[]): void;
}

/** G2. */
export function explainUnknownMethods(server: Server): void {
  const answering = server as unknown as Answering;
  const respond = answering._respondWithError.bind(server);
  answering._respondWithError = (error, ...more) => {
    const path = /method (.*)$/s.exec(error.details ?? '')?.[1] ?? '';
    const told = error.code === status.UNIMPLEMENTED ? toGrpcError(unknownMethod(path, REMEDY)) : undefined;
    // What goes out here goes out as it is, and is to be text of ASCII.
    respond(told === undefined ? error : { ...told, details: encodeURI(told.details) }, ...more);
  };
}

function explained(told: Told, path: string): Told {
  if (told.code === status.OK || told.metadata?.get('grpc-status-details-bin').length === 1) return told;
  const error = refusalOf(told.code, told.details ?? '', path);
  return error === undefined ? told : toGrpcError(error);
}

/** By its text: there is nothing else to tell its refusals apart by. */
function refusalOf(code: number | undefined, text: string, path: string): ConnectError | undefined {
  switch (code) {
    case status.RESOURCE_EXHAUSTED:
      return text.startsWith('Sent message')
        ? answerTooLarge(MAX_MESSAGE_BYTES)
        : messageTooLarge(MAX_MESSAGE_BYTES);
    case status.UNIMPLEMENTED:
      // An encoding that is not known, no message, or a second one: the code is what gRPC asks for.
      return malformed(`call of ${path}`, text, '', Code.Unimplemented);
    case status.INTERNAL:
      return isFaultOfClient(text) ? malformed(`call of ${path}`, text) : undefined;
    default:
      return undefined;
  }
}

function isFaultOfClient(text: string): boolean {
  return text.startsWith('Failed to decompress') || text.startsWith('Invalid grpc-timeout');
}
