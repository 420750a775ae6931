// How does a value become a payload, and a payload a value?
//
// A payload is bytes and a content type; an empty content type means `application/json`.

import { create, isMessage, toBinary, toJson } from '@bufbuild/protobuf';
import { type Value, ValueSchema } from '@bufbuild/protobuf/wkt';
import { type Payload, PayloadSchema } from '@tutti/proto/tutti/v1/payload_pb.ts';
import type { JsonValue } from './json.ts';

/**
 * What can be given where a payload is wanted: any value that `JSON.stringify` takes, bytes (content
 * type `application/octet-stream`), or a ready payload (see `bytesPayload`). Undefined: no payload.
 */
export type PayloadInput = unknown;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** A value cannot be turned into a payload, or a payload not into a value. */
export class PayloadError extends Error {
  override readonly name = 'PayloadError';
}

/** Bytes with a content type of the caller's choice, for example `image/png`. */
export function bytesPayload(bytes: Uint8Array, contentType = 'application/octet-stream'): Payload {
  return create(PayloadSchema, { data: { case: 'bytes', value: bytes }, contentType });
}

/** Undefined for undefined. Throws PayloadError for what JSON cannot carry. */
export function toPayload(value: PayloadInput): Payload | undefined {
  if (value === undefined) return undefined;
  if (value instanceof Uint8Array) return bytesPayload(value);
  if (isMessage(value, PayloadSchema)) return sendable(value);
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
    // What JSON cannot carry has become null there. Looked for only then: it takes far longer.
    if (text?.includes('null')) JSON.stringify(value, refuseNotFinite);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'its toJSON threw';
    throw new PayloadError(`not a JSON value: ${why}`, { cause });
  }
  if (text === undefined) throw new PayloadError(`not a JSON value: a ${typeof value}`);
  return create(PayloadSchema, { data: { case: 'bytes', value: encoder.encode(text) } });
}

function refuseNotFinite(key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isFinite(value)) return value;
  throw new RangeError(key === '' ? `${value}` : `${value} at ${JSON.stringify(key)}`);
}

/** What cannot be encoded would otherwise break the message that it shares with others. */
function sendable(payload: Payload): Payload {
  const { data, contentType } = payload;
  if (data.case === 'bytes' && !(data.value instanceof Uint8Array)) {
    throw new PayloadError('a payload whose data are no Uint8Array');
  }
  if (typeof contentType !== 'string' || !contentType.isWellFormed()) {
    throw new PayloadError('a payload whose content type is no text');
  }
  if (data.case === 'value') {
    try {
      toBinary(PayloadSchema, payload);
    } catch (cause) {
      throw new PayloadError('a payload that cannot be encoded', { cause });
    }
  }
  return payload;
}

/** The size of a payload's data in bytes; of a structured value, that of its JSON; of what is stored apart, 0. */
export function payloadSizeBytes(payload: Payload | undefined): number {
  return payload?.data.case === 'ref' ? 0 : bytes(payload).byteLength;
}

/**
 * The value of a JSON payload; undefined for an unset or empty one. Throws PayloadError if the
 * content type is not JSON or the bytes do not parse: use `bytes` for those; and for one that is
 * stored apart, as lists and events hold it: give it to `client.fetchPayloads` first.
 */
export function json(payload: Payload | undefined): JsonValue | undefined {
  if (payload === undefined) return undefined;
  if (payload.data.case === 'value') return structured(payload.data.value);
  if (payload.data.case === 'ref') throw storedApart(payload.data.value.sizeBytes);
  if (!isJson(payload.contentType)) {
    throw new PayloadError(`the content type is ${payload.contentType}, not JSON`);
  }
  const content = bytes(payload);
  if (content.byteLength === 0) return undefined;
  try {
    return JSON.parse(decoder.decode(content)) as JsonValue;
  } catch (cause) {
    throw new PayloadError(`not JSON: ${(cause as Error).message}`, { cause });
  }
}

/** The data of a payload as bytes; no bytes for an unset one. Throws PayloadError for one that is stored apart. */
export function bytes(payload: Payload | undefined): Uint8Array {
  if (payload?.data.case === 'bytes') {
    // What came over a socket is a Buffer, whose methods differ from those of a Uint8Array.
    const { buffer, byteOffset, byteLength } = payload.data.value;
    return new Uint8Array(buffer, byteOffset, byteLength);
  }
  if (payload?.data.case === 'ref') throw storedApart(payload.data.value.sizeBytes);
  if (payload?.data.case === 'value') return encoder.encode(JSON.stringify(structured(payload.data.value)));
  return new Uint8Array(0);
}

/** JSON as a value, any other content type as bytes. Throws PayloadError for broken JSON. */
export function payloadValue(payload: Payload | undefined): unknown {
  if (payload === undefined) return undefined;
  return payload.data.case === 'value' || isJson(payload.contentType) ? json(payload) : bytes(payload);
}

function storedApart(sizeBytes: bigint): PayloadError {
  return new PayloadError(`stored apart (${sizeBytes} bytes): give it to client.fetchPayloads first`);
}

function structured(value: Value): JsonValue {
  return toJson(ValueSchema, value) as JsonValue;
}

function isJson(contentType: string): boolean {
  return (
    contentType === '' ||
    /^application\/(json|[a-z0-9.+-]+\+json)\s*(;|$)/i.test(contentType) ||
    /^text\/json\s*(;|$)/i.test(contentType)
  );
}
