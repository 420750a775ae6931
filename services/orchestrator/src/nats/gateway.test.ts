// DESIGN 9 over a real nats-server: what executors ask, and what they are answered.

import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { ErrorReason } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import {
  ExecutorPhase,
  HeartbeatRequestSchema,
  HeartbeatResponseSchema,
  RegisterRequestSchema,
  RegisterResponseSchema,
  ReportRequestSchema,
  ReportResponseSchema,
  ReportStatus,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { accept, reject } from '../domain/rejection.ts';
import { createExecutorGateway, type ExecutorGateway, type GatewayOptions } from './gateway.ts';
import { createSubjects } from './subjects.ts';
import {
  assignmentOf,
  createScriptedOrchestrator,
  NO_TRACING,
  type Script,
  startTestNats,
  until,
  useTestNats,
} from './test-support.ts';

const subjects = createSubjects('tutti.v1');
const validator = createValidator();
const encoder = new TextEncoder();

const nats = useTestNats();
let executor: NatsConnection;
let gateway: ExecutorGateway | undefined;

beforeAll(async () => {
  executor = await nats.client();
});

afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
});

async function serve(script: Script, more: Partial<GatewayOptions> = {}) {
  const orchestrator = createScriptedOrchestrator(script);
  const link = await nats.link();
  const { logger } = nats;
  gateway = createExecutorGateway({
    link,
    subjects,
    orchestrator,
    validator,
    tracing: NO_TRACING,
    logger,
    ...more,
  });
  await gateway.start();
  return orchestrator;
}

async function ask<Request extends DescMessage, Response extends DescMessage>(
  subject: string,
  request: Request,
  init: MessageInitShape<Request>,
  response: Response,
): Promise<MessageShape<Response>> {
  const bytes = toBinary(request, create(request, init));
  const reply = await executor.request(subject, bytes, { timeout: 30_000 });
  return fromBinary(response, reply.data);
}

const register = (init: MessageInitShape<typeof RegisterRequestSchema> = {}, namespace = 'default') =>
  ask(
    `tutti.v1.${namespace}.executors.register`,
    RegisterRequestSchema,
    { executorId: 'e-1', slots: 4, capabilities: [{ name: 'echo' }], ...init },
    RegisterResponseSchema,
  );

const heartbeat = (init: MessageInitShape<typeof HeartbeatRequestSchema> = {}) =>
  ask(
    'tutti.v1.default.executors.heartbeat',
    HeartbeatRequestSchema,
    { executorId: 'e-1', session: 's', ...init },
    HeartbeatResponseSchema,
  );

const report = (init: MessageInitShape<typeof ReportRequestSchema>) =>
  ask(
    'tutti.v1.default.reports',
    ReportRequestSchema,
    { executorId: 'e-1', session: 's', ...init },
    ReportResponseSchema,
  );

const REGISTRATION = {
  session: 'session-1',
  leaseDurationMs: 15_500,
  heartbeatIntervalMs: 5_000,
  kept: ['t-1'],
  maxPayloadBytes: 262_144,
};

const NO_WORK = { dropped: [], cancellations: [], missing: [] };

function errorOf(response: { result: { case: string | undefined; value?: unknown } }) {
  expect(response.result.case).toBe('error');
  return response.result.value as { reason: ErrorReason; message: string };
}

