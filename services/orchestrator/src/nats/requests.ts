// What does each kind of request go through, from its bytes to the bytes of its answer?

import { create, toBinary } from '@bufbuild/protobuf';
import type { Validator } from '@bufbuild/protovalidate';
import {
  HeartbeatRequestSchema,
  HeartbeatResponseSchema,
  type ProtocolError,
  RegisterRequestSchema,
  RegisterResponseSchema,
  ReportAcksSchema,
  ReportRequestSchema,
  ReportResponseSchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import type { Rejection } from '../domain/rejection.ts';
import type { Orchestrator } from '../runtime/orchestrator.ts';
import { protocolError, registrationToWire, reportStatusToWire } from '../wire/executor-answers.ts';
import { heartbeatFromWire, registrationFromWire, reportsFromWire } from '../wire/executor-requests.ts';
import { createAdditionHandler } from './addition-requests.ts';
import type { AttemptTracing } from './deliveries.ts';
import { encodeHeartbeatAck } from './heartbeat-ack.ts';
import { createPayloadHandlers } from './payload-requests.ts';
import type { SharedIds } from './shared-ids.ts';
import type { RequestKind } from './subjects.ts';
import { type Refused, toldOf } from './told.ts';
import { decodeValid } from './validation.ts';

export interface RequestContext {
  readonly orchestrator: Pick<Orchestrator, 'call' | 'payloads'>;
  readonly validator: Validator;
  readonly tracing: AttemptTracing;
  /** Shown every refusal of a heartbeat or a report. */
  readonly sharedIds: SharedIds;
  maxPayloadBytes(): number;
  /** Told of each message that is refused, and of each report that is not recorded, with the reason. */
  readonly refused: Refused;
}

export interface RequestHandler {
  /** Rejects for a defect only: every expected refusal is an answer. */
  answer(namespace: string, bytes: Uint8Array): Promise<Uint8Array>;
  refuse(error: ProtocolError): Uint8Array;
}

export function createRequestHandlers(
  context: RequestContext,
): Readonly<Record<RequestKind, RequestHandler>> {
  return {
    register: createRegisterHandler(context),
    heartbeat: createHeartbeatHandler(context),
    report: createReportHandler(context),
    addition: createAdditionHandler(context),
    ...createPayloadHandlers(context),
  };
}

function createRegisterHandler(context: RequestContext): RequestHandler {
  const { orchestrator, validator } = context;
  const refuse = toldOf(context, 'register', (error) =>
    toBinary(
      RegisterResponseSchema,
      create(RegisterResponseSchema, { result: { case: 'error', value: error } }),
    ),
  );
  const reject = (rejection: Rejection) => refuse(protocolError(rejection));
  return {
    refuse,
    async answer(namespace, bytes) {
      const message = decodeValid(RegisterRequestSchema, bytes, validator);
      if (!message.ok) return reject(message.rejection);
      const input = registrationFromWire(message.value);
      if (!input.ok) return reject(input.rejection);
      const reply = await orchestrator.call(namespace, 'RegisterExecutor', input.value);
      if (!reply.ok) return reject(reply.rejection);
      const value = registrationToWire(reply.value);
      return toBinary(
        RegisterResponseSchema,
        create(RegisterResponseSchema, { result: { case: 'registration', value } }),
      );
    },
  };
}

function createHeartbeatHandler(context: RequestContext): RequestHandler {
  const { orchestrator, validator, tracing, sharedIds } = context;
  const refuse = toldOf(context, 'heartbeat', (error) =>
    toBinary(
      HeartbeatResponseSchema,
      create(HeartbeatResponseSchema, { result: { case: 'error', value: error } }),
    ),
  );
  const reject = (rejection: Rejection) => refuse(protocolError(rejection));
  return {
    refuse,
    async answer(namespace, bytes) {
      const message = decodeValid(HeartbeatRequestSchema, bytes, validator);
      if (!message.ok) return reject(message.rejection);
      const input = heartbeatFromWire(message.value);
      if (!input.ok) return reject(input.rejection);
      const reply = await orchestrator.call(namespace, 'Heartbeat', input.value);
      if (!reply.ok) {
        sharedIds.refused(namespace, input.value.executorId, reply.rejection);
        return reject(reply.rejection);
      }
      return encodeHeartbeatAck(namespace, reply.value, tracing, context.maxPayloadBytes());
    },
  };
}

function createReportHandler(context: RequestContext): RequestHandler {
  const { orchestrator, validator, sharedIds } = context;
  const refuse = toldOf(context, 'report', (error) =>
    toBinary(ReportResponseSchema, create(ReportResponseSchema, { result: { case: 'error', value: error } })),
  );
  const reject = (rejection: Rejection) => refuse(protocolError(rejection));
  return {
    refuse,
    async answer(namespace, bytes) {
      const message = decodeValid(ReportRequestSchema, bytes, validator);
      if (!message.ok) return reject(message.rejection);
      const input = reportsFromWire(message.value);
      if (!input.ok) return reject(input.rejection);
      const reply = await orchestrator.call(namespace, 'Report', input.value);
      if (!reply.ok) {
        sharedIds.refused(namespace, input.value.executorId, reply.rejection);
        return reject(reply.rejection);
      }
      for (const status of reply.value) if (status !== 'RECORDED') context.refused('report', status);
      const value = create(ReportAcksSchema, { statuses: reply.value.map(reportStatusToWire) });
      return toBinary(
        ReportResponseSchema,
        create(ReportResponseSchema, { result: { case: 'acks', value } }),
      );
    },
  };
}
