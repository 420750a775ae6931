// How does a call get to the orchestrator? Native gRPC for any method that the proto describes.

import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import {
  type ChannelCredentials,
  credentials,
  type CallOptions as GrpcCallOptions,
  Client as GrpcClient,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { type Context, context } from '@opentelemetry/api';
import { createBackoff, pause } from '../backoff.ts';
import { injectTrace } from '../tracing.ts';
import { ClientClosedError, fromServiceError, TuttiError } from './errors.ts';
import { isBroken, isComeAgain } from './retryable.ts';

/** What can be said of a single call. */
export interface CallOptions {
  /** For the call with all of its repeats. Default: the client's. */
  readonly timeoutMs?: number;
  /** Ends the call with CANCELLED. */
  readonly signal?: AbortSignal;
}

/** How calls that did not get through are repeated, and those that there was no room for. */
export interface RetryOptions {
  /**
   * How many tries in all, the first included; 1: no repeats, whatever for. Default: as many as fit into the
   * time of the call, which an orchestrator that is restarted does, too.
   */
  readonly maxAttempts: number | undefined;
  /** The same until this client was connected once, for the address may be wrong. Default 8, about 5 s. */
  readonly maxFirstAttempts: number;
  /**
   * How often a call may be refused for want of room, with a time to come again. Such refusals are not
   * counted as tries. Default 30; each is followed by the pause that was asked for, and up to half as much.
   */
  readonly maxRefusals: number;
  /** The pause before the second; each is up to twice as long as the one before. Default 100. */
  readonly initialDelayMs: number;
  /** The longest pause. Default 2,000. */
  readonly maxDelayMs: number;
}

/** What the caller is told once. */
export interface CallerSettings {
  readonly address: string;
  readonly credentials: ChannelCredentials | undefined;
  readonly timeoutMs: number;
  readonly retry: RetryOptions;
}

/** Calls methods of one orchestrator. */
export interface Caller {
  /**
   * Rejects with TuttiError. UNAVAILABLE is repeated: the call must bear that. So is a refusal that names a
   * time to come again (RetryInfo), within the call's time.
   */
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
    traceContext?: Context,
  ): Promise<MessageShape<O>>;
  /** Throws TuttiError; not repeated. Reads only as fast as its consumer. */
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    signal: AbortSignal | undefined,
  ): AsyncIterable<MessageShape<O>>;
  /** Whether somebody answered ever: who is gone since then is worth waiting for. */
  reached(): boolean;
  /** Calls in flight, and all that come after, reject with ClientClosedError. */
  close(): void;
}

const MAX_MESSAGE_BYTES = 64 * 1_024 * 1_024;
/** How grpc-js begins to say that nobody was reached. */
const NOBODY_THERE = /^(No connection established|Name resolution failed)/;