describe('requests reach the engine of their namespace, and its answers come back', () => {
  test('register', async () => {
    const orchestrator = await serve({ RegisterExecutor: () => accept(REGISTRATION) });
    const response = await register(
      {
        capabilities: [{ name: 'image.resize', version: '1.2', maxConcurrency: 3 }, { name: 'echo' }],
        labels: { zone: 'a' },
        held: ['t-1', 't-2'],
      },
      'team-a',
    );
    expect(orchestrator.calls).toEqual([
      {
        namespace: 'team-a',
        type: 'RegisterExecutor',
        input: {
          executorId: 'e-1',
          slots: 4,
          labels: { zone: 'a' },
          held: ['t-1', 't-2'],
          phase: 'ACTIVE',
          capabilities: [
            { name: 'image.resize', version: '1.2', maxConcurrency: 3 },
            { name: 'echo', version: '', maxConcurrency: 0 },
          ],
        },
      },
    ]);
    expect(response.result).toMatchObject({
      case: 'registration',
      value: {
        session: 'session-1',
        leaseDuration: { seconds: 15n, nanos: 500_000_000 },
        heartbeatInterval: { seconds: 5n, nanos: 0 },
        kept: ['t-1'],
        maxPayloadBytes: 262_144,
      },
    });
  });

  test('heartbeat', async () => {
    const orchestrator = await serve({
      Heartbeat: () =>
        accept({
          dropped: ['t-9'],
          cancellations: [{ leaseToken: 't-1', reason: 'RUN_ENDING', graceMs: 1_500 }],
          missing: [assignmentOf({ leaseToken: 't-3', timeoutMs: 2_000 })],
        }),
    });
    const response = await heartbeat({
      phase: ExecutorPhase.DRAINING,
      attempts: [
        { leaseToken: 't-1', progress: { percent: 40, message: 'half' } },
        { leaseToken: 't-2', checkpoint: { data: { case: 'bytes', value: encoder.encode('[1]') } } },
      ],
    });
    expect(orchestrator.calls[0]?.input).toEqual({
      executorId: 'e-1',
      session: 's',
      phase: 'DRAINING',
      attempts: [
        { leaseToken: 't-1', progress: { percent: 40, message: 'half' }, checkpoint: undefined },
        {
          leaseToken: 't-2',
          progress: undefined,
          checkpoint: { bytes: encoder.encode('[1]'), contentType: '' },
        },
      ],
    });
    expect(response.result).toMatchObject({
      case: 'ack',
      value: {
        dropped: ['t-9'],
        cancellations: [{ leaseToken: 't-1', reason: 13, grace: { seconds: 1n, nanos: 500_000_000 } }],
        missing: [{ leaseToken: 't-3', taskKey: 'a', attempt: 1, timeout: { seconds: 2n } }],
      },
    });
  });

  test('a heartbeat with nothing to say is acknowledged with nothing', async () => {
    await serve({ Heartbeat: () => accept(NO_WORK) });
    const response = await heartbeat();
    expect(response.result).toMatchObject({
      case: 'ack',
      value: { dropped: [], cancellations: [], missing: [] },
    });
  });

  test('reports, answered one by one in their order (promise 4)', async () => {
    const orchestrator = await serve({ Report: () => accept(['RECORDED', 'STALE', 'UNKNOWN', 'RECORDED']) });
    const response = await report({
      reports: [
        {
          leaseToken: 't-1',
          usage: { tokens: 12 },
          outcome: {
            case: 'completed',
            value: {
              result: { data: { case: 'value', value: { kind: { case: 'numberValue', value: 7 } } } },
            },
          },
        },
        {
          leaseToken: 't-2',
          outcome: {
            case: 'failed',
            value: { error: { code: 'E', message: 'no' }, final: true, retryAfter: { seconds: 3n } },
          },
        },
        { leaseToken: 't-3', outcome: { case: 'cancelled', value: {} } },
        { leaseToken: 't-4', outcome: { case: 'released', value: {} } },
      ],
    });
    expect(orchestrator.calls[0]?.input).toEqual({
      executorId: 'e-1',
      session: 's',
      reports: [
        {
          leaseToken: 't-1',
          usage: { tokens: 12 },
          outcome: { type: 'Completed', result: { bytes: encoder.encode('7'), contentType: '' } },
        },
        {
          leaseToken: 't-2',
          usage: undefined,
          outcome: {
            type: 'Failed',
            error: { code: 'E', message: 'no', details: undefined },
            final: true,
            retryAfterMs: 3_000,
          },
        },
        { leaseToken: 't-3', usage: undefined, outcome: { type: 'Cancelled', partialResult: undefined } },
        { leaseToken: 't-4', usage: undefined, outcome: { type: 'Released' } },
      ],
    });
    expect(response.result).toMatchObject({
      case: 'acks',
      value: {
        statuses: [ReportStatus.RECORDED, ReportStatus.STALE, ReportStatus.UNKNOWN, ReportStatus.RECORDED],
      },
    });
  });

  test('a result beyond the inline limit is passed on: what it means is for the engine to say', async () => {
    const orchestrator = await serve({ Report: () => accept(['RECORDED']) });
    const value = new Uint8Array(300_000).fill(32);
    const completed = {
      case: 'completed' as const,
      value: { result: { data: { case: 'bytes' as const, value } } },
    };
    const response = await report({ reports: [{ leaseToken: 't-1', outcome: completed }] });
    expect(response.result.case).toBe('acks');
    const input = orchestrator.calls[0]?.input as {
      reports: { outcome: { result: { bytes: Uint8Array } } }[];
    };
    expect(input.reports[0]?.outcome.result.bytes).toEqual(value);
  });
});

