// Data into and out of tasks, as the domain sees it: opaque bytes, or a reference to bytes that are
// stored apart (B.4).

/** `contentType` is a media type; empty means `application/json`. */
export interface Payload {
  readonly bytes: Uint8Array;
  readonly contentType: string;
  /** Where the content is, if it is stored apart; `bytes` are empty then. Most payloads have no such property. */
  readonly ref?: PayloadRef;
}

export interface PayloadRef {
  /** Of the content, in hexadecimal. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

export const EMPTY_PAYLOAD: Payload = Object.freeze({ bytes: new Uint8Array(0), contentType: '' });

/** Of the bytes of one payload, wherever it comes from: the inline limit. Larger ones are stored apart. */
export const MAX_PAYLOAD_BYTES = 262_144;

export function isJson(contentType: string): boolean {
  return contentType === '' || /^application\/json\s*(;|$)/i.test(contentType);
}

/** As EMPTY_PAYLOAD. */
export function isEmpty({ bytes, contentType, ref }: Payload): boolean {
  return bytes.length === 0 && contentType === '' && ref === undefined;
}

export function isText(contentType: string): boolean {
  return /^text\//i.test(contentType);
}
