// The orchestrator's side of payloads that are stored apart, as a test scripts it: it stores and tells in
// small parts, unless it is told to be silent or to refuse.

import { createHash } from 'node:crypto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { NatsConnection } from '@nats-io/transport-node';
import { ErrorReason } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import { GetPayloadReplySchema, PutPayloadReplySchema } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import type { Payload } from '@tutti/proto/tutti/v1/payload_pb.ts';
import { PayloadSchema } from '@tutti/proto/tutti/v1/payload_pb.ts';
import {
  type GetPayloadRequest,
  GetPayloadRequestSchema,
  type PutPayloadRequest,
  PutPayloadRequestSchema,
} from '@tutti/proto/tutti/v1/payload_service_pb.ts';

export const MAX_STORED_BYTES = 20_000;
/** Told at once. */
const PART_BYTES = 1_000;

export interface ScriptedPayloads {
  /** Called before each request; true: answered with silence, a reason: refused for it. */
  before: (request: PutPayloadRequest | GetPayloadRequest) => ErrorReason | true | undefined;
  readonly requests: (PutPayloadRequest | GetPayloadRequest)[];
  /** By hash, in hexadecimal. */
  readonly stored: Map<string, Buffer>;
  /** Stores it, and gives what refers to it. */
  keep(text: string): Payload;
}

export function servePayloads(connection: NatsConnection, base: string): ScriptedPayloads {
  const uploads = new Map<string, Buffer>();
  const payloads: ScriptedPayloads = {
    before: () => undefined,
    requests: [],
    stored: new Map(),
    keep(text) {
      const content = Buffer.from(text);
      const sha256 = createHash('sha256').update(content).digest();
      payloads.stored.set(sha256.toString('hex'), content);
      return create(PayloadSchema, {
        data: { case: 'ref', value: { sha256, sizeBytes: BigInt(content.length) } },
      });
    },
  };

  function put({ uploadId, sha256, sizeBytes, offset, bytes }: PutPayloadRequest) {
    const before = uploads.get(uploadId) ?? Buffer.alloc(0);
    const taken = Number(offset) === before.length ? Buffer.concat([before, bytes]) : before;
    uploads.set(uploadId, taken);
    const stored = BigInt(taken.length) === sizeBytes;
    if (stored) payloads.stored.set(Buffer.from(sha256).toString('hex'), taken);
    return { stored, nextOffset: BigInt(taken.length) };
  }

  connection.subscribe(`${base}.payloads.put`, {
    callback(_error, message) {
      const request = fromBinary(PutPayloadRequestSchema, message.data);
      payloads.requests.push(request);
      const before = payloads.before(request);
      if (before === true) return;
      const reason =
        before ?? (request.sizeBytes > MAX_STORED_BYTES ? ErrorReason.PAYLOAD_TOO_LARGE : undefined);
      const result =
        reason === undefined
          ? { case: 'put' as const, value: put(request) }
          : { case: 'error' as const, value: errorOf(reason) };
      message.respond(toBinary(PutPayloadReplySchema, create(PutPayloadReplySchema, { result })));
    },
  });
  connection.subscribe(`${base}.payloads.get`, {
    callback(_error, message) {
      const request = fromBinary(GetPayloadRequestSchema, message.data);
      payloads.requests.push(request);
      const content = payloads.stored.get(Buffer.from(request.sha256).toString('hex'));
      const before = payloads.before(request);
      if (before === true) return;
      const reason = before ?? (content === undefined ? ErrorReason.PAYLOAD_NOT_FOUND : undefined);
      const offset = Number(request.offset);
      const bytes = content?.subarray(offset, offset + PART_BYTES) ?? Buffer.alloc(0);
      const value = { bytes, sizeBytes: BigInt(content?.length ?? 0) };
      const result =
        reason === undefined
          ? { case: 'part' as const, value }
          : { case: 'error' as const, value: errorOf(reason) };
      message.respond(toBinary(GetPayloadReplySchema, create(GetPayloadReplySchema, { result })));
    },
  });
  return payloads;
}

/** As the orchestrator words it: a limit that passes says when. */
function errorOf(reason: ErrorReason) {
  const passes = reason === ErrorReason.LIMIT_REACHED;
  return { reason, message: 'scripted', ...(passes && { retryAfter: { nanos: 10_000_000 } }) };
}