describe('what the engine refuses is told with its reason', () => {
  test.each([
    ['UNKNOWN_SESSION', ErrorReason.UNKNOWN_SESSION],
    ['NOT_SERVING', ErrorReason.NOT_SERVING],
    ['COMMIT_FAILED', ErrorReason.COMMIT_FAILED],
  ] as const)('%s', async (code, reason) => {
    const no = () => reject(code, `because of ${code}`);
    await serve({ RegisterExecutor: no, Heartbeat: no, Report: no });
    const released = { leaseToken: 't', outcome: { case: 'released' as const, value: {} } };
    for (const response of [await register(), await heartbeat(), await report({ reports: [released] })]) {
      expect(errorOf(response)).toMatchObject({ reason, message: `because of ${code}` });
    }
  });
});

/** The field first, with its value if that says anything. */
const tellsOf = (field: string) => new RegExp(`^${field.replace(/[[\].]/g, '\\$&')}(: | is | has )`);

describe('bad messages are answered, and nothing of them reaches the engine', () => {
  test.each([
    ['executors.register', RegisterResponseSchema],
    ['executors.heartbeat', HeartbeatResponseSchema],
    ['reports', ReportResponseSchema],
  ])('malformed bytes to %s', async (suffix, schema) => {
    const orchestrator = await serve({});
    for (const bytes of [Uint8Array.of(255, 255, 255), encoder.encode('{"executorId":"e"}')]) {
      const reply = await executor.request(`tutti.v1.default.${suffix}`, bytes, { timeout: 30_000 });
      const response = fromBinary<typeof RegisterResponseSchema>(
        schema as typeof RegisterResponseSchema,
        reply.data,
      );
      expect(errorOf(response).reason).toBe(ErrorReason.MALFORMED_MESSAGE);
    }
    expect(orchestrator.calls).toEqual([]);
  });

  test.each<[string, MessageInitShape<typeof RegisterRequestSchema>, string]>([
    ['an executor id with a wildcard', { executorId: 'a*' }, 'executor_id'],
    ['an executor id that is a wildcard', { executorId: '>' }, 'executor_id'],
    ['an executor id with a dot', { executorId: 'a.b' }, 'executor_id'],
    ['an executor id with a space', { executorId: 'a b' }, 'executor_id'],
    ['an executor id with a line break', { executorId: 'a\r\nPUB x 0\r\n' }, 'executor_id'],
    ['no executor id', { executorId: '' }, 'executor_id'],
    ['a long executor id', { executorId: 'a'.repeat(65) }, 'executor_id'],
    [
      'a capability with a wildcard',
      { capabilities: [{ name: 'echo' }, { name: 'image.*' }] },
      'capabilities[1].name',
    ],
    ['a capability that is a wildcard', { capabilities: [{ name: '>' }] }, 'capabilities[0].name'],
    [
      'a capability with a control character',
      { capabilities: [{ name: 'a\u0007' }] },
      'capabilities[0].name',
    ],
    ['no capability', { capabilities: [] }, 'capabilities'],
    ['a capability twice', { capabilities: [{ name: 'echo' }, { name: 'echo' }] }, 'capabilities[1].name'],
    ['no slots', { slots: 0 }, 'slots'],
    ['too many slots', { slots: 100_001 }, 'slots'],
  ])('%s', async (_what, init, field) => {
    const orchestrator = await serve({});
    const error = errorOf(await register(init));
    expect(error.reason).toBe(ErrorReason.INVALID_FIELD);
    expect(error.message).toMatch(tellsOf(field));
    expect(orchestrator.calls).toEqual([]);
  });

  test('a report without an outcome, without a token, or with a negative retry_after', async () => {
    const orchestrator = await serve({});
    const failed = { error: { code: 'E' }, retryAfter: { seconds: -1n } };
    const bad: [MessageInitShape<typeof ReportRequestSchema>, string][] = [
      [{ reports: [] }, 'reports'],
      [{ reports: [{ leaseToken: 't' }] }, 'reports[0].outcome'],
      [{ reports: [{ outcome: { case: 'released', value: {} } }] }, 'reports[0].lease_token'],
      [{ reports: [{ leaseToken: 't', outcome: { case: 'failed', value: {} } }] }, 'reports[0].failed.error'],
      [
        { reports: [{ leaseToken: 't', outcome: { case: 'failed', value: failed } }] },
        'reports[0].failed.retry_after',
      ],
    ];
    for (const [init, field] of bad) {
      const error = errorOf(await report(init));
      expect(error.reason).toBe(ErrorReason.INVALID_FIELD);
      expect(error.message).toMatch(tellsOf(field));
    }
    expect(orchestrator.calls).toEqual([]);
  });

  test('a value that has no JSON form is refused with its field', async () => {
    const orchestrator = await serve({});
    const value = { kind: { case: 'numberValue' as const, value: Number.NaN } };
    const completed = {
      case: 'completed' as const,
      value: { result: { data: { case: 'value' as const, value } } },
    };
    const error = errorOf(await report({ reports: [{ leaseToken: 't', outcome: completed }] }));
    expect(error).toMatchObject({ reason: ErrorReason.INVALID_FIELD });
    expect(error.message).toContain('reports[0].completed.result');
    expect(orchestrator.calls).toEqual([]);
  });

  test.each(['Default', 'a_b', '-a', 'a-', 'ä', 'a'.repeat(64), '$SYS'])(
    'namespace %j',
    async (namespace) => {
      const orchestrator = await serve({});
      const error = errorOf(await register({}, namespace));
      expect(error.reason).toBe(ErrorReason.INVALID_FIELD);
      expect(error.message).toContain('names no namespace');
      expect(orchestrator.calls).toEqual([]);
    },
  );

  test('a message without a reply subject does nothing, and does no harm', async () => {
    const orchestrator = await serve({ Heartbeat: () => accept(NO_WORK) });
    executor.publish('tutti.v1.default.executors.heartbeat', Uint8Array.of(255));
    expect((await heartbeat()).result.case).toBe('ack');
    expect(orchestrator.calls.length).toBe(1);
  });
});

