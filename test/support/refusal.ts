// What does a client read out of an error, on each of the doors? DESIGN section 6: code, message,
// ErrorInfo, BadRequest.

import { createRegistry, fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { type ServiceError, status } from '@grpc/grpc-js';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
  StatusSchema,
} from '@tutti/proto/google/rpc/error_pb.ts';

/** Of google.protobuf.Any in JSON. */
export const DETAIL_TYPES = createRegistry(BadRequestSchema, ErrorInfoSchema, RetryInfoSchema);

export interface Refusal {
  /** The gRPC name of the code, such as INVALID_ARGUMENT. */
  readonly code: string;
  readonly message: string;
  /** Of ErrorInfo; empty if there is none. */
  readonly reason: string;
  readonly domain: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Of BadRequest, in its order. */
  readonly fields: readonly string[];
}

interface Detail {
  /** The full name of the message, whatever stands before it. */
  readonly type: string;
  readonly value: Uint8Array;
}

export function refusalOfGrpc(error: ServiceError): Refusal {
  const [trailer] = error.metadata.get('grpc-status-details-bin');
  const { details } = fromBinary(StatusSchema, (trailer as Buffer | undefined) ?? new Uint8Array());
  const code = status[error.code] ?? String(error.code);
  return refusalOf(
    code,
    error.details,
    details.map(({ typeUrl, value }) => ({ type: typeUrl, value })),
  );
}

/** Of RetryInfo; undefined if there is none. */
export function retryDelayMsOf(error: ServiceError): number | undefined {
  const [trailer] = error.metadata?.get('grpc-status-details-bin') ?? [];
  const { details } = fromBinary(StatusSchema, (trailer as Buffer | undefined) ?? new Uint8Array());
  for (const detail of details) {
    const delay = anyUnpack(detail, RetryInfoSchema)?.retryDelay;
    if (delay !== undefined) return Number(delay.seconds) * 1_000 + delay.nanos / 1_000_000;
  }
  return undefined;
}

/** @param body of gRPC-Web: envelopes, the last one of which holds the trailers as lines of text. */
export function refusalOfGrpcWeb(body: Buffer): Refusal {
  const trailer = (name: string) =>
    new RegExp(`${name}: (.*)\\r\\n`).exec(body.toString('latin1'))?.[1] ?? '';
  const details = Buffer.from(trailer('grpc-status-details-bin'), 'base64');
  return refusalOf(
    status[Number(trailer('grpc-status'))] ?? '',
    decodeURIComponent(trailer('grpc-message')),
    fromBinary(StatusSchema, details).details.map(({ typeUrl, value }) => ({ type: typeUrl, value })),
  );
}

/** @param error as Connect writes it: https://connectrpc.com/docs/protocol#error-end-stream */
export function refusalOfJson(error: unknown): Refusal {
  const {
    code = '',
    message = '',
    details = [],
  } = error as {
    code?: string;
    message?: string;
    details?: { type: string; value: string }[];
  };
  return refusalOf(
    code.toUpperCase(),
    message,
    details.map(({ type, value }) => ({ type, value: Buffer.from(value, 'base64') })),
  );
}

function refusalOf(code: string, message: string, details: readonly Detail[]): Refusal {
  const named = (name: string) => details.find(({ type }) => type.endsWith(`google.rpc.${name}`))?.value;
  const info = fromBinary(ErrorInfoSchema, named('ErrorInfo') ?? new Uint8Array());
  const bad = fromBinary(BadRequestSchema, named('BadRequest') ?? new Uint8Array());
  return {
    code,
    message,
    reason: info.reason,
    domain: info.domain,
    metadata: info.metadata,
    fields: bad.fieldViolations.map(({ field }) => field),
  };
}
