// How are the requests for payloads that are stored apart, and their answers, said on the wire?
//
// Contract: the messages have passed the rules of the proto.

import { create } from '@bufbuild/protobuf';
import {
  type GetPayloadRequest,
  type GetPayloadResponse,
  GetPayloadResponseSchema,
  type PutPayloadRequest,
  type PutPayloadResponse,
  PutPayloadResponseSchema,
} from '@tutti/proto/tutti/v1/payload_service_pb.ts';
import { hexOfBytes } from './payload.ts';

export function partOf(namespace: string, message: PutPayloadRequest) {
  const { uploadId, sha256, sizeBytes, offset, bytes } = message;
  return {
    namespace,
    uploadId,
    sha256: hexOfBytes(sha256),
    sizeBytes: Number(sizeBytes),
    offset: Number(offset),
    bytes,
  };
}

export function progressToWire(progress: {
  readonly stored: boolean;
  readonly nextOffset: number;
}): PutPayloadResponse {
  const { stored, nextOffset } = progress;
  return create(PutPayloadResponseSchema, { stored, nextOffset: BigInt(nextOffset) });
}

/** An offset beyond every content is beyond the end of this one, too. */
export function wantedOf({ sha256, offset, limitBytes }: GetPayloadRequest) {
  const atMost = offset > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(offset);
  return { sha256: hexOfBytes(sha256), offset: atMost, limitBytes };
}

export function partToWire(slice: {
  readonly bytes: Uint8Array;
  readonly sizeBytes: number;
}): GetPayloadResponse {
  return create(GetPayloadResponseSchema, { bytes: slice.bytes, sizeBytes: BigInt(slice.sizeBytes) });
}
