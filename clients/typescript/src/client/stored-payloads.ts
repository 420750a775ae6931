// How do payloads above the inline limit get into what a client sends, and out of what it is given?

import { clone, type DescMessage, fromJson, type MessageShape } from '@bufbuild/protobuf';
import { ValueSchema } from '@bufbuild/protobuf/wkt';
import { type Payload, PayloadForm } from '@tutti/proto/tutti/v1/payload_pb.ts';
import { PayloadService } from '@tutti/proto/tutti/v1/payload_service_pb.ts';
import type { JsonValue } from '../json.ts';
import { eachPayload, isStoredApart } from '../payload-walk.ts';
import { json, payloadSizeBytes } from '../payloads.ts';
import {
  fetchPayload,
  INLINE_LIMIT_BYTES,
  MAX_PART_BYTES,
  type PayloadDoor,
  storePayload,
} from '../stored-payloads.ts';
import type { Caller, CallOptions } from './caller.ts';

/** What is fetched of what is stored apart. */
export interface FetchOptions extends CallOptions {
  /** Payloads that are larger stay references. 0: all do. Default: no limit. */
  readonly maxFetchBytes?: number;
  /** The form of payloads. Default: bytes. */
  readonly payloadForm?: PayloadForm;
}

export interface StoredPayloads {
  /** The message with references in place of large payloads, which are stored then; itself if it has none. */
  store<Desc extends DescMessage>(
    schema: Desc,
    message: MessageShape<Desc>,
    options?: CallOptions,
  ): Promise<MessageShape<Desc>>;
  /** Puts the content in place of references, in the message itself. */
  fetch<T>(message: T, options?: FetchOptions): Promise<T>;
}

const { method } = PayloadService;

export function createStoredPayloads(caller: Caller, namespace: string): StoredPayloads {
  const doorOf = (options: CallOptions): PayloadDoor => ({
    partBytes: MAX_PART_BYTES,
    put: (request) => caller.unary(method.putPayload, { ...request, namespace }, options),
    get: (request) => caller.unary(method.getPayload, { ...request, namespace }, options),
  });

  return {
    async store(schema, message, options = {}) {
      if (!hasLarge(message)) return message;
      const copy = clone(schema, message);
      const door = doorOf(options);
      for (const payload of payloadsOf(copy, isLarge)) {
        const { data } = await storePayload(door, payload);
        Object.assign(payload, { data });
      }
      return copy;
    },
    async fetch(message, options = {}) {
      const { maxFetchBytes = Number.POSITIVE_INFINITY, payloadForm = PayloadForm.BYTES } = options;
      const wanted = (payload: Payload) =>
        isStoredApart(payload) && Number(payload.data.value.sizeBytes) <= maxFetchBytes;
      const door = doorOf(options);
      for (const payload of payloadsOf(message, wanted)) {
        const { data } = inForm(await fetchPayload(door, payload), payloadForm);
        Object.assign(payload, { data });
      }
      return message;
    },
  };
}

function hasLarge(message: unknown): boolean {
  let found = false;
  eachPayload(message, (payload) => {
    found ||= isLarge(payload);
  });
  return found;
}

function payloadsOf(message: unknown, wanted: (payload: Payload) => boolean): readonly Payload[] {
  const found: Payload[] = [];
  eachPayload(message, (payload) => {
    if (wanted(payload)) found.push(payload);
  });
  return found;
}

function isLarge(payload: Payload): boolean {
  return payloadSizeBytes(payload) > INLINE_LIMIT_BYTES;
}

/** As the orchestrator gives it: what is not JSON, or has no structured form, stays bytes. */
function inForm(payload: Payload, form: PayloadForm): Payload {
  if (form !== PayloadForm.VALUE) return payload;
  try {
    const value = fromJson(ValueSchema, json(payload) as JsonValue as Parameters<typeof fromJson>[1]);
    return { ...payload, data: { case: 'value', value } };
  } catch {
    return payload;
  }
}
