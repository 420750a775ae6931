// How are the requests of executors received and answered?
//
// Whatever is wrong with one is told to its sender and touches no other. How many may be under way is
// bounded, in number and in bytes; executors repeat what was refused for that.

import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import type { Validator } from '@bufbuild/protovalidate';
import type { Msg, Subscription } from '@nats-io/transport-node';
import { ErrorReason } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import { type ProtocolError, ProtocolErrorSchema } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import type { Orchestrator } from '../runtime/orchestrator.ts';
import { protocolError } from '../wire/executor-answers.ts';
import { traceFields } from '../wire/trace.ts';
import type { NatsLink } from './connection.ts';
import type { AttemptTracing } from './deliveries.ts';
import type { Logger } from './logger.ts';
import { createRequestHandlers, type RequestHandler } from './requests.ts';
import { createSharedIds } from './shared-ids.ts';
import type { RequestKind, Subjects } from './subjects.ts';
import type { Refused } from './told.ts';

export interface GatewayOptions {
  readonly link: NatsLink;
  readonly subjects: Subjects;
  readonly orchestrator: Pick<Orchestrator, 'call' | 'payloads'>;
  readonly validator: Validator;
  readonly tracing: AttemptTracing;
  readonly logger: Logger;
  /** Told of each message of an executor whose id another one uses too. */
  readonly idShared?: () => void;
  readonly refused?: Refused;
  /** Requests beyond it are refused with LIMIT_REACHED until others are answered. Default 4,096. */
  readonly maxRequestsInFlight?: number;
  /** The same for the bytes of the requests. Default 256 MiB. */
  readonly maxBytesInFlight?: number;
}

export interface ExecutorGateway {
  /** From now on requests are answered. Resolves once NATS knows of it. */
  start(): Promise<void>;
  /** Takes no further request, and waits until those in flight are answered; 5 s at most. */
  stop(): Promise<void>;
}

const MAX_REQUESTS_IN_FLIGHT = 4_096;
const MAX_BYTES_IN_FLIGHT = 256 * 1024 * 1024;
const STOP_TIMEOUT_MS = 5_000;
const KINDS: readonly RequestKind[] = [
  'register',
  'heartbeat',
  'report',
  'addition',
  'putPayload',
  'getPayload',
];

export function createExecutorGateway(options: GatewayOptions): ExecutorGateway {
  const { link, subjects, logger } = options;
  const sharedIds = createSharedIds({ logger, nowMs: Date.now, shared: options.idShared ?? (() => {}) });
  const refused = options.refused ?? (() => {});
  const handlers = createRequestHandlers({
    ...options,
    refused,
    sharedIds,
    maxPayloadBytes: () => link.maxPayloadBytes(),
  });
  const maxRequests = options.maxRequestsInFlight ?? MAX_REQUESTS_IN_FLIGHT;
  const maxBytes = options.maxBytesInFlight ?? MAX_BYTES_IN_FLIGHT;
  const subscriptions: Subscription[] = [];
  let requestsInFlight = 0;
  let bytesInFlight = 0;
  let onIdle = () => {};

  const answer = async (handler: RequestHandler, message: Msg): Promise<Uint8Array> => {
    const parsed = subjects.parseRequest(message.subject);
    if (parsed === undefined) return handler.refuse(badNamespace(message.subject));
    const sizeBytes = message.data.byteLength;
    if (requestsInFlight >= maxRequests || bytesInFlight + sizeBytes > maxBytes) {
      return handler.refuse(tooMuchInFlight(maxRequests, maxBytes));
    }
    requestsInFlight += 1;
    bytesInFlight += sizeBytes;
    try {
      return await handler.answer(parsed.namespace, plainBytes(message.data));
    } finally {
      requestsInFlight -= 1;
      bytesInFlight -= sizeBytes;
    }
  };

  const handle = async (kind: RequestKind, message: Msg): Promise<void> => {
    const handler = handlers[kind];
    // Who wants no answer has not sent a request.
    const replyTo = message.reply;
    if (replyTo === undefined || replyTo === '') return refused(kind, 'NO_REPLY_SUBJECT');
    try {
      link.publish(replyTo, await answer(handler, message));
    } catch (error) {
      const incident = randomUUID();
      logger.error({ ...about(message), incident, error }, 'a request of an executor failed');
      link.publish(replyTo, handler.refuse(internalError(incident)));
    }
    if (requestsInFlight === 0) onIdle();
  };

  return {
    async start() {
      for (const kind of KINDS) {
        subscriptions.push(
          link.subscribe(subjects.requests(kind), (message) => {
            handle(kind, message).catch((error: unknown) => {
              logger.error({ ...about(message), error }, 'a request of an executor went unanswered');
            });
          }),
        );
      }
      await link.flush();
    },
    async stop() {
      for (const subscription of subscriptions.splice(0)) subscription.unsubscribe();
      if (requestsInFlight === 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, STOP_TIMEOUT_MS);
        onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
  };
}

/** For the log. */
function about({ subject, headers }: Msg): object {
  return { subject, ...traceFields(headers?.get('traceparent')) };
}

/**
 * The same memory, not as the Buffer that the client library gives: parts of it become payloads, and
 * a Buffer's slice() is another method than a Uint8Array's.
 */
function plainBytes(data: Uint8Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function badNamespace(subject: string): ProtocolError {
  const shown = JSON.stringify(subject.slice(0, 200));
  return protocolError({
    code: 'INVALID_FIELD',
    message:
      `The subject ${shown} names no namespace: 1 to 63 lower-case letters, digits and hyphens, ` +
      'beginning and ending with a letter or digit.',
  });
}

function tooMuchInFlight(maxRequests: number, maxBytes: number): ProtocolError {
  return protocolError({
    code: 'LIMIT_REACHED',
    message: `${maxRequests} requests or ${maxBytes} bytes of requests are being answered: repeat this one in a while.`,
  });
}

function internalError(incident: string): ProtocolError {
  return create(ProtocolErrorSchema, {
    reason: ErrorReason.INTERNAL,
    message: `A defect of the orchestrator; its log has more under incident ${incident}. Repeat the request.`,
  });
}
