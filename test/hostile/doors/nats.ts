// What does the NATS door answer to bytes that no SDK would send?

import { type DescMessage, fromBinary } from '@bufbuild/protobuf';
import {
  connect,
  headers as makeHeaders,
  type NatsConnection,
  NoRespondersError,
  RequestError,
  TimeoutError,
} from '@nats-io/transport-node';
import { type ErrorReason, ErrorReasonSchema } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import {
  AdditionRequestSchema,
  AdditionResponseSchema,
  GetPayloadReplySchema,
  HeartbeatRequestSchema,
  HeartbeatResponseSchema,
  PutPayloadReplySchema,
  RegisterRequestSchema,
  RegisterResponseSchema,
  ReportRequestSchema,
  ReportResponseSchema,
  type ReportStatus,
  ReportStatusSchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import {
  GetPayloadRequestSchema,
  PutPayloadRequestSchema,
} from '@tutti/proto/tutti/v1/payload_service_pb.ts';
import type { Answer } from './answer.ts';

/** What follows the namespace, and what comes back. */
export const RESPONSES: Readonly<Record<string, DescMessage>> = {
  'executors.register': RegisterResponseSchema,
  'executors.heartbeat': HeartbeatResponseSchema,
  reports: ReportResponseSchema,
  additions: AdditionResponseSchema,
  'payloads.put': PutPayloadReplySchema,
  'payloads.get': GetPayloadReplySchema,
};

/** What they are asked with. */
export const REQUESTS_OF_EXECUTORS: Readonly<Record<string, DescMessage>> = {
  'executors.register': RegisterRequestSchema,
  'executors.heartbeat': HeartbeatRequestSchema,
  reports: ReportRequestSchema,
  additions: AdditionRequestSchema,
  'payloads.put': PutPayloadRequestSchema,
  'payloads.get': GetPayloadRequestSchema,
};

export interface RawNats {
  readonly connection: NatsConnection;
  request(
    kind: string,
    bytes: Uint8Array,
    options?: { namespace?: string | undefined; headers?: Readonly<Record<string, string>> | undefined },
  ): Promise<Answer>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 20_000;
const PREFIX = 'tutti.v1';

export async function openRawNats(url: string): Promise<RawNats> {
  const connection = await connect({ servers: url, maxReconnectAttempts: -1 });
  let cut = Promise.withResolvers<'cut'>();
  // What is sent meanwhile may be lost.
  let back = Promise.withResolvers<void>();
  back.resolve();
  void (async () => {
    for await (const { type } of connection.status()) {
      if (type === 'reconnect') back.resolve();
      if (type !== 'disconnect') continue;
      back = Promise.withResolvers();
      cut.resolve('cut');
      cut = Promise.withResolvers();
    }
  })();
  return {
    connection,
    async request(kind, bytes, { namespace = 'default', headers } = {}) {
      const set = makeHeaders();
      for (const [name, value] of Object.entries(headers ?? {})) set.set(name, value);
      const options = { timeout: TIMEOUT_MS, ...(headers === undefined ? {} : { headers: set }) };
      await back.promise;
      try {
        const answer = connection.request(`${PREFIX}.${namespace}.${kind}`, bytes, options);
        answer.catch(() => {});
        const told = await Promise.race([answer, cut.promise]);
        // What nats-server itself does not like it answers by ending the connection.
        return told === 'cut' ? { kind: 'closed' } : answerOf(kind, told.data);
      } catch (error) {
        const text = String(error);
        // Anything but silence is the library's own: that it is connected no more, say.
        const cause = error instanceof RequestError ? error.cause : error;
        const isSilence = cause instanceof TimeoutError || cause instanceof NoRespondersError;
        return { kind: isSilence ? 'none' : 'closed', text };
      }
    },
    close: () => connection.close(),
  };
}

interface Told {
  readonly result: { readonly case: string | undefined; readonly value?: unknown };
}

export function answerOf(kind: string, data: Uint8Array): Answer {
  const schema = RESPONSES[kind];
  if (schema === undefined) throw new Error(`nobody answers to ${kind}`);
  const { result } = fromBinary(schema, data) as unknown as Told;
  if (result.case !== 'error') {
    const { statuses = [] } = (result.value ?? {}) as { statuses?: ReportStatus[] };
    return {
      kind: 'accepted',
      statuses: statuses.map((one) => ReportStatusSchema.value[one]?.localName ?? ''),
    };
  }
  const { reason, message } = result.value as { reason: ErrorReason; message: string };
  return { kind: 'refused', reason: ErrorReasonSchema.value[reason]?.localName ?? '', text: message };
}
