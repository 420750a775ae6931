// What of an attempt is stored apart, and what comes of it? Its input and the results that it is given are
// fetched before the handler sees them; a result above the limit is stored before it is reported.

import { isMessage } from '@bufbuild/protobuf';
import type { Assignment } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { type Payload, PayloadSchema } from '@tutti/proto/tutti/v1/payload_pb.ts';
import { eachPayload, isStoredApart, type StoredApart } from '../payload-walk.ts';
import { PayloadError, payloadSizeBytes, toPayload } from '../payloads.ts';
import { RequestRefusedError } from './asking.ts';
import { FinalError, RetryableError } from './errors.ts';
import type { StoredPayloads } from './payload-door.ts';

/** Undefined where there is nothing to fetch: mostly. */
export function storedApartIn(assignment: Assignment): readonly StoredApart[] | undefined {
  let found: StoredApart[] | undefined;
  const look = (payload: Payload) => {
    if (!isStoredApart(payload)) return;
    found ??= [];
    found.push(payload);
  };
  if (assignment.input !== undefined) look(assignment.input);
  if (assignment.checkpoint !== undefined) look(assignment.checkpoint);
  if (assignment.lastError !== undefined) eachPayload(assignment.lastError, look);
  if (assignment.feedback !== undefined) eachPayload(assignment.feedback, look);
  for (const dependency of assignment.dependencies) eachPayload(dependency, look);
  return found;
}

/** Puts their content in their place. Rejects with what the attempt failed by. */
export async function fetchInto(
  payloads: readonly StoredApart[],
  stored: StoredPayloads,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (const payload of payloads) {
      const { data } = await stored.fetch(payload, signal);
      Object.assign(payload, { data });
    }
  } catch (error) {
    throw asFailure(error, 'what it was given could not be fetched');
  }
}

/** The payload of a result; what is none stays as it is, and the report says what is wrong with it. */
export function asPayload(value: unknown): unknown {
  try {
    return toPayload(value);
  } catch {
    return value;
  }
}

/** Whether it is a payload, as asPayload gives it, that has to be stored apart. */
export function isLarge(value: unknown, maxPayloadBytes: number): value is Payload {
  return isMessage(value, PayloadSchema) && payloadSizeBytes(value) > maxPayloadBytes;
}

export async function storeResult(
  payload: Payload,
  stored: StoredPayloads,
  signal: AbortSignal,
): Promise<Payload> {
  try {
    return await stored.store(payload, signal);
  } catch (error) {
    throw asFailure(error, `the result (${payloadSizeBytes(payload)} bytes) could not be stored`);
  }
}

/** Too large now is too large later, and what is gone stays gone; anything else may pass. */
function asFailure(error: unknown, what: string): unknown {
  if (error instanceof RequestRefusedError) {
    const { reason, message } = error;
    const isFinal = reason === 'PAYLOAD_TOO_LARGE' || reason === 'PAYLOAD_NOT_FOUND';
    const code = reason === '' ? 'PAYLOAD_REFUSED' : reason;
    const text = `${what}: ${message}`;
    return isFinal ? new FinalError(code, text) : new RetryableError(code, text);
  }
  if (error instanceof PayloadError) return new RetryableError('PAYLOAD_BROKEN', `${what}: ${error.message}`);
  return error;
}
