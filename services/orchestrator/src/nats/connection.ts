// How does the orchestrator hold its connection to NATS?
//
// It reconnects for ever, and keeps nothing for later: what cannot be sent now is dropped, because
// leases, heartbeats and repeated requests make up for every loss, and because a buffer that fills
// while NATS is away has no bound. What is sent but not yet confirmed by the server is bounded too.

import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import {
  AuthorizationError,
  connect,
  credsAuthenticator,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type NodeConnectionOptions,
  type Status,
  type Subscription,
} from '@nats-io/transport-node';
import type { Logger } from './logger.ts';

export interface NatsOptions {
  /** `nats://host:port` or `tls://host:port`, one or more of one cluster. */
  readonly servers: readonly string[];
  readonly logger: Logger;
  /** What the server's own monitoring calls this connection. Default `tutti-orchestrator`. */
  readonly name?: string;
  readonly tls?: NatsTls;
  /** A `.creds` file; read anew at each reconnect, so that it can be replaced. */
  readonly credsFile?: string;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** How long to try before the first connection counts as failed. Default 30 s. */
  readonly firstConnectTimeoutMs?: number;
  /** Aborted: the first connection is not waited for any more. */
  readonly signal?: AbortSignal | undefined;
  /** Beyond so many bytes that the server has not confirmed, what is sent is dropped. Default 64 MiB. */
  readonly maxUnconfirmedBytes?: number;
}

export interface NatsTls {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

export interface NatsLink {
  connected(): boolean;
  /** The largest message, headers included, that the server takes. */
  maxPayloadBytes(): number;
  /**
   * False if the message was dropped. Never throws for the state of the connection. With `replyTo`, the
   * server itself answers there, with the code 503, if nobody is subscribed to the subject.
   */
  publish(subject: string, bytes: Uint8Array, headers?: MsgHdrs, replyTo?: string): boolean;
  /** The handler must not throw. Survives reconnects. */
  subscribe(subject: string, handler: (message: Msg) => void): Subscription;
  /** Resolves once the server has taken what was sent before; rejects if it is not there. */
  flush(): Promise<void>;
  /** How often publish() has dropped a message. */
  droppedMessages(): number;
  /** Resolves once the connection is closed for good; with the reason if close() was not called. */
  readonly closed: Promise<Error | undefined>;
  /** Handles what has arrived, sends what is left, closes; 5 s at most. */
  close(): Promise<void>;
}

const FIRST_CONNECT_TIMEOUT_MS = 30_000;
const FIRST_CONNECT_PAUSE_MS = 250;
const MAX_UNCONFIRMED_BYTES = 64 * 1024 * 1024;
/** How much goes out before the server is asked to confirm it: rarely enough to cost nothing. */
const CONFIRM_EVERY_BYTES = 1024 * 1024;
const RECONNECT_PAUSE_MS = 50;
const RECONNECT_JITTER_MS = 100;
/** A server that is gone without a word is noticed after two of these. */
const PING_INTERVAL_MS = 10_000;
const CLOSE_TIMEOUT_MS = 5_000;
const FALLBACK_MAX_PAYLOAD_BYTES = 1024 * 1024;

/** Rejects, with the last reason, if no server can be reached in the time allowed; or with that of `signal`. */
export async function connectNats(options: NatsOptions): Promise<NatsLink> {
  const connection = await connectFirst(options, await connectionOptions(options));
  options.logger.info({ server: connection.getServer() }, 'connected to NATS');
  return createLink(connection, options);
}

async function connectionOptions(options: NatsOptions): Promise<NodeConnectionOptions> {
  const { credsFile, tls, user, password, token } = options;
  // The authenticator is called at each reconnect and cannot wait: the latest content is kept ready.
  let creds = credsFile === undefined ? undefined : await readFile(credsFile);
  const latestCreds = (): Uint8Array => {
    if (credsFile !== undefined) {
      readFile(credsFile).then(
        (content) => {
          creds = content;
        },
        (error: unknown) => options.logger.warn({ credsFile, error }, 'the creds file cannot be read again'),
      );
    }
    return creds ?? new Uint8Array(0);
  };
  return {
    servers: [...options.servers],
    name: options.name ?? 'tutti-orchestrator',
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => RECONNECT_PAUSE_MS + Math.random() * RECONNECT_JITTER_MS,
    ignoreAuthErrorAbort: true,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
    ...(creds === undefined ? {} : { authenticator: credsAuthenticator(latestCreds) }),
    ...(tls === undefined ? {} : { tls }),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { pass: password }),
    ...(token === undefined ? {} : { token }),
  };
}

