// How does a request of node:http or node:http2 reach a service?
//
// Not connectNodeAdapter: it writes failures to the console, and answers what it cannot decode
// without the details that every refusal of ours carries.

import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { createRegistry } from '@bufbuild/protobuf';
import {
  type ConnectError,
  type ContextValues,
  createConnectRouter,
  createContextValues,
} from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { codeToHttpStatus, errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '@tutti/proto/google/rpc/error_pb.ts';
import { malformed } from '../errors.ts';
import type { Visit } from '../intake.ts';
import { createQuiet } from '../quiet.ts';
import type { Services } from '../services/index.ts';
import { explain, explainInStream } from './explain.ts';
import { COMPRESSIONS, MAX_MESSAGE_BYTES } from './limits.ts';
import { readBody } from './read-body.ts';
import { bindRoutes, CUT } from './routes.ts';

export type HttpRequest = IncomingMessage | Http2ServerRequest;
export type HttpResponse = ServerResponse | Http2ServerResponse;

/** How long a reader that was cut may still fetch the reason. */
const CUT_GRACE_MS = 10_000;

const DETAILS = createRegistry(BadRequestSchema, ErrorInfoSchema, RetryInfoSchema);

export interface Adapter {
  /** False where the path names no method. */
  handle(request: HttpRequest, response: HttpResponse, visit: Visit): boolean;
  /** Resolves once no call is under way, or `enough` is aborted. */
  quiet(enough: AbortSignal): Promise<void>;
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
  let underWay = 0;
  const quiet = createQuiet(() => underWay);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));

  return {
    handle(request, response, visit) {
      const handler = handlers.get(pathOf(request));
      if (handler === undefined) return false;
      // It fails when the client goes away in the middle of the answer: nobody is left to tell.
      underWay += 1;
      // Whatever became of the answer: of a client that goes in the middle of it the library may never hear.
      response.once('close', () => {
        over.add(response);
        underWay -= 1;
        quiet.ended();
      });
      respond(handler, services.bounds, request, response, visit).catch(() => response.destroy());
      return true;
    },
    quiet: quiet.wait,
  };
}

export function pathOf(request: HttpRequest): string {
  return request.url?.split('?', 1)[0] ?? '';
}

/** Both kinds have the same method, but only apart. */
export function endWith(response: HttpResponse, body: string | Buffer = ''): void {
  if (response instanceof ServerResponse) response.end(body);
  else response.end(body);
}

/** Responses that have come to their end, or whose client has gone: no other `close` follows. */
const over = new WeakSet<HttpResponse>();

/** Until the response is over: what a reader that never reads leaves with the transport. */
async function* counted(
  body: AsyncIterable<Uint8Array>,
  bounds: Services['bounds'],
  response: HttpResponse,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    if (!over.has(response)) {
      bounds.handed(chunk.byteLength);
      response.once('close', () => bounds.taken(chunk.byteLength));
    }
    yield chunk;
  }
}

async function respond(
  handler: UniversalHandler,
  bounds: Services['bounds'],
  request: HttpRequest,
  response: HttpResponse,
  visit: Visit,
): Promise<void> {
  const values = createContextValues();
  if (handler.method.methodKind === 'server_streaming') values.set(CUT, cutter(response));
  const universal = readHead(request, response, values);
  if (universal === undefined) return refuse(response, malformed('request of HTTP', NO_HOST));
  const { header } = universal;
  const body = readBody(universal.body as AsyncIterable<Uint8Array>, header, handler.method.input, visit);
  const answer = await handler({ ...universal, body });
  const explained = await explain(answer, handler.method);
  const isCounted = handler.method.methodKind === 'unary' && !(explained.body instanceof ReadableStream);
  if (isCounted && explained.body !== undefined) explained.body = counted(explained.body, bounds, response);
  await universalResponseToNodeResponse(explained, response);
}

const NO_HOST = 'its Host or :authority is no name with a port of 0 to 65535';

/** Undefined where its host and path make no URL. */
function readHead(request: HttpRequest, response: HttpResponse, values: ContextValues) {
  try {
    return universalRequestFromNodeRequest(request, response, undefined, values);
  } catch {
    return undefined;
  }
}

/** In the form of Connect errors. The rest of the request is not waited for. */
export function refuse(
  response: HttpResponse,
  error: ConnectError,
  status = codeToHttpStatus(error.code),
): void {
  const body = Buffer.from(errorToJsonBytes(error, undefined));
  response.statusCode = status;
  response.setHeader('content-type', 'application/json');
  response.setHeader('content-length', body.byteLength);
  endWith(response, body);
}

function cutter(response: HttpResponse): (error: ConnectError) => void {
  return () => {
    const timer = setTimeout(() => response.destroy(), CUT_GRACE_MS);
    timer.unref();
    response.once('close', () => clearTimeout(timer));
  };
}
