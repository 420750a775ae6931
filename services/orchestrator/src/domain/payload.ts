// Data into and out of tasks, as the domain sees it: opaque bytes.

/** `contentType` is a media type; empty means `application/json`. */
export interface Payload {
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

export const EMPTY_PAYLOAD: Payload = Object.freeze({ bytes: new Uint8Array(0), contentType: '' });
