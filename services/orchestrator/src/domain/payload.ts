// Data into and out of tasks, as the domain sees it: opaque bytes.

/** `contentType` is a media type; empty means `application/json`. */
export interface Payload {
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

export const EMPTY_PAYLOAD: Payload = Object.freeze({ bytes: new Uint8Array(0), contentType: '' });

/** Of the bytes of one payload, wherever it comes from. */
export const MAX_PAYLOAD_BYTES = 262_144;

export function isJson(contentType: string): boolean {
  return contentType === '' || /^application\/json\s*(;|$)/i.test(contentType);
}

export function isText(contentType: string): boolean {
  return /^text\//i.test(contentType);
}
