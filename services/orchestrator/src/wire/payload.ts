// How do payloads of the wire become bytes, and bytes payloads of the wire?

import { create } from '@bufbuild/protobuf';
import { type Payload as PayloadMessage, PayloadSchema } from '@tutti/proto/tutti/v1/payload_pb.ts';
import { EMPTY_PAYLOAD, isJson, type Payload, type PayloadRef } from '../domain/payload.ts';
import { intern } from './intern.ts';
import { jsonOfValue, valueOfJson } from './value.ts';

export type PayloadForm = 'BYTES' | 'VALUE';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * The payload as it is stored. A `value` becomes UTF-8 JSON; an empty content type stays empty.
 * What came from outside goes through acceptPayload (limits.ts) instead, which refuses a `value`
 * that has no JSON form; here such a one is a bug and throws.
 */
export function toPayload(message: PayloadMessage | undefined): Payload {
  if (message === undefined) return EMPTY_PAYLOAD;
  const contentType = intern(message.contentType);
  switch (message.data.case) {
    case undefined:
      return contentType === '' ? EMPTY_PAYLOAD : { bytes: EMPTY_PAYLOAD.bytes, contentType };
    case 'bytes':
      return { bytes: unpinned(message.data.value), contentType };
    case 'value':
      return { bytes: encoder.encode(JSON.stringify(jsonOfValue(message.data.value))), contentType };
    case 'ref': {
      const { sha256, sizeBytes } = message.data.value;
      const ref = { sha256: hexOfBytes(sha256), sizeBytes: Number(sizeBytes) };
      return { bytes: EMPTY_PAYLOAD.bytes, contentType, ref };
    }
  }
}

/** As a reader asked for it; in the form VALUE what is not JSON, or JSON without a `value` form, stays bytes. */
export function fromPayload(payload: Payload, form: PayloadForm): PayloadMessage {
  const { bytes, contentType, ref } = payload;
  if (ref !== undefined)
    return create(PayloadSchema, { data: { case: 'ref', value: toRef(ref) }, contentType });
  if (bytes.byteLength === 0) return create(PayloadSchema, { contentType });
  if (form === 'VALUE' && isJson(contentType)) {
    const value = valueOfBytes(bytes);
    if (value !== undefined) return create(PayloadSchema, { data: { case: 'value', value }, contentType });
  }
  return create(PayloadSchema, { data: { case: 'bytes', value: bytes }, contentType });
}

function toRef({ sha256, sizeBytes }: PayloadRef) {
  return { sha256: bytesOfHex(sha256), sizeBytes: BigInt(sizeBytes) };
}

/** As the domain and the store name content that is stored apart. */
export function hexOfBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

export function bytesOfHex(hex: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

function valueOfBytes(bytes: Uint8Array) {
  try {
    return valueOfJson(JSON.parse(decoder.decode(bytes)));
  } catch {
    // Not UTF-8 or not JSON, whatever its content type says.
    return undefined;
  }
}

/**
 * The decoder hands out views into the whole message. A small view that is kept for long would keep
 * a large message with it.
 */
function unpinned(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength * 2 < bytes.buffer.byteLength ? new Uint8Array(bytes) : bytes;
}