async function connectFirst(
  options: NatsOptions,
  natsOptions: NodeConnectionOptions,
): Promise<NatsConnection> {
  const deadline = performance.now() + (options.firstConnectTimeoutMs ?? FIRST_CONNECT_TIMEOUT_MS);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await connect(natsOptions);
    } catch (error) {
      if (error instanceof AuthorizationError) {
        // It is there and says no; asking again would only be counted against us.
        const text = `The NATS server at ${options.servers.join(', ')} refuses these credentials: ${error.message}.`;
        throw new Error(`${text} Correct the user and password, the token, or the creds file.`, {
          cause: error,
        });
      }
      if (performance.now() + FIRST_CONNECT_PAUSE_MS >= deadline) {
        const servers = options.servers.join(', ');
        throw new Error(
          `No NATS server could be reached at ${servers}: ${String(error)}. Start one there, or correct the address.`,
          { cause: error },
        );
      }
      if (attempt === 1) options.logger.warn({ servers: options.servers, error }, 'NATS is not there yet');
      const { signal } = options;
      // Also ends when it is aborted, for a reason of its own.
      await delay(FIRST_CONNECT_PAUSE_MS, undefined, signal === undefined ? {} : { signal }).catch(() => {});
      signal?.throwIfAborted();
    }
  }
}

function createLink(connection: NatsConnection, options: NatsOptions): NatsLink {
  const { logger } = options;
  const maxUnconfirmedBytes = options.maxUnconfirmedBytes ?? MAX_UNCONFIRMED_BYTES;
  let connected = true;
  let closing = false;
  let maxPayloadBytes = connection.info?.max_payload ?? FALLBACK_MAX_PAYLOAD_BYTES;
  let unconfirmedBytes = 0;
  let confirming = false;
  let dropped = 0;

  const confirm = async () => {
    confirming = true;
    const asked = unconfirmedBytes;
    try {
      await connection.flush();
      unconfirmedBytes = Math.max(0, unconfirmedBytes - asked);
    } catch {
      // Disconnected: the count starts anew with the next connection.
    } finally {
      confirming = false;
    }
  };

  const follow = async () => {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') {
        connected = false;
      } else if (status.type === 'reconnect') {
        connected = true;
        unconfirmedBytes = 0;
        maxPayloadBytes = connection.info?.max_payload ?? maxPayloadBytes;
      } else if (status.type === 'ldm' && options.servers.length > 1) {
        // This server is about to end: better to leave now than with all others at its last moment.
        await connection.reconnect();
      }
      logStatus(status, logger, closing);
    }
  };
  void follow();

  const closed = connection.closed().then((error) => {
    connected = false;
    return closing
      ? undefined
      : (error ?? new Error('The connection to NATS was closed by the client library'));
  });

  return {
    connected: () => connected,
    maxPayloadBytes: () => maxPayloadBytes,
    droppedMessages: () => dropped,
    closed,
    publish(subject, bytes, headers, replyTo) {
      if (!connected || unconfirmedBytes > maxUnconfirmedBytes) {
        dropped += 1;
        return false;
      }
      try {
        if (headers === undefined && replyTo === undefined) connection.publish(subject, bytes);
        else {
          connection.publish(subject, bytes, {
            ...(headers === undefined ? {} : { headers }),
            ...(replyTo === undefined ? {} : { reply: replyTo }),
          });
        }
      } catch (error) {
        // It was closed, and the word of it is still on its way here.
        if (!connection.isClosed() && !connection.isDraining()) throw error;
        dropped += 1;
        return false;
      }
      unconfirmedBytes += bytes.byteLength;
      if (!confirming && unconfirmedBytes > CONFIRM_EVERY_BYTES) void confirm();
      return true;
    },
    subscribe(subject, handler) {
      return connection.subscribe(subject, {
        callback(error, message) {
          if (error !== null) logger.error({ subject, error }, 'a NATS subscription failed');
          else handler(message);
        },
      });
    },
    flush: () => connection.flush(),
    async close() {
      if (closing) return;
      closing = true;
      const drained = connection.isClosed() || !connected ? connection.close() : connection.drain();
      const done = await Promise.race([
        drained.then(
          () => true,
          () => false,
        ),
        delay(CLOSE_TIMEOUT_MS, false, { ref: false }),
      ]);
      if (!done) await connection.close().catch(() => {});
    },
  };
}

function logStatus(status: Status, logger: Logger, closing: boolean): void {
  switch (status.type) {
    case 'disconnect':
      if (!closing) logger.warn({ server: status.server }, 'disconnected from NATS');
      return;
    case 'reconnect':
      logger.info({ server: status.server }, 'reconnected to NATS');
      return;
    case 'ldm':
      logger.warn({ server: status.server }, 'the NATS server is about to shut down');
      return;
    case 'error':
      logger.error({ error: status.error }, 'NATS reported an error');
      return;
    case 'staleConnection':
      logger.warn({}, 'the NATS server has fallen silent');
      return;
    case 'slowConsumer':
      logger.warn({ pending: status.pending }, 'NATS messages arrive faster than they are handled');
      return;
    case 'reconnecting':
    case 'forceReconnect':
    case 'update':
    case 'ping':
    case 'close':
      return;
  }
}
