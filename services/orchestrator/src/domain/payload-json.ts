// What do expressions see of a payload, and which payload does a value of theirs become?

import type { Json } from './expression.ts';
import { isJson, isText, MAX_PAYLOAD_BYTES, type Payload } from './payload.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * An empty payload is null, text a string; undefined for what is neither JSON nor text, and for what is
 * stored apart: reading it would be I/O.
 */
export function jsonOfPayload({ bytes, contentType, ref }: Payload): Json | undefined {
  if (ref !== undefined) return undefined;
  try {
    if (isJson(contentType)) return bytes.length === 0 ? null : (JSON.parse(decoder.decode(bytes)) as Json);
    return isText(contentType) ? decoder.decode(bytes) : undefined;
  } catch {
    return undefined; // Not what its content type says.
  }
}

export type Encoding =
  | { readonly ok: true; readonly payload: Payload }
  | { readonly ok: false; readonly cause: string };

export function payloadOfJson(json: Json): Encoding {
  const text = textOf(json);
  if (text === undefined) return { ok: false, cause: 'the value is nested too deep' };
  const bytes = encoder.encode(text);
  if (bytes.length <= MAX_PAYLOAD_BYTES) return { ok: true, payload: { bytes, contentType: '' } };
  const cause = `the value has ${bytes.length} bytes, a payload may have ${MAX_PAYLOAD_BYTES}; select less`;
  return { ok: false, cause };
}

/** Undefined where the stack does not suffice: parsing is not recursive, writing is. */
function textOf(json: Json): string | undefined {
  try {
    return JSON.stringify(json);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Bounds what is kept beside the payloads themselves. */
const MAX_READ = 4;

/**
 * Reads payloads, and knows what it read last: all dependants of a task are decided one after another by one
 * result, and all items of a list by the list and the input of the run.
 */
export function createPayloadReader(): (payload: Payload) => Json | undefined {
  /** The last one first. */
  const known: { readonly payload: Payload; readonly json: Json | undefined }[] = [];
  return (payload) => {
    const place = known.findIndex((each) => each.payload === payload);
    const [found] = place === -1 ? [] : known.splice(place, 1);
    const read = found ?? { payload, json: jsonOfPayload(payload) };
    known.unshift(read);
    if (known.length > MAX_READ) known.pop();
    return read.json;
  };
}
