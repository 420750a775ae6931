// What becomes of a refusal that the library makes by itself? It knows no reasons and no fields, and takes
// bytes that are no message for a fault of the server. Each protocol has its own place for errors:
//
// X1  Connect, unary: the body, as JSON.
// X2  Streams of every protocol: thrown inside the call, where an interceptor can catch it.
// X3  gRPC and gRPC-Web, unary: the trailers, which gRPC-Web puts into the body.

import type { DescMethod } from '@bufbuild/protobuf';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { encodeEnvelope, type UniversalServerResponse } from '@connectrpc/connect/protocol';
import { codeFromString, codeToHttpStatus, errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import { findTrailerError, setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import { trailerFlag, trailerParse, trailerSerialize } from '@connectrpc/connect/protocol-grpc-web';
import { malformed, messageTooLarge } from '../errors.ts';
import { COMPRESSIONS, MAX_MESSAGE_BYTES } from './limits.ts';

const ENVELOPE_HEAD_BYTES = 5;

/** The answer, with our details where it tells an error of the library. */
export async function explain(
  answer: UniversalServerResponse,
  method: DescMethod,
): Promise<UniversalServerResponse> {
  const { body, status, header, trailer } = answer;
  const inputType = method.input.typeName;
  const contentType = header?.get('content-type') ?? '';
  if (body === undefined || body instanceof ReadableStream) return answer;
  if (status >= 400)
    return contentType === 'application/json' ? explainBody(answer, body, inputType) : answer;
  if (method.methodKind !== 'unary' || !contentType.startsWith('application/grpc')) return answer;
  return contentType.startsWith('application/grpc-web')
    ? { ...answer, body: explainLastChunk(body, inputType) }
    : { ...answer, body: explainAtEnd(body, trailer, inputType) };
}

/** X2. A stream has begun to be answered, with success, before its request is read. */
export const explainInStream: Interceptor = (next) => async (request) => {
  try {
    return await next(request);
  } catch (cause) {
    if (!request.stream || !(cause instanceof ConnectError) || cause.details.length > 0) throw cause;
    throw withReason(cause.code, cause.rawMessage, request.method.input.typeName) ?? cause;
  }
};

/** X1. */
async function explainBody(
  answer: UniversalServerResponse,
  body: AsyncIterable<Uint8Array>,
  inputType: string,
): Promise<UniversalServerResponse> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const told = await uncompressed(answer.header, Buffer.concat(chunks));
  const error = explained(told, inputType);
  const bytes = error === undefined ? told : errorToJsonBytes(error, undefined);
  answer.header?.set('content-length', String(bytes.byteLength));
  return {
    ...answer,
    status: error === undefined ? answer.status : codeToHttpStatus(error.code),
    body: once(bytes),
  };
}

/** X3, gRPC. The trailers are complete when the body has ended, and sent after it. */
async function* explainAtEnd(
  body: AsyncIterable<Uint8Array>,
  trailer: Headers | undefined,
  inputType: string,
): AsyncGenerator<Uint8Array> {
  yield* body;
  if (trailer !== undefined) explainTrailer(trailer, inputType);
}

/** X3, gRPC-Web. Each chunk is one envelope. */
async function* explainLastChunk(
  body: AsyncIterable<Uint8Array>,
  inputType: string,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    if (chunk[0] !== trailerFlag) {
      yield chunk;
      continue;
    }
    const trailer = trailerParse(chunk.subarray(ENVELOPE_HEAD_BYTES));
    yield explainTrailer(trailer, inputType) ? encodeEnvelope(trailerFlag, trailerSerialize(trailer)) : chunk;
  }
}

/** True if it changed it. */
function explainTrailer(trailer: Headers, inputType: string): boolean {
  const told = findTrailerError(trailer);
  if (told === undefined || told.details.length > 0) return false;
  const error = withReason(told.code, told.rawMessage, inputType);
  if (error !== undefined) setTrailerStatus(trailer, error);
  return error !== undefined;
}

/** Errors are short: they go out as they are, also to those who would take them compressed. */
async function uncompressed(header: Headers | undefined, body: Buffer): Promise<Buffer> {
  const encoding = header?.get('content-encoding');
  const compression = COMPRESSIONS.find(({ name }) => name === encoding);
  if (compression === undefined) return body;
  header?.delete('content-encoding');
  return Buffer.from(await compression.decompress(body, MAX_MESSAGE_BYTES));
}

function explained(body: Buffer, inputType: string): ConnectError | undefined {
  const { code, message, details } = JSON.parse(body.toString()) as {
    code?: string;
    message?: string;
    details?: unknown;
  };
  return details === undefined ? withReason(codeFromString(code ?? ''), message ?? '', inputType) : undefined;
}

/** What the library says of a request that it could not take, as a refusal of ours. */
function withReason(code: Code | undefined, message: string, inputType: string): ConnectError | undefined {
  switch (code) {
    case Code.ResourceExhausted:
      return messageTooLarge(MAX_MESSAGE_BYTES);
    case Code.Unimplemented:
      // Compressed in a way that is not known, no message, or more than one.
      return malformed(inputType, message, '', code);
    case Code.InvalidArgument:
      return malformed(inputType, message, fieldIn(message));
    default:
      return FAULTS_OF_CLIENTS.some((text) => message.includes(text))
        ? malformed(inputType, message, fieldIn(message))
        : undefined;
  }
}

/** What counts as the server's fault there. Defects of ours have details. */
const FAULTS_OF_CLIENTS = ['parse binary:', 'decompression failed', 'do not know how to decompress'];

/** The library names it in its text only, and by its last part; empty where it names none. */
function fieldIn(message: string): string {
  const named = /: key "(\w+)" is unknown$|^cannot decode field (?:\w+\.)+(\w+) from JSON/.exec(message);
  return named?.[1] ?? named?.[2] ?? '';
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
