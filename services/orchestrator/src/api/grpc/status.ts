// How does an error travel over native gRPC? As code and message, and all of it once more, with its
// details, as google.rpc.Status in the trailer `grpc-status-details-bin`.

import { toBinary } from '@bufbuild/protobuf';
import type { ConnectError } from '@connectrpc/connect';
import { Metadata } from '@grpc/grpc-js';
import { StatusSchema } from '@tutti/proto/google/rpc/error_pb.ts';
import { statusOf } from '../errors.ts';

export interface GrpcError {
  /** The codes of connect are those of gRPC. */
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

export function isGrpcError(value: object): value is GrpcError {
  return 'metadata' in value && value.metadata instanceof Metadata;
}

export function toGrpcError(error: ConnectError): GrpcError {
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', asBuffer(toBinary(StatusSchema, statusOf(error))));
  // Half a character, as cutting a text leaves it, makes grpc-js throw where nobody can catch it.
  return { code: error.code, details: error.rawMessage.toWellFormed(), metadata };
}

/** The same bytes, as grpc-js wants them. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
