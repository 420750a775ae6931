// How is a request for more work refused at the least cost? With its headers alone, before grpc-js knows of it:
// what a refused call costs, the work that was admitted goes without.
//
// No door that grpc-js opens to others: where it listens in another way one day, requests are refused when
// they are decoded (binding.ts, B4), and a test says so.

import { constants, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { DescService } from '@bufbuild/protobuf';
import type { Server } from '@grpc/grpc-js';
import type { Rejection } from '../../domain/rejection.ts';
import type { Admission } from '../../runtime/admission.ts';
import { addsWork, PREVIOUS_ATTEMPTS, SMALL_REQUEST_BYTES } from '../entry.ts';
import { toConnectError } from '../errors.ts';
import { type GrpcError, toGrpcError } from './status.ts';

type Headers = Readonly<Record<string, string | string[] | number>>;
type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...more: unknown[]) => void;

/** Of the refusal that the admission gives: the same object for many calls, until it looks anew. */
export interface EarlyRefusals {
  /** Of a call that has come in by its headers. */
  error(sizeBytes: number): GrpcError | undefined;
  headers(comesAgain: boolean): Headers | undefined;
}

export function createEarlyRefusals(admission: Pick<Admission, 'refusal'> | undefined): EarlyRefusals {
  const errors = new WeakMap<Rejection, GrpcError>();
  const heads = new WeakMap<GrpcError, Headers>();

  function errorFor(sizeBytes: number, comesAgain: boolean): GrpcError | undefined {
    const rejection = admission?.refusal(sizeBytes, comesAgain);
    if (rejection === undefined) return undefined;
    const told = errors.get(rejection) ?? toGrpcError(toConnectError(rejection));
    errors.set(rejection, told);
    return told;
  }

  return {
    error: (sizeBytes) => errorFor(sizeBytes, true),
    headers(comesAgain) {
      const told = errorFor(SMALL_REQUEST_BYTES, comesAgain);
      if (told === undefined) return undefined;
      const head = heads.get(told) ?? headOf(told);
      heads.set(told, head);
      return head;
    },
  };
}

function headOf({ code, details, metadata }: GrpcError): Headers {
  return {
    ':status': 200,
    'content-type': 'application/grpc+proto',
    'grpc-status': code,
    'grpc-message': encodeURI(details),
    ...(metadata.toHttp2Headers() as Record<string, string | string[]>),
  };
}

/** The paths of the methods that add work. */
export function workPaths(services: readonly DescService[]): ReadonlySet<string> {
  const methods = services.flatMap((service) => service.methods);
  return new Set(
    methods.filter(({ name }) => addsWork(name)).map(({ name, parent }) => `/${parent.typeName}/${name}`),
  );
}

/** @param listeners on which grpc-js serves */
export function refuseEarly(
  listeners: Iterable<Http2Server>,
  paths: ReadonlySet<string>,
  refusals: EarlyRefusals,
): void {
  for (const listener of listeners) {
    const [serve, ...others] = listener.listeners('stream') as OnStream[];
    if (serve === undefined || others.length > 0) continue;
    listener.removeAllListeners('stream');
    listener.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...more: unknown[]) => {
      const isWork = paths.has(headers[':path'] ?? '');
      const head = isWork ? refusals.headers(headers[PREVIOUS_ATTEMPTS] !== undefined) : undefined;
      if (head === undefined) serve.call(listener, stream, headers, ...more);
      else refuse(stream, head);
    });
  }
}

function refuse(stream: ServerHttp2Stream, head: Headers): void {
  stream.on('error', () => {});
  stream.respond(head, { endStream: true });
  // The rest of the request is not waited for.
  stream.close(constants.NGHTTP2_NO_ERROR);
}

/** What grpc-js keeps to itself. */
export function listenersOf(server: Server): Iterable<Http2Server> {
  return (
    server as unknown as { readonly http2Servers: ReadonlyMap<Http2Server, unknown> }
  ).http2Servers.keys();
}
