// How does a response body come into memory without a surprise?

import { TextDecoder } from 'node:util';

export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError';
}

/** The whole body, or BodyTooLargeError as soon as it is over the limit; the rest is never read. */
export async function readLimited(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let total = 0;
  for await (const piece of body) {
    total += piece.byteLength;
    if (total > maxBytes) throw new BodyTooLargeError(`the body is larger than ${maxBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces, total);
}

export type DecodedBody =
  | { readonly bodyEncoding: 'json'; readonly body: unknown }
  | { readonly bodyEncoding: 'text'; readonly body: string }
  | { readonly bodyEncoding: 'base64'; readonly body: string };

/** JSON as a value if it says so and is; else text if it is UTF-8; else base64. */
export function decodeBody(bytes: Buffer, contentType: string): DecodedBody {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { bodyEncoding: 'base64', body: bytes.toString('base64') };
  }
  if (/^application\/([a-z0-9.+-]+\+)?json\s*(;|$)/i.test(contentType)) {
    try {
      return { bodyEncoding: 'json', body: JSON.parse(text) };
    } catch {
      // Says JSON and is not: the text tells more than an error would.
    }
  }
  return { bodyEncoding: 'text', body: text };
}
