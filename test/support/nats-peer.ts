// Someone on NATS who speaks the executor protocol by hand, without any SDK: well or badly, as it likes.
// The comments of executor_protocol.proto are all that it goes by.

import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { connect } from '@nats-io/transport-node';
import {
  type Assignment,
  HeartbeatRequestSchema,
  HeartbeatResponseSchema,
  RegisterRequestSchema,
  RegisterResponseSchema,
  ReportRequestSchema,
  ReportResponseSchema,
  TaskBatchSchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';

/** The three requests that executors make: on which subject, and what with. */
export const REQUESTS = {
  register: { subject: 'executors.register', input: RegisterRequestSchema, output: RegisterResponseSchema },
  heartbeat: {
    subject: 'executors.heartbeat',
    input: HeartbeatRequestSchema,
    output: HeartbeatResponseSchema,
  },
  report: { subject: 'reports', input: ReportRequestSchema, output: ReportResponseSchema },
} as const;

export type RequestName = keyof typeof REQUESTS;
type Output<K extends RequestName> = MessageShape<(typeof REQUESTS)[K]['output']>;

export interface NatsPeer extends AsyncDisposable {
  request<K extends RequestName>(
    name: K,
    message: MessageInitShape<(typeof REQUESTS)[K]['input']>,
  ): Promise<Output<K>>;
  /** The same with whatever bytes, and with whatever in the place of the namespace. */
  requestRaw<K extends RequestName>(name: K, bytes: Uint8Array, namespace?: string): Promise<Output<K>>;
  /** What is assigned from now on, in the order in which it comes. */
  assignments(capability: string, executorId: string): AsyncIterator<Assignment>;
}

const PREFIX = 'tutti.v1';
const TIMEOUT_MS = 10_000;

export async function connectPeer(url: string): Promise<NatsPeer> {
  const connection = await connect({ servers: url });

  async function requestRaw<K extends RequestName>(name: K, bytes: Uint8Array, namespace = 'default') {
    const { subject, output } = REQUESTS[name];
    const answer = await connection.request(`${PREFIX}.${namespace}.${subject}`, bytes, {
      timeout: TIMEOUT_MS,
    });
    return fromBinary<DescMessage>(output, answer.data) as Output<K>;
  }

  return {
    requestRaw,
    request(name, message) {
      const input: DescMessage = REQUESTS[name].input;
      return requestRaw(name, toBinary(input, create(input, message as MessageInitShape<DescMessage>)));
    },
    assignments(capability, executorId) {
      const subscription = connection.subscribe(`${PREFIX}.default.tasks.${capability}.${executorId}`);
      return (async function* () {
        for await (const { data } of subscription) yield* fromBinary(TaskBatchSchema, data).assignments;
      })();
    },
    async [Symbol.asyncDispose]() {
      await connection.close();
    },
  };
}
