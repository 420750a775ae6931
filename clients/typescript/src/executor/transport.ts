// How do messages get to the orchestrator and back? The one seam between the executor and NATS.
//
// While there is no connection nothing is sent: the NATS client would buffer without a bound.

import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { createBackoff, pause } from '../backoff.ts';
import type { Settings } from './options.ts';

/** Requests and subscriptions over one connection that comes back by itself. */
export interface Transport {
  /** False while the server is away. */
  readonly connected: boolean;
  /** What fits into one message, in bytes; while the server is away, what fitted last. */
  readonly maxMessageBytes: number;
  subscribe(subject: string, onMessage: (data: Uint8Array) => void): void;
  /**
   * Rejects when there is no connection, when it breaks meanwhile, and after the time; with
   * MessageTooLargeError, before anything is sent, for more than `maxMessageBytes`. Those in flight are
   * bounded by the callers: one registration, one heartbeat, the reporter's few.
   */
  request(subject: string, data: Uint8Array, timeoutMs: number, traceparent?: string): Promise<Uint8Array>;
  /** Requests in flight reject with this, but for those on one subject: nobody will answer them. */
  giveUpInFlight(why: string, exceptOn: string): void;
  /** Called each time the connection is back. */
  onReconnect(listener: () => void): void;
  /** Resolves when the connection has ended for good, to the error that ended it. */
  readonly closed: Promise<Error | undefined>;
  close(): Promise<void>;
}

/** A message is larger than the server takes: a repeat would be too. */
export class MessageTooLargeError extends Error {
  override readonly name = 'MessageTooLargeError';

  constructor(sizeBytes: number, limitBytes: number) {
    super(`a message of ${sizeBytes} bytes; the NATS server takes ${limitBytes}`);
  }
}

const DEFAULT_MAX_PAYLOAD_BYTES = 1_048_576;
/** Headers count as a part of the message; ours hold a traceparent. */
const HEADER_BYTES = 256;
const CONNECT_TIMEOUT_MS = 5_000;
const RECONNECT_WAIT_MS = 100;
const RECONNECT_JITTER_MS = 400;
const PING_INTERVAL_MS = 10_000;

/** Tries until there is a server or the signal is aborted (then rejects with its reason). */
export async function connectTransport(settings: Settings, signal: AbortSignal): Promise<Transport> {
  const backoff = createBackoff(RECONNECT_WAIT_MS, 5_000);
  for (;;) {
    signal.throwIfAborted();
    try {
      const connection = await connect({
        pingInterval: PING_INTERVAL_MS,
        name: `tutti executor ${settings.id}`,
        ...settings.nats,
        servers: settings.servers,
        timeout: CONNECT_TIMEOUT_MS,
        maxReconnectAttempts: -1,
        reconnectTimeWait: RECONNECT_WAIT_MS,
        reconnectJitter: RECONNECT_JITTER_MS,
        noAsyncTraces: true,
        // A server whose credentials are just being changed must not end the executor.
        ignoreAuthErrorAbort: true,
      });
      if (signal.aborted) await connection.close();
      signal.throwIfAborted();
      return wrap(connection, settings);
    } catch (error) {
      signal.throwIfAborted();
      if (isPermanent(error)) throw error;
      settings.logger.warn(
        { error: String(error), executorId: settings.id },
        'no connection to NATS yet; trying again',
      );
      await pause(backoff.nextMs(), signal);
    }
  }
}

function isPermanent(error: unknown): boolean {
  const name = (error as Error).name;
  return (
    name === 'AuthorizationError' ||
    name === 'UserAuthenticationExpiredError' ||
    name === 'InvalidArgumentError'
  );
}

function wrap(connection: NatsConnection, settings: Settings): Transport {
  let connected = true;
  let maxPayloadBytes = DEFAULT_MAX_PAYLOAD_BYTES;
  // The client forgets it while there is no connection.
  const maxMessageBytes = () => {
    maxPayloadBytes = connection.info?.max_payload ?? maxPayloadBytes;
    return maxPayloadBytes - HEADER_BYTES;
  };
  maxMessageBytes();
  const reconnectListeners: (() => void)[] = [];
  /** With their subjects. */
  const inFlight = new Map<(error: Error) => void, string>();

  const giveUpInFlight = (message: string, exceptOn = '') => {
    for (const [reject, subject] of [...inFlight]) if (subject !== exceptOn) reject(new Error(message));
  };
  const breakInFlight = (message: string) => {
    connected = false;
    giveUpInFlight(message);
  };

  const follow = async () => {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') {
        breakInFlight('the connection to NATS broke');
        settings.logger.warn({ executorId: settings.id }, 'disconnected from NATS; reconnecting');
      } else if (status.type === 'reconnect') {
        connected = true;
        settings.logger.info({ executorId: settings.id }, 'reconnected to NATS');
        for (const listener of reconnectListeners) listener();
      } else if (status.type === 'error') {
        settings.logger.warn({ executorId: settings.id, error: String(status.error) }, 'NATS error');
      }
    }
  };
  void follow();

  return {
    get connected() {
      return connected;
    },
    get maxMessageBytes() {
      return maxMessageBytes();
    },
    subscribe(subject, onMessage) {
      connection.subscribe(subject, {
        callback: (error, message) => {
          if (error === null) return onMessage(message.data);
          settings.logger.error({ subject, error: String(error) }, 'subscription refused by NATS');
        },
      });
    },
    request(subject, data, timeoutMs, traceparent) {
      if (!connected) return Promise.reject(new Error('there is no connection to NATS'));
      if (data.byteLength > maxMessageBytes()) {
        return Promise.reject(new MessageTooLargeError(data.byteLength, maxMessageBytes()));
      }
      const options: Parameters<NatsConnection['request']>[2] = { timeout: timeoutMs };
      if (traceparent) {
        options.headers = headers();
        options.headers.set('traceparent', traceparent);
      }
      return new Promise((resolve, reject) => {
        inFlight.set(reject, subject);
        connection.request(subject, data, options).then(
          (message) => {
            inFlight.delete(reject);
            resolve(message.data);
          },
          (error: unknown) => {
            inFlight.delete(reject);
            reject(error);
          },
        );
      });
    },
    giveUpInFlight,
    onReconnect(listener) {
      reconnectListeners.push(listener);
    },
    closed: connection.closed().then((error) => {
      breakInFlight('the connection to NATS is closed');
      return error ?? undefined;
    }),
    close: () => connection.close(),
  };
}
