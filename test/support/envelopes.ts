// How do messages stand in a stream of Connect, or in gRPC-Web? Each behind one byte of flags and four of length.
// https://connectrpc.com/docs/protocol#streaming-rpcs

const HEAD_BYTES = 5;
const END_OF_STREAM = 0b10;

export interface ConnectStream {
  readonly messages: readonly unknown[];
  /** The last envelope; undefined if the stream broke off before. Holds `error` if the call failed. */
  readonly end: { readonly error?: unknown } | undefined;
}

/** @param message bytes as they are, everything else as JSON. */
export function envelope(message: unknown): Buffer {
  const content = message instanceof Uint8Array ? message : Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(content.byteLength, 1);
  return Buffer.concat([head, content]);
}

export function openEnvelopes(bytes: Buffer): ConnectStream {
  const messages: unknown[] = [];
  for (let at = 0; at + HEAD_BYTES <= bytes.byteLength; ) {
    const flags = bytes.readUInt8(at);
    const next = at + HEAD_BYTES + bytes.readUInt32BE(at + 1);
    // The rest of it has not come yet.
    if (next > bytes.byteLength) break;
    const content: unknown = JSON.parse(bytes.toString('utf8', at + HEAD_BYTES, next));
    if ((flags & END_OF_STREAM) !== 0) return { messages, end: content as { error?: unknown } };
    messages.push(content);
    at = next;
  }
  return { messages, end: undefined };
}
