// Which part of a result goes over an edge (B.2)?

import { isJson, isText, MAX_PAYLOAD_BYTES, type Payload, type PayloadRef } from './payload.ts';
import { jsonOfPayload } from './payload-json.ts';
import type { Selection } from './spec.ts';

export type Selected =
  | { readonly ok: true; readonly payload: Payload | undefined }
  /** Larger than the edge allows, and not to be cut; or to be read for it, and stored apart. */
  | {
      readonly ok: false;
      readonly sizeBytes: number;
      readonly limitBytes: number;
      readonly apart?: boolean;
    };

export function selectFrom(result: Payload, selection: Selection): Selected {
  if (result.ref !== undefined) return referred(result, result.ref, selection);
  const { maxBytes, oversize } = selection;
  const part = partOf(result, selection);
  if (part === undefined || maxBytes === 0 || part.bytes.length <= maxBytes)
    return { ok: true, payload: part };
  if (oversize === 'REFUSE') return { ok: false, sizeBytes: part.bytes.length, limitBytes: maxBytes };
  return { ok: true, payload: cut(part, maxBytes) };
}

/**
 * What is stored apart passes whole or not at all: to take a part of it, or to cut it, its content would
 * have to be read (B.4).
 */
function referred(result: Payload, { sizeBytes }: PayloadRef, { part, maxBytes }: Selection): Selected {
  switch (part.type) {
    case 'NOTHING':
      return { ok: true, payload: undefined };
    case 'ALL':
      if (maxBytes === 0 || sizeBytes <= maxBytes) return { ok: true, payload: result };
      return { ok: false, sizeBytes, limitBytes: maxBytes, apart: true };
    case 'FIELDS':
    case 'LAST':
      return { ok: false, sizeBytes, limitBytes: MAX_PAYLOAD_BYTES, apart: true };
  }
}

function partOf(result: Payload, { part }: Selection): Payload | undefined {
  switch (part.type) {
    case 'ALL':
      return result;
    case 'NOTHING':
      return undefined;
    case 'FIELDS': {
      const json = isJson(result.contentType) ? jsonOfPayload(result) : undefined;
      if (json === undefined || json === null || typeof json !== 'object' || Array.isArray(json))
        return result;
      const wanted = new Set(part.names);
      return rewritten(result, Object.fromEntries(Object.entries(json).filter(([name]) => wanted.has(name))));
    }
    case 'LAST': {
      const json = isJson(result.contentType) ? jsonOfPayload(result) : undefined;
      return Array.isArray(json) && json.length > part.count
        ? rewritten(result, json.slice(-part.count))
        : result;
    }
  }
}

function rewritten(result: Payload, json: unknown): Payload {
  try {
    return { bytes: new TextEncoder().encode(JSON.stringify(json)), contentType: result.contentType };
  } catch (error) {
    if (error instanceof RangeError) return result; // Nested beyond what can be written: it stays as it came.
    throw error;
  }
}

/** At a whole character, where there are characters. */
function cut({ bytes, contentType }: Payload, maxBytes: number): Payload {
  const json = isJson(contentType);
  let end = maxBytes;
  // The bytes of a character after its first are 10xxxxxx.
  if (json || isText(contentType)) while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return { bytes: bytes.slice(0, end), contentType: json ? 'text/plain; charset=utf-8' : contentType };
}
