// The orchestrator's side of the executor protocol, as a test scripts it: it answers as told, keeps
// every message, and lets a test wait for the one it wants.

import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { ErrorReason } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import {
  type AssignmentSchema,
  type HeartbeatAckSchema,
  type HeartbeatRequest,
  HeartbeatRequestSchema,
  HeartbeatResponseSchema,
  type RegisterRequest,
  RegisterRequestSchema,
  RegisterResponseSchema,
  type RegistrationSchema,
  type Report,
  type ReportRequest,
  ReportRequestSchema,
  ReportResponseSchema,
  ReportStatus,
  TaskBatchSchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { type ScriptedPayloads, servePayloads } from './scripted-payloads.ts';

type Answer<Request, Schema> = (request: Request) => { ack: Schema } | { error: ErrorReason } | undefined;

/** What a test may set; undefined as an answer means silence. */
export interface Script {
  onRegister: Answer<RegisterRequest, MessageInitShape<typeof RegistrationSchema>>;
  onHeartbeat: Answer<HeartbeatRequest, MessageInitShape<typeof HeartbeatAckSchema>>;
  onReports: Answer<ReportRequest, ReportStatus[]>;
}

export interface ScriptedOrchestrator {
  readonly script: Script;
  readonly payloads: ScriptedPayloads;
  /** Told with the next registration. */
  readonly timing: { heartbeatIntervalMs: number };
  /** Back to the ordinary answers. */
  answerAgain(): void;
  readonly registrations: RegisterRequest[];
  readonly heartbeats: HeartbeatRequest[];
  readonly reportRequests: ReportRequest[];
  /** Every report that came, repeats included. */
  readonly reports: Report[];
  /** Resolves as soon as the condition holds; looked at after each message. */
  until(what: string, condition: () => boolean): Promise<void>;
  assign(executorId: string, ...assignments: Assignment[]): void;
  cancel(executorId: string, capability: string, cancellations: Cancellations): void;
  publish(subject: string, data: Uint8Array): void;
  close(): Promise<void>;
}

type Assignment = MessageInitShape<typeof AssignmentSchema> & {
  leaseToken: string;
  capability: string;
};
type Cancellations = NonNullable<MessageInitShape<typeof TaskBatchSchema>['cancellations']>;

const UNTIL_TIMEOUT_MS = 30_000;
const BASE = 'tutti.v1.default';

export async function createScriptedOrchestrator(url: string): Promise<ScriptedOrchestrator> {
  const connection = await connect({
    servers: url,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    ignoreAuthErrorAbort: true,
  });
  let sessionCount = 0;
  const waiters = new Set<() => void>();
  const noted = () => {
    for (const waiter of [...waiters]) waiter();
  };
  const timing = { heartbeatIntervalMs: 100 };
  const ordinary: Script = {
    onRegister: (request) => ({
      ack: {
        session: `session-${++sessionCount}`,
        leaseDuration: { seconds: 1n },
        heartbeatInterval: durationFromMs(timing.heartbeatIntervalMs),
        kept: request.held,
        maxPayloadBytes: 1_000,
      },
    }),
    onHeartbeat: () => ({ ack: {} }),
    onReports: (request) => ({ ack: request.reports.map(() => ReportStatus.RECORDED) }),
  };
  const script = { ...ordinary };
  const seen = {
    registrations: [] as RegisterRequest[],
    heartbeats: [] as HeartbeatRequest[],
    reportRequests: [] as ReportRequest[],
    reports: [] as Report[],
  };
  answerAll(connection, script, seen, noted);
  const payloads = servePayloads(connection, BASE);
  await connection.flush();

  return {
    script,
    payloads,
    timing,
    answerAgain: () => void Object.assign(script, ordinary),
    ...seen,
    until: (what, condition) =>
      new Promise((resolve, reject) => {
        const end = () => {
          clearTimeout(timer);
          waiters.delete(look);
        };
        const look = () => {
          if (!condition()) return;
          end();
          resolve();
        };
        const timer = setTimeout(() => {
          end();
          reject(new Error(`not within ${UNTIL_TIMEOUT_MS} ms: ${what}`));
        }, UNTIL_TIMEOUT_MS);
        waiters.add(look);
        look();
      }),
    assign(executorId, ...assignments) {
      const capability = assignments[0]?.capability;
      const batch = create(TaskBatchSchema, { assignments });
      connection.publish(`${BASE}.tasks.${capability}.${executorId}`, toBinary(TaskBatchSchema, batch));
    },
    cancel(executorId, capability, cancellations) {
      const batch = create(TaskBatchSchema, { cancellations });
      connection.publish(`${BASE}.tasks.${capability}.${executorId}`, toBinary(TaskBatchSchema, batch));
    },
    publish: (subject, data) => connection.publish(subject, data),
    close: () => connection.close(),
  };
}

function answerAll(
  connection: NatsConnection,
  script: Script,
  seen: Pick<ScriptedOrchestrator, 'registrations' | 'heartbeats' | 'reportRequests' | 'reports'>,
  noted: () => void,
): void {
  connection.subscribe(`${BASE}.executors.register`, {
    callback(_error, message) {
      const request = fromBinary(RegisterRequestSchema, message.data);
      seen.registrations.push(request);
      const answer = script.onRegister(request);
      if (answer !== undefined) {
        const response = create(RegisterResponseSchema, {
          result:
            'ack' in answer
              ? { case: 'registration', value: answer.ack }
              : { case: 'error', value: { reason: answer.error, message: 'scripted' } },
        });
        message.respond(toBinary(RegisterResponseSchema, response));
      }
      noted();
    },
  });
  connection.subscribe(`${BASE}.executors.heartbeat`, {
    callback(_error, message) {
      const request = fromBinary(HeartbeatRequestSchema, message.data);
      seen.heartbeats.push(request);
      const answer = script.onHeartbeat(request);
      if (answer !== undefined) {
        const response = create(HeartbeatResponseSchema, {
          result:
            'ack' in answer
              ? { case: 'ack', value: answer.ack }
              : { case: 'error', value: { reason: answer.error, message: 'scripted' } },
        });
        message.respond(toBinary(HeartbeatResponseSchema, response));
      }
      noted();
    },
  });
  connection.subscribe(`${BASE}.reports`, {
    callback(_error, message) {
      const request = fromBinary(ReportRequestSchema, message.data);
      seen.reportRequests.push(request);
      seen.reports.push(...request.reports);
      const answer = script.onReports(request);
      if (answer !== undefined) {
        const response = create(ReportResponseSchema, {
          result:
            'ack' in answer
              ? { case: 'acks', value: { statuses: answer.ack } }
              : { case: 'error', value: { reason: answer.error, message: 'scripted' } },
        });
        message.respond(toBinary(ReportResponseSchema, response));
      }
      noted();
    },
  });
}