export function createCaller(settings: CallerSettings): Caller {
  const client = new GrpcClient(settings.address, settings.credentials ?? credentials.createInsecure(), {
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
  });

  const closing = new AbortController();
  // Of the calls in flight; a listener each on one signal would be slower to take off again.
  const cancels = new Set<() => void>();

  // Somebody is there, or was: worth waiting for, should it be gone for a while.
  let isKnown = false;

  const failureOf = (error: ServiceError): TuttiError =>
    closing.signal.aborted && error.code === status.CANCELLED
      ? new ClientClosedError()
      : fromServiceError(error);

  const unaryOnce = <I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageShape<I>,
    deadlineMs: number,
    signal: AbortSignal | undefined,
    metadata: Metadata,
  ): Promise<MessageShape<O>> =>
    new Promise((resolve, reject) => {
      const call = client.makeUnaryRequest(
        pathOf(method),
        (message: MessageShape<I>) => Buffer.from(toBinary(method.input, message)),
        (data) => fromBinary(method.output, data),
        request,
        metadata,
        { deadline: deadlineMs },
        (error, response) => {
          signal?.removeEventListener('abort', cancel);
          cancels.delete(cancel);
          if (error !== null) reject(failureOf(error));
          else resolve(response as MessageShape<O>);
        },
      );
      const cancel = () => call.cancel();
      cancels.add(cancel);
      signal?.addEventListener('abort', cancel, { once: true });
      if (signal?.aborted) cancel();
    });

  return {
    async unary(method, request, options = {}, traceContext = context.active()) {
      const message = create(method.input, request);
      const deadlineMs = Date.now() + (options.timeoutMs ?? settings.timeoutMs);
      const delayAfter = createRepeats(settings.retry, () => isKnown);
      for (let made = 0; ; made += 1) {
        if (closing.signal.aborted) throw new ClientClosedError();
        const metadata = traceMetadata(traceContext);
        // Who was refused for want of room, and says so, is let in before others.
        if (made > 0) metadata.set('grpc-previous-rpc-attempts', String(made));
        try {
          const answer = await unaryOnce(method, message, deadlineMs, options.signal, metadata);
          isKnown = true;
          return answer;
        } catch (error) {
          isKnown ||= isFromSomebody(error);
          const delayMs = delayAfter(error);
          const isInTime = delayMs !== undefined && Date.now() + delayMs < deadlineMs;
          if (!isInTime || options.signal?.aborted) throw error;
          const { signal } = options;
          await pause(
            delayMs,
            signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]),
          );
        }
      }
    },
    async *serverStream(method, request, signal) {
      signal?.throwIfAborted();
      if (closing.signal.aborted) throw new ClientClosedError();
      const options: GrpcCallOptions = {};
      const call = client.makeServerStreamRequest(
        pathOf(method),
        (message: MessageShape<typeof method.input>) => Buffer.from(toBinary(method.input, message)),
        (data) => fromBinary(method.output, data),
        create(method.input, request),
        traceMetadata(context.active()),
        options,
      );
      const cancel = () => call.cancel();
      cancels.add(cancel);
      signal?.addEventListener('abort', cancel, { once: true });
      try {
        for await (const message of call) yield message as MessageShape<typeof method.output>;
      } catch (error) {
        throw failureOf(error as ServiceError);
      } finally {
        cancels.delete(cancel);
        signal?.removeEventListener('abort', cancel);
        call.cancel();
      }
    },
    reached: () => isKnown,
    close() {
      closing.abort();
      for (const cancel of [...cancels]) cancel();
      client.close();
    },
  };
}

/** A call that broke in the middle was begun with somebody, too. */
function isFromSomebody(error: unknown): boolean {
  if (!(error instanceof TuttiError)) return false;
  return error.reason !== '' || (isBroken(error) && !NOBODY_THERE.test(error.message));
}

/** How long to wait after a failure of one call; undefined: it is not repeated. */
function createRepeats(retry: RetryOptions, isKnown: () => boolean): (error: unknown) => number | undefined {
  const backoff = createBackoff(retry.initialDelayMs, retry.maxDelayMs);
  let attempts = 0;
  const mostAttempts = () =>
    Math.min(retry.maxAttempts ?? Infinity, isKnown() ? Infinity : retry.maxFirstAttempts);
  let refusals = 0;
  return (error) => {
    if (isComeAgain(error)) {
      refusals += 1;
      if (retry.maxAttempts === 1 || refusals > retry.maxRefusals) return undefined;
      // Those who were refused in one moment must not come back in one.
      return error.retryDelayMs * (1 + Math.random() / 2);
    }
    attempts += 1;
    if (!isBroken(error) || attempts >= mostAttempts()) return undefined;
    return Math.max(backoff.nextMs(), error.retryDelayMs ?? 0);
  };
}

function pathOf(method: { readonly parent: { typeName: string }; readonly name: string }): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function traceMetadata(traceContext: Context): Metadata {
  const metadata = new Metadata();
  injectTrace(traceContext, (name, value) => metadata.set(name, value));
  return metadata;
}
