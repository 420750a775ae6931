// How do executors put and get payloads that are stored apart?

import { create, toBinary } from '@bufbuild/protobuf';
import { GetPayloadReplySchema, PutPayloadReplySchema } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import {
  GetPayloadRequestSchema,
  PutPayloadRequestSchema,
} from '@tutti/proto/tutti/v1/payload_service_pb.ts';
import { MAX_PART_BYTES } from '../runtime/payloads.ts';
import { protocolError } from '../wire/executor-answers.ts';
import { partOf, partToWire, progressToWire, wantedOf } from '../wire/payload-parts.ts';
import type { RequestContext, RequestHandler } from './requests.ts';
import { toldOf } from './told.ts';
import { decodeValid } from './validation.ts';

/** What an answer holds besides the part. */
const ANSWER_RESERVE_BYTES = 4_096;

export function createPayloadHandlers(
  context: RequestContext,
): Readonly<Record<'putPayload' | 'getPayload', RequestHandler>> {
  return { putPayload: createPutHandler(context), getPayload: createGetHandler(context) };
}

function createPutHandler(context: RequestContext): RequestHandler {
  const { orchestrator, validator } = context;
  const refuse = toldOf(context, 'putPayload', (error) =>
    toBinary(
      PutPayloadReplySchema,
      create(PutPayloadReplySchema, { result: { case: 'error', value: error } }),
    ),
  );
  return {
    refuse,
    async answer(namespace, bytes) {
      const message = decodeValid(PutPayloadRequestSchema, bytes, validator);
      if (!message.ok) return refuse(protocolError(message.rejection));
      const progress = await orchestrator.payloads.put(partOf(namespace, message.value));
      if (!progress.ok) return refuse(protocolError(progress.rejection));
      const value = progressToWire(progress.value);
      return toBinary(
        PutPayloadReplySchema,
        create(PutPayloadReplySchema, { result: { case: 'put', value } }),
      );
    },
  };
}

function createGetHandler(context: RequestContext): RequestHandler {
  const refuse = toldOf(context, 'getPayload', (error) =>
    toBinary(
      GetPayloadReplySchema,
      create(GetPayloadReplySchema, { result: { case: 'error', value: error } }),
    ),
  );
  return {
    refuse,
    async answer(namespace, bytes) {
      const message = decodeValid(GetPayloadRequestSchema, bytes, context.validator);
      if (!message.ok) return refuse(protocolError(message.rejection));
      const { sha256, offset, limitBytes } = wantedOf(message.value);
      const room = Math.min(MAX_PART_BYTES, Math.max(1, context.maxPayloadBytes() - ANSWER_RESERVE_BYTES));
      const most = limitBytes === 0 ? room : Math.min(limitBytes, room);
      const part = await context.orchestrator.payloads.get(namespace, sha256, offset, most);
      if (!part.ok) return refuse(protocolError(part.rejection));
      const value = partToWire(part.value);
      return toBinary(
        GetPayloadReplySchema,
        create(GetPayloadReplySchema, { result: { case: 'part', value } }),
      );
    },
  };
}
