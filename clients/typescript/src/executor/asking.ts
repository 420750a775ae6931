// How does an executor ask the orchestrator for something that an attempt waits for?
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
import type { ProtocolError } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { createBackoff, pause } from '../backoff.ts';
import { durationToMs } from '../durations.ts';
import type { Settings } from './options.ts';
import { reasonName } from './session.ts';
import { MessageTooLargeError, type Transport } from './transport.ts';

/** The orchestrator will not do what was asked for. */
export class RequestRefusedError extends Error {
  override readonly name = 'RequestRefusedError';
  /** A name of ErrorReason, for example `PAYLOAD_TOO_LARGE`. */
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Rejects with the reason of the signal once it is aborted, with RequestRefusedError, or with
 * MessageTooLargeError.
 * @param subject what follows on prefix and namespace
 * @param request asked for anew for each try
 */
export type Ask = <Request extends DescMessage, Reply extends DescMessage>(
  subject: string,
  schema: Request,
  request: () => MessageInitShape<Request> | Promise<MessageInitShape<Request>>,
  replySchema: Reply,
  signal: AbortSignal,
) => Promise<MessageShape<Reply>>;

const REQUEST_TIMEOUT_MS = 10_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/** @param passing reasons of refusals that a repeat may not meet, besides those that always pass */
export function createAsk(
  settings: Settings,
  transport: Transport,
  passing: readonly ErrorReason[] = [],
): Ask {
  return async (subject, schema, request, replySchema, signal) => {
    const backoff = createBackoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    for (;;) {
      signal.throwIfAborted();
      let askedForMs = 0;
      try {
        const data = toBinary(schema, create(schema, await request()));
        const answer = transport.request(
          `${settings.prefix}.${settings.namespace}.${subject}`,
          data,
          REQUEST_TIMEOUT_MS,
        );
        const reply = fromBinary(replySchema, await unlessAborted(answer, signal));
        const error = errorIn(reply);
        if (error === undefined) return reply;
        if (!isPassing(error) && !passing.includes(error.reason)) {
          throw new RequestRefusedError(reasonName(error.reason), error.message);
        }
        askedForMs = durationToMs(error.retryAfter) ?? 0;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof RequestRefusedError || error instanceof MessageTooLargeError) throw error;
        settings.logger.debug(
          { executorId: settings.id, subject, error: String(error) },
          'a request was not answered; repeating',
        );
      }
      await pause(Math.max(backoff.nextMs(), askedForMs * (1 + Math.random() / 2)), signal);
    }
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

/** A limit that names no time is one that waiting does not change. */
function isPassing({ reason, retryAfter }: ProtocolError): boolean {
  return (
    reason === ErrorReason.NOT_SERVING ||
    (reason === ErrorReason.LIMIT_REACHED && retryAfter !== undefined) ||
    reason === ErrorReason.COMMIT_FAILED ||
    reason === ErrorReason.INTERNAL
  );
}
