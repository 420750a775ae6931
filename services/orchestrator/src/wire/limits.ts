// Which payloads are accepted from outside?

import type { Payload as PayloadMessage } from '@tutti/proto/tutti/v1/payload_pb.ts';
import { isJson, MAX_PAYLOAD_BYTES, type Payload } from '../domain/payload.ts';
import { accept, type Result, reject } from '../domain/rejection.ts';
import { toPayload } from './payload.ts';
import { valueProblem } from './value.ts';

/** Of the bytes of one payload. */
export const INLINE_PAYLOAD_LIMIT_BYTES = MAX_PAYLOAD_BYTES;

/**
 * The payload as it is stored, or why it is refused.
 * @param field its path, for the refusal, such as `tasks[3].input`
 */
export function acceptPayload(message: PayloadMessage | undefined, field: string): Result<Payload> {
  if (message?.data.case === 'value') {
    const problem = isJson(message.contentType)
      ? valueProblem(message.data.value)
      : `a value is JSON, but content_type is '${message.contentType.slice(0, 100)}'`;
    if (problem !== undefined) {
      const text = `${field}: ${problem}; send the content as bytes instead.`;
      return reject('INVALID_FIELD', text, { field: `${field}.value` }, `${field}.value`);
    }
  }
  const payload = toPayload(message);
  const sizeBytes = payload.bytes.byteLength;
  if (sizeBytes <= INLINE_PAYLOAD_LIMIT_BYTES) return accept(payload);
  return reject(
    'PAYLOAD_TOO_LARGE',
    `${field} has ${sizeBytes} bytes; a payload may have ${INLINE_PAYLOAD_LIMIT_BYTES}. Put it with PayloadService.PutPayload, and refer to it.`,
    { size_bytes: String(sizeBytes), limit_bytes: String(INLINE_PAYLOAD_LIMIT_BYTES) },
    field,
  );
}
