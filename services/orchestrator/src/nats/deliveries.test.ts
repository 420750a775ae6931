// DESIGN 9 over a real nats-server: assignments and cancellations in batches, within the largest message.

import { fromBinary } from '@bufbuild/protobuf';
import type { NatsConnection } from '@nats-io/transport-node';
import { type TaskBatch, TaskBatchSchema } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { StateReason } from '@tutti/proto/tutti/v1/state_reason_pb.ts';
import { TaskState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import type { Assignment } from '../engine/inputs.ts';
import type { Delivery, ExecutorTransport } from '../runtime/ports.ts';
import type { NatsLink } from './connection.ts';
import { createExecutorTransport } from './deliveries.ts';
import { createSubjects } from './subjects.ts';
import { assignmentOf, useTestNats } from './test-support.ts';

const MAX_PAYLOAD_BYTES = 64 * 1024;
const END = 'end-of-test';

const nats = useTestNats({ maxPayloadBytes: MAX_PAYLOAD_BYTES });
let link: NatsLink;
let observer: NatsConnection;
let transport: ExecutorTransport;
let traced: string[];

beforeAll(async () => {
  link = await nats.link();
  observer = await nats.client();
});

beforeEach(() => {
  traced = [];
  transport = createExecutorTransport({
    link,
    subjects: createSubjects('tutti.v1'),
    logger: nats.logger,
    tracing: {
      startAttempt(namespace, { leaseToken }) {
        traced.push(`${namespace}/${leaseToken}`);
        return `00-0123456789abcdef0123456789abcdef-${leaseToken.padStart(16, '0')}-01`;
      },
    },
  });
});

interface Received {
  readonly subject: string;
  readonly traceparent: string | undefined;
  readonly sizeBytes: number;
  readonly batch: TaskBatch;
}

/** Everything that is published on task subjects while `deliver` runs. */
async function receivedBy(deliver: () => void): Promise<Received[]> {
  const subscription = observer.subscribe('tutti.v1.*.tasks.>');
  await observer.flush();
  deliver();
  link.publish(`tutti.v1.x.tasks.${END}.e`, new Uint8Array(0));
  const received: Received[] = [];
  for await (const { subject, headers, data } of subscription) {
    if (subject.includes(END)) break;
    const batch = fromBinary(TaskBatchSchema, new Uint8Array(data));
    received.push({ subject, traceparent: headers?.get('traceparent'), sizeBytes: data.byteLength, batch });
  }
  return received;
}

const assign = (executorId: string, overrides: Partial<Assignment>): Delivery => ({
  type: 'Assign',
  executorId,
  assignment: assignmentOf(overrides),
});

const tokensOf = (received: Received) => received.batch.assignments.map(({ leaseToken }) => leaseToken);

test('one message for each executor and capability, in order, with the trace of its first item', async () => {
  const received = await receivedBy(() =>
    transport.deliver('team-a', [
      assign('e-1', { leaseToken: '1', capability: 'image.resize' }),
      assign('e-2', { leaseToken: '2', capability: 'echo' }),
      assign('e-1', { leaseToken: '3', capability: 'image.resize' }),
      assign('e-1', { leaseToken: '4', capability: 'echo' }),
      {
        type: 'Cancel',
        executorId: 'e-1',
        capability: 'image.resize',
        cancellation: { leaseToken: '1', reason: 'CANCEL_REQUESTED', graceMs: 10_000 },
      },
    ]),
  );
  expect(received.map((message) => [message.subject, tokensOf(message)])).toEqual([
    ['tutti.v1.team-a.tasks.image.resize.e-1', ['1', '3']],
    ['tutti.v1.team-a.tasks.echo.e-2', ['2']],
    ['tutti.v1.team-a.tasks.echo.e-1', ['4']],
  ]);
  expect(received[0]?.batch.cancellations).toMatchObject([
    { leaseToken: '1', reason: StateReason.CANCEL_REQUESTED, grace: { seconds: 10n } },
  ]);
  expect(received[0]?.traceparent).toBe('00-0123456789abcdef0123456789abcdef-0000000000000001-01');
  expect(received[0]?.batch.assignments.map(({ traceparent }) => traceparent)).toEqual([
    '00-0123456789abcdef0123456789abcdef-0000000000000001-01',
    '00-0123456789abcdef0123456789abcdef-0000000000000003-01',
  ]);
  expect(traced).toEqual(['team-a/1', 'team-a/2', 'team-a/3', 'team-a/4']);
});

test('an assignment holds all that an attempt sees (BEHAVIOURS B.1)', async () => {
  const payload = (text: string) => ({ bytes: new TextEncoder().encode(text), contentType: 'text/plain' });
  const error = { code: 'E', message: 'no', details: payload('more') };
  const [message] = await receivedBy(() =>
    transport.deliver('default', [
      assign('e-1', {
        runId: 'run-7',
        taskKey: 'join',
        attempt: 2,
        input: payload('in'),
        dependencies: [
          { key: 'a', alias: '', state: 'COMPLETED', result: payload('from a'), error: undefined },
          { key: 'b', alias: '', state: 'FAILED', result: undefined, error },
        ],
        timeoutMs: 1_500,
        heartbeatTimeoutMs: 250,
        checkpoint: payload('half'),
        lastError: error,
        iteration: 3,
        feedback: {
          reason: 'why',
          refusedResult: payload('old'),
          from: 'b',
          decision: undefined,
          iteration: 2,
        },
      }),
    ]),
  );
  const wire = (text: string) => ({
    data: { case: 'bytes', value: new TextEncoder().encode(text) },
    contentType: 'text/plain',
  });
  expect(message?.batch.assignments[0]).toMatchObject({
    runId: 'run-7',
    taskKey: 'join',
    attempt: 2,
    capability: 'echo',
    input: wire('in'),
    dependencies: [
      { key: 'a', alias: '', state: TaskState.COMPLETED, result: wire('from a') },
      {
        key: 'b',
        alias: '',
        state: TaskState.FAILED,
        error: { code: 'E', message: 'no', details: wire('more') },
      },
    ],
    timeout: { seconds: 1n, nanos: 500_000_000 },
    heartbeatTimeout: { seconds: 0n, nanos: 250_000_000 },
    checkpoint: wire('half'),
    lastError: { code: 'E', message: 'no' },
    iteration: 3,
    feedback: { reason: 'why', refusedResult: wire('old'), from: 'b', iteration: 2 },
  });
});

test('what exceeds the largest message goes in several, in order, nothing lost', async () => {
  const input = { bytes: new Uint8Array(10_000), contentType: '' };
  const tokens = Array.from({ length: 20 }, (_, index) => String(index));
  const received = await receivedBy(() =>
    transport.deliver(
      'default',
      tokens.map((leaseToken) => assign('e-1', { leaseToken, input })),
    ),
  );
  expect(received.length).toBe(4);
  expect(received.flatMap(tokensOf)).toEqual(tokens);
  for (const { sizeBytes } of received) expect(sizeBytes).toBeLessThan(MAX_PAYLOAD_BYTES);
});

test('an assignment that fits into no message is left out and logged; the others go', async () => {
  const input = { bytes: new Uint8Array(MAX_PAYLOAD_BYTES), contentType: '' };
  const received = await receivedBy(() =>
    transport.deliver('default', [
      assign('e-1', { leaseToken: '1' }),
      assign('e-1', { leaseToken: '2', input }),
      assign('e-1', { leaseToken: '3' }),
    ]),
  );
  expect(received.flatMap(tokensOf)).toEqual(['1', '3']);
  expect(nats.logged.filter(({ message }) => message.includes('raise max_payload'))).toMatchObject([
    { fields: { trace_id: '0123456789abcdef0123456789abcdef', span_id: '2'.padStart(16, '0') } },
  ]);
});

test('deliver never throws: an id that cannot stand in a subject is logged', () => {
  const before = nats.logged.length;
  transport.deliver('default', [assign('*', {})]);
  expect(nats.logged.slice(before)).toMatchObject([{ level: 'error' }]);
});
