// What do the items of a foreach come to, all together?

import type { TaskError } from './events.ts';
import { taskOf } from './lookup.ts';
import { isJson, type Payload } from './payload.ts';
import { jsonOfPayload } from './payload-json.ts';
import type { Expansion, RunState } from './state.ts';

/** Of the list: an expression can see it, and an answer of gRPC can hold it. */
export const MAX_LIST_BYTES = 2_097_152;

const encoder = new TextEncoder();

export type ItemList =
  | { readonly ok: true; readonly payload: Payload }
  | { readonly ok: false; readonly error: TaskError };

/**
 * A JSON list in the order of the items. null: it failed, or has no result. Text is a string; what is
 * neither JSON nor text is `{"contentType", "base64"}`; what is stored apart `{"sha256", "sizeBytes"}`.
 */
export function itemList(run: RunState, { children }: Expansion): ItemList {
  const parts: string[] = [];
  let sizeBytes = 2;
  for (const child of children) {
    const { state, result } =
      child === undefined ? { state: 'WAITING', result: undefined } : taskOf(run, child);
    const part = state === 'COMPLETED' && result !== undefined ? textOf(result) : 'null';
    sizeBytes += part.length + 1;
    if (sizeBytes > MAX_LIST_BYTES) return tooLarge(children.length);
    parts.push(part);
  }
  const bytes = encoder.encode(`[${parts.join(',')}]`);
  return bytes.length > MAX_LIST_BYTES
    ? tooLarge(children.length)
    : { ok: true, payload: { bytes, contentType: '' } };
}

function textOf(result: Payload): string {
  const { bytes, contentType, ref } = result;
  if (ref !== undefined) return JSON.stringify({ sha256: ref.sha256, sizeBytes: ref.sizeBytes });
  const json = jsonOfPayload(result);
  if (json !== undefined) return JSON.stringify(json);
  return JSON.stringify({
    contentType: isJson(contentType) ? 'application/json' : contentType,
    base64: base64Of(bytes),
  });
}

function base64Of(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function tooLarge(count: number): ItemList {
  const message =
    `the results of the ${count} items have more than ${MAX_LIST_BYTES} bytes together; ` +
    'let each return less, or keep its result elsewhere and return a reference';
  return { ok: false, error: { code: 'PAYLOAD_TOO_LARGE', message, details: undefined } };
}
