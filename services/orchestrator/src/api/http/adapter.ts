// How does a request of node:http or node:http2 reach a service?
//
// Not connectNodeAdapter: it writes failures to the console, and answers what it cannot decode
// without the details that every refusal of ours carries.

import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { createRegistry } from '@bufbuild/protobuf';
import { type ConnectError, createConnectRouter, createContextValues } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '@tutti/proto/google/rpc/error_pb.ts';
import { createQuiet } from '../quiet.ts';
import type { Services } from '../services/index.ts';
import { explain, explainInStream } from './explain.ts';
import { COMPRESSIONS, MAX_MESSAGE_BYTES } from './limits.ts';
import { bindRoutes, CUT } from './routes.ts';

export type HttpRequest = IncomingMessage | Http2ServerRequest;
export type HttpResponse = ServerResponse | Http2ServerResponse;

/** How long a reader that was cut may still fetch the reason. */
const CUT_GRACE_MS = 10_000;

const DETAILS = createRegistry(BadRequestSchema, ErrorInfoSchema, RetryInfoSchema);

export interface Adapter {
  /** False where the path names no method. */
  handle(request: HttpRequest, response: HttpResponse): boolean;
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
    handle(request, response) {
      const handler = handlers.get(pathOf(request));
      if (handler === undefined) return false;
      // It fails when the client goes away in the middle of the answer: nobody is left to tell.
      underWay += 1;
      respond(handler, request, response)
        .catch(() => response.destroy())
        .finally(() => {
          underWay -= 1;
          quiet.ended();
        });
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

async function respond(
  handler: UniversalHandler,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  const values = createContextValues();
  if (handler.method.methodKind === 'server_streaming') values.set(CUT, cutter(response));
  const answer = await handler(universalRequestFromNodeRequest(request, response, undefined, values));
  await universalResponseToNodeResponse(await explain(answer, handler.method), response);
}

function cutter(response: HttpResponse): (error: ConnectError) => void {
  return () => {
    const timer = setTimeout(() => response.destroy(), CUT_GRACE_MS);
    timer.unref();
    response.once('close', () => clearTimeout(timer));
  };
}
