// How does a payload above the inline limit get to the orchestrator and back? The same for clients and
// executors; how a request travels is theirs.
//
// 1. Content goes in parts, one after the other; the orchestrator says where the next one begins.
// 2. What was fetched is compared with its hash: nobody is given what was not stored.

import { randomUUID } from 'node:crypto';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Payload, type PayloadRef, PayloadSchema } from '@tutti/proto/tutti/v1/payload_pb.ts';
import type {
  GetPayloadRequestSchema,
  GetPayloadResponse,
  PutPayloadRequestSchema,
  PutPayloadResponse,
} from '@tutti/proto/tutti/v1/payload_service_pb.ts';
import { bytes, bytesPayload, PayloadError } from './payloads.ts';

/** Payloads above it are stored apart. */
export const INLINE_LIMIT_BYTES = 262_144;
/** Of one part, at most. */
export const MAX_PART_BYTES = 524_288;

/** Two requests, each repeated by itself until it is answered; they reject for what a repeat would not mend. */
export interface PayloadDoor {
  /** At most MAX_PART_BYTES. */
  readonly partBytes: number;
  put(request: MessageInitShape<typeof PutPayloadRequestSchema>): Promise<PutPayloadResponse>;
  get(request: MessageInitShape<typeof GetPayloadRequestSchema>): Promise<GetPayloadResponse>;
}

/** How often an upload may begin anew: the orchestrator forgets it when it starts anew itself. */
const MAX_RESTARTS = 10;

/** The same payload as a reference, once its content is on the orchestrator's disk. */
export async function storePayload(door: PayloadDoor, payload: Payload): Promise<Payload> {
  const content = bytes(payload);
  const sha256 = await sha256Of(content);
  const sizeBytes = BigInt(content.length);
  const upload = { uploadId: randomUUID(), sha256, sizeBytes };
  let restarts = 0;
  for (let offset = 0; ; ) {
    const part = content.subarray(offset, offset + door.partBytes);
    const { stored, nextOffset } = await door.put({ ...upload, offset: BigInt(offset), bytes: part });
    if (stored) break;
    if (Number(nextOffset) <= offset) restarts += 1;
    if (restarts > MAX_RESTARTS || Number(nextOffset) >= content.length) {
      throw new PayloadError(`it could not be stored: the upload does not get beyond byte ${nextOffset}`);
    }
    offset = Number(nextOffset);
  }
  const value = { sha256, sizeBytes };
  return create(PayloadSchema, { data: { case: 'ref', value }, contentType: payload.contentType });
}

/** The same payload with its content; one that is not stored apart as it is. */
export async function fetchPayload(door: PayloadDoor, payload: Payload): Promise<Payload> {
  if (payload.data.case !== 'ref') return payload;
  return bytesPayload(await fetchContent(door, payload.data.value), payload.contentType);
}

async function fetchContent(
  door: PayloadDoor,
  { sha256, sizeBytes }: PayloadRef,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  while (length < Number(sizeBytes)) {
    const part = await door.get({ sha256, offset: BigInt(length), limitBytes: door.partBytes });
    if (part.bytes.length === 0) {
      throw new PayloadError(`it ends after ${length} of the ${sizeBytes} bytes that were said`);
    }
    pieces.push(part.bytes);
    length += part.bytes.length;
  }
  const content = joined(pieces, length);
  const found = await sha256Of(content);
  if (Buffer.compare(found, sha256) === 0) return content;
  const [said, is] = [sha256, found].map((hash) => Buffer.from(hash).toString('hex'));
  throw new PayloadError(`what was fetched has the SHA-256 ${is}, not ${said}`);
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    content.set(piece, at);
    at += piece.length;
  }
  return content;
}

/** Beside the event loop: a large content takes a while. */
async function sha256Of(content: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', content as Uint8Array<ArrayBuffer>));
}
