// How do an executor's payloads get to the orchestrator and back when they are stored apart?
//
// Each request is repeated until it is answered, or the attempt that it is for should stop.

import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { ErrorReason } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import {
  GetPayloadReplySchema,
  type ProtocolError,
  PutPayloadReplySchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import type { Payload } from '@tutti/proto/tutti/v1/payload_pb.ts';
import {
  GetPayloadRequestSchema,
  PutPayloadRequestSchema,
} from '@tutti/proto/tutti/v1/payload_service_pb.ts';
import { createBackoff, pause } from '../backoff.ts';
import { fetchPayload, MAX_PART_BYTES, type PayloadDoor, storePayload } from '../stored-payloads.ts';
import type { Settings } from './options.ts';
import { reasonName } from './session.ts';
import { MessageTooLargeError, type Transport } from './transport.ts';

/** Payloads of one executor that are stored apart. */
export interface StoredPayloads {
  /** Rejects with the reason of the signal once it is aborted, with PayloadRefusedError, or PayloadError. */
  store(payload: Payload, signal: AbortSignal): Promise<Payload>;
  fetch(payload: Payload, signal: AbortSignal): Promise<Payload>;
}

/** The orchestrator will not take a payload, or has none. */
export class PayloadRefusedError extends Error {
  override readonly name = 'PayloadRefusedError';
  /** A name of ErrorReason, for example `PAYLOAD_TOO_LARGE`. */
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

const REQUEST_TIMEOUT_MS = 10_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
/** What a request holds besides its part. */
const REQUEST_RESERVE_BYTES = 4_096;

export function createStoredPayloads(settings: Settings, transport: Transport): StoredPayloads {
  const subject = (what: string) => `${settings.prefix}.${settings.namespace}.payloads.${what}`;

  async function ask<Request extends DescMessage, Reply extends DescMessage>(
    what: string,
    schema: Request,
    request: MessageInitShape<Request>,
    replySchema: Reply,
    signal: AbortSignal,
  ): Promise<MessageShape<Reply>> {
    const data = toBinary(schema, create(schema, request));
    const backoff = createBackoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    for (;;) {
      signal.throwIfAborted();
      try {
        const answer = transport.request(subject(what), data, REQUEST_TIMEOUT_MS);
        const reply = fromBinary(replySchema, await unlessAborted(answer, signal));
        const error = errorIn(reply);
        if (error === undefined) return reply;
        if (!isPassing(error.reason)) throw new PayloadRefusedError(reasonName(error.reason), error.message);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof PayloadRefusedError || error instanceof MessageTooLargeError) throw error;
        settings.logger.debug(
          { executorId: settings.id, error: String(error) },
          'a payload request was not answered; repeating',
        );
      }
      await pause(backoff.nextMs(), signal);
    }
  }

  const door = (signal: AbortSignal): PayloadDoor => ({
    partBytes: Math.min(MAX_PART_BYTES, transport.maxMessageBytes - REQUEST_RESERVE_BYTES),
    async put(request) {
      const { result } = await ask('put', PutPayloadRequestSchema, request, PutPayloadReplySchema, signal);
      if (result.case === 'put') return result.value;
      throw new PayloadRefusedError('', 'an empty answer to a payload that was put');
    },
    async get(request) {
      const { result } = await ask('get', GetPayloadRequestSchema, request, GetPayloadReplySchema, signal);
      if (result.case === 'part') return result.value;
      throw new PayloadRefusedError('', 'an empty answer to a payload that was asked for');
    },
  });

  return {
    store: (payload, signal) => storePayload(door(signal), payload),
    fetch: (payload, signal) => fetchPayload(door(signal), payload),
  };
}

/** Rejects with the reason of the signal as soon as it is aborted. */
function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

function errorIn(reply: unknown): ProtocolError | undefined {
  const { result } = reply as { readonly result: { readonly case?: string; readonly value?: ProtocolError } };
  return result.case === 'error' ? result.value : undefined;
}

function isPassing(reason: ErrorReason): boolean {
  return (
    reason === ErrorReason.NOT_SERVING ||
    reason === ErrorReason.LIMIT_REACHED ||
    reason === ErrorReason.COMMIT_FAILED ||
    reason === ErrorReason.INTERNAL
  );
}
