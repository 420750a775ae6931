// Is the body of a request one that the library may decode? It is read as a whole first: all our calls take
// one message, and what that consists of is to be known before it is decoded (wire/message-weight.ts).

import type { DescMessage } from '@bufbuild/protobuf';
import type { UniversalServerRequest } from '@connectrpc/connect/protocol';
import { isJsonTooHeavy, isTooHeavy } from '../../wire/message-weight.ts';
import { messageTooHeavy } from '../errors.ts';
import type { Visit } from '../intake.ts';
import { COMPRESSIONS, MAX_MESSAGE_BYTES } from './limits.ts';

/** Of an envelope: its flags and its length. */
const ENVELOPE_HEAD_BYTES = 5;
const COMPRESSED_FLAG = 1;
/** Where the protocols say how a message is compressed. */
const ENCODING_HEADERS = ['content-encoding', 'connect-content-encoding', 'grpc-encoding'];

/**
 * The same bytes. Throws, once they are asked for, if they consist of too much, or if there is too
 * much of others already. What is too large goes through as
 * it comes: the library refuses it, by its first bytes where it can.
 */
export async function* readBody(
  body: AsyncIterable<Uint8Array>,
  header: UniversalServerRequest['header'],
  input: DescMessage,
  visit: Visit,
): AsyncGenerator<Uint8Array> {
  const isEnveloped = /^application\/(connect\+|grpc)/.test(header.get('content-type') ?? '');
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  let tooLarge = false;
  for await (const chunk of body) {
    if (!visit.take(chunk.byteLength)) throw visit.tooMuch();
    if (tooLarge) {
      yield chunk;
      continue;
    }
    sizeBytes += chunk.byteLength;
    chunks.push(chunk);
    tooLarge = sizeBytes > MAX_MESSAGE_BYTES + ENVELOPE_HEAD_BYTES || (isEnveloped && saysTooLarge(chunks));
    if (tooLarge) yield Buffer.concat(chunks.splice(0));
  }
  if (tooLarge) return;
  const whole = Buffer.concat(chunks);
  const message = await uncompressed(whole, header, isEnveloped);
  const contentType = header.get('content-type') ?? '';
  const tooHeavy = contentType.includes('json') ? isJsonTooHeavy(message) : isTooHeavy(input, message);
  if (tooHeavy) throw messageTooHeavy();
  yield whole;
}

/** By the head of the envelope. */
function saysTooLarge(chunks: readonly Uint8Array[]): boolean {
  if (chunks.length > 1) return false;
  const first = Buffer.from(chunks[0]?.subarray(0, ENVELOPE_HEAD_BYTES) ?? []);
  return first.byteLength >= ENVELOPE_HEAD_BYTES && first.readUInt32BE(1) > MAX_MESSAGE_BYTES;
}

/** The message itself; empty where it cannot be had, which the library then says. */
async function uncompressed(
  whole: Buffer,
  header: UniversalServerRequest['header'],
  isEnveloped: boolean,
): Promise<Uint8Array> {
  const encoding = ENCODING_HEADERS.map((name) => header.get(name)).find((value) => value !== null);
  const isCompressed = isEnveloped ? ((whole[0] ?? 0) & COMPRESSED_FLAG) !== 0 : encoding !== undefined;
  const bytes = isEnveloped ? whole.subarray(ENVELOPE_HEAD_BYTES) : whole;
  if (!isCompressed) return bytes;
  const compression = COMPRESSIONS.find(({ name }) => name === encoding);
  if (compression === undefined) return new Uint8Array();
  return compression.decompress(bytes, MAX_MESSAGE_BYTES).catch(() => new Uint8Array());
}
