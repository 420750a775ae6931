// How do an executor's payloads get to the orchestrator and back when they are stored apart?

import { GetPayloadReplySchema, PutPayloadReplySchema } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import type { Payload } from '@tutti/proto/tutti/v1/payload_pb.ts';
import {
  GetPayloadRequestSchema,
  PutPayloadRequestSchema,
} from '@tutti/proto/tutti/v1/payload_service_pb.ts';
import { fetchPayload, MAX_PART_BYTES, type PayloadDoor, storePayload } from '../stored-payloads.ts';
import { createAsk, RequestRefusedError } from './asking.ts';
import type { Settings } from './options.ts';
import type { Transport } from './transport.ts';

/** Payloads of one executor that are stored apart. */
export interface StoredPayloads {
  /** Rejects with the reason of the signal once it is aborted, with RequestRefusedError, or PayloadError. */
  store(payload: Payload, signal: AbortSignal): Promise<Payload>;
  fetch(payload: Payload, signal: AbortSignal): Promise<Payload>;
}

/** What a request holds besides its part. */
const REQUEST_RESERVE_BYTES = 4_096;

export function createStoredPayloads(settings: Settings, transport: Transport): StoredPayloads {
  const ask = createAsk(settings, transport);

  const door = (signal: AbortSignal): PayloadDoor => ({
    partBytes: Math.min(MAX_PART_BYTES, transport.maxMessageBytes - REQUEST_RESERVE_BYTES),
    async put(request) {
      const { result } = await ask(
        'payloads.put',
        PutPayloadRequestSchema,
        () => request,
        PutPayloadReplySchema,
        signal,
      );
      if (result.case === 'put') return result.value;
      throw new RequestRefusedError('', 'an empty answer to a payload that was put');
    },
    async get(request) {
      const { result } = await ask(
        'payloads.get',
        GetPayloadRequestSchema,
        () => request,
        GetPayloadReplySchema,
        signal,
      );
      if (result.case === 'part') return result.value;
      throw new RequestRefusedError('', 'an empty answer to a payload that was asked for');
    },
  });

  return {
    store: (payload, signal) => storePayload(door(signal), payload),
    fetch: (payload, signal) => fetchPayload(door(signal), payload),
  };
}
