// How does a request of node:http or node:http2 reach a service?
//
// Not connectNodeAdapter: it writes failures to the console, and answers what it cannot decode
// without the details that every refusal of ours carries.

import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { createRegistry } from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  createConnectRouter,
  createContextValues,
  type Interceptor,
} from '@connectrpc/connect';
import type { UniversalHandler, UniversalServerResponse } from '@connectrpc/connect/protocol';
import { codeFromString, codeToHttpStatus, errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '@tutti/proto/google/rpc/error_pb.ts';
import { malformed, messageTooLarge } from '../errors.ts';
import type { Services } from '../services/index.ts';
import { bindRoutes, CUT } from './routes.ts';

export type HttpRequest = IncomingMessage | Http2ServerRequest;
export type HttpResponse = ServerResponse | Http2ServerResponse;

export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** How long a reader that was cut may still fetch the reason. */
const CUT_GRACE_MS = 10_000;

const COMPRESSIONS = [compressionGzip, compressionBrotli];
const DETAILS = createRegistry(BadRequestSchema, ErrorInfoSchema, RetryInfoSchema);

export interface Adapter {
  /** False where the path names no method. */
  handle(request: HttpRequest, response: HttpResponse): boolean;
}

/** @param shutdownSignal its reason is what long calls are told when it is aborted */
export function createAdapter(services: Services, shutdownSignal: AbortSignal): Adapter {
  const router = createConnectRouter({
    acceptCompression: COMPRESSIONS,
    readMaxBytes: MAX_MESSAGE_BYTES,
    writeMaxBytes: MAX_MESSAGE_BYTES,
    // A misspelt field is an error, not silence.
    // The registry is for the details of an error inside an answer, as SubmitRuns has them.
    jsonOptions: { ignoreUnknownFields: false, registry: DETAILS },
    interceptors: [explainInStream],
    shutdownSignal,
  });
  bindRoutes(router, services);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));

  return {
    handle(request, response) {
      const handler = handlers.get(pathOf(request));
      if (handler === undefined) return false;
      // It fails when the client goes away in the middle of the answer: nobody is left to tell.
      respond(handler, request, response).catch(() => response.destroy());
      return true;
    },
  };
}

export function pathOf(request: HttpRequest): string {
  return request.url?.split('?', 1)[0] ?? '';
}

/** Both kinds have the same method, but only apart. */
export function endWith(response: HttpResponse, body = ''): void {
  if (response instanceof ServerResponse) response.end(body);
  else response.end(body);
}

async function respond(
  handler: UniversalHandler,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  const values = createContextValues();
  if (handler.method.methodKind === 'server_streaming') values.set(CUT, cutter(response));
  const answer = await handler(universalRequestFromNodeRequest(request, response, undefined, values));
  await universalResponseToNodeResponse(await withDetails(answer, handler.method.input.typeName), response);
}

function cutter(response: HttpResponse): (error: ConnectError) => void {
  return () => {
    const timer = setTimeout(() => response.destroy(), CUT_GRACE_MS);
    timer.unref();
    response.once('close', () => clearTimeout(timer));
  };
}

/** The answer, with our details where it tells an error that the library found by itself. */
async function withDetails(
  answer: UniversalServerResponse,
  inputType: string,
): Promise<UniversalServerResponse> {
  const { body, status } = answer;
  const isOwnError = status >= 400 && answer.header?.get('content-type') === 'application/json';
  if (!isOwnError || body === undefined) return answer;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const told = await uncompressed(answer.header, Buffer.concat(chunks));
  const error = explained(told, inputType);
  const bytes = error === undefined ? told : errorToJsonBytes(error, undefined);
  answer.header?.set('content-length', String(bytes.byteLength));
  return {
    ...answer,
    status: error === undefined ? status : codeToHttpStatus(error.code),
    body: once(bytes),
  };
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
  if (code === Code.ResourceExhausted) return messageTooLarge(MAX_MESSAGE_BYTES);
  // Bytes that are no message count as the server's fault there. Defects of ours have details.
  const isMalformed = code === Code.InvalidArgument || message.startsWith('parse binary:');
  return isMalformed ? malformed(inputType, message, fieldIn(message)) : undefined;
}

/** The library names it in its text only, and by its last part; empty where it names none. */
function fieldIn(message: string): string {
  const named = /: key "(\w+)" is unknown$|^cannot decode field (?:\w+\.)+(\w+) from JSON/.exec(message);
  return named?.[1] ?? named?.[2] ?? '';
}

/** A stream has begun to be answered, with success, before its request is read: its errors come inside. */
const explainInStream: Interceptor = (next) => async (request) => {
  try {
    return await next(request);
  } catch (cause) {
    if (!request.stream || !(cause instanceof ConnectError) || cause.details.length > 0) throw cause;
    throw withReason(cause.code, cause.rawMessage, request.method.input.typeName) ?? cause;
  }
};

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