test('whatever is refused or ignored is told of, by kind and reason', async () => {
  const told: string[] = [];
  const refused = (kind: string, reason: string) => void told.push(`${kind} ${reason}`);
  const script: Script = { Report: () => accept(['RECORDED', 'STALE', 'UNKNOWN']) };
  await serve(script, { refused });
  executor.publish('tutti.v1.default.executors.heartbeat', new Uint8Array());
  await executor.request('tutti.v1.default.executors.register', Uint8Array.of(255));
  await executor.request('tutti.v1.default.payloads.get', new Uint8Array());
  await executor.request('tutti.v1.Default.additions', new Uint8Array());
  const one = { leaseToken: 't', outcome: { case: 'completed' as const, value: {} } };
  await report({ reports: [one, one, one] });
  expect(told).toEqual([
    'heartbeat NO_REPLY_SUBJECT',
    'register MALFORMED_MESSAGE',
    'getPayload INVALID_FIELD',
    'addition INVALID_FIELD',
    'report STALE',
    'report UNKNOWN',
  ]);
});

describe('bounds', () => {
  test('requests beyond those in flight are refused with LIMIT_REACHED, and taken again later', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const orchestrator = await serve(
      {
        Heartbeat: async () => {
          await held;
          return accept(NO_WORK);
        },
      },
      { maxRequestsInFlight: 2 },
    );
    const first = heartbeat();
    const second = heartbeat();
    await until(() => orchestrator.calls.length === 2, 'two requests in flight');
    expect(errorOf(await heartbeat()).reason).toBe(ErrorReason.LIMIT_REACHED);
    release();
    expect([(await first).result.case, (await second).result.case]).toEqual(['ack', 'ack']);
    expect((await heartbeat()).result.case).toBe('ack');
  });

  test('the bytes of requests in flight are bounded too', async () => {
    await serve({ Heartbeat: () => accept(NO_WORK) }, { maxBytesInFlight: 1_000 });
    const checkpoint = { data: { case: 'bytes' as const, value: new Uint8Array(2_000) } };
    const error = errorOf(await heartbeat({ attempts: [{ leaseToken: 't', checkpoint }] }));
    expect(error.reason).toBe(ErrorReason.LIMIT_REACHED);
    expect((await heartbeat()).result.case).toBe('ack');
  });

  test('an answer never exceeds a message: the rest of what is missing comes with the next heartbeat', async () => {
    const small = await startTestNats({ maxPayloadBytes: 100_000 });
    try {
      const input = { bytes: new Uint8Array(30_000), contentType: '' };
      const missing = ['t-1', 't-2', 't-3', 't-4', 't-5'].map((leaseToken) =>
        assignmentOf({ leaseToken, input }),
      );
      const orchestrator = createScriptedOrchestrator({
        Heartbeat: ({ attempts }) => {
          const named = new Set(attempts.map(({ leaseToken }) => leaseToken));
          return accept({ ...NO_WORK, missing: missing.filter(({ leaseToken }) => !named.has(leaseToken)) });
        },
      });
      const link = await small.link();
      const { logger } = small;
      const other = createExecutorGateway({
        link,
        subjects,
        orchestrator,
        validator,
        tracing: NO_TRACING,
        logger,
      });
      await other.start();
      const client = await small.client();
      const held: { leaseToken: string }[] = [];
      const answers: number[] = [];
      while (held.length < missing.length && answers.length < 5) {
        const request = create(HeartbeatRequestSchema, { executorId: 'e-1', session: 's', attempts: held });
        const bytes = toBinary(HeartbeatRequestSchema, request);
        const reply = await client.request('tutti.v1.default.executors.heartbeat', bytes, {
          timeout: 30_000,
        });
        const { result } = fromBinary(HeartbeatResponseSchema, reply.data);
        const received = result.case === 'ack' ? result.value.missing : [];
        answers.push(received.length);
        held.push(...received.map(({ leaseToken }) => ({ leaseToken })));
      }
      expect(answers).toEqual([3, 2]);
    } finally {
      await small.close();
    }
  });
});

test('a defect is answered with INTERNAL and an incident that the log has too; the next request is served', async () => {
  let broken = true;
  await serve({
    Heartbeat: () => {
      if (broken) throw new Error('secret detail');
      return accept(NO_WORK);
    },
  });
  const error = errorOf(await heartbeat());
  expect(error.reason).toBe(ErrorReason.INTERNAL);
  expect(error.message).not.toContain('secret detail');
  const incident = /incident ([0-9a-f-]{36})/.exec(error.message)?.[1];
  expect(nats.logged).toContainEqual(
    expect.objectContaining({ level: 'error', fields: expect.objectContaining({ incident }) }),
  );
  const traced = headers();
  traced.set('traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
  const bytes = toBinary(
    HeartbeatRequestSchema,
    create(HeartbeatRequestSchema, { executorId: 'e-1', session: 's' }),
  );
  await executor.request('tutti.v1.default.executors.heartbeat', bytes, { timeout: 30_000, headers: traced });
  expect(nats.logged.at(-1)?.fields).toMatchObject({
    trace_id: '0af7651916cd43dd8448eb211c80319c',
    span_id: 'b7ad6b7169203331',
  });
  broken = false;
  expect((await heartbeat()).result.case).toBe('ack');
});

test('stop waits for the answers under way', async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const orchestrator = await serve({
    Heartbeat: async () => {
      await held;
      return accept(NO_WORK);
    },
  });
  const answer = heartbeat();
  await until(() => orchestrator.calls.length === 1, 'the request to arrive');
  const stopped = gateway?.stop();
  release();
  await stopped;
  expect((await answer).result.case).toBe('ack');
});
