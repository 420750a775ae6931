// The messages of executors and the engine's words for them, both ways.

import { create } from '@bufbuild/protobuf';
import { ErrorReason, ErrorReasonSchema } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import {
  ExecutorPhase,
  HeartbeatRequestSchema,
  RegisterRequestSchema,
  ReportRequestSchema,
  ReportStatus,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { StateReason } from '@tutti/proto/tutti/v1/state_reason_pb.ts';
import { describe, expect, test } from 'vitest';
import { EMPTY_PAYLOAD } from '../domain/payload.ts';
import type { RejectionCode } from '../domain/rejection.ts';
import {
  assignmentToWire,
  cancellationToWire,
  protocolError,
  registrationToWire,
  reportStatusToWire,
} from './executor-answers.ts';
import { heartbeatFromWire, registrationFromWire, reportsFromWire } from './executor-requests.ts';

const LARGE = new Uint8Array(262_145);
const json = (text: string) => ({ bytes: new TextEncoder().encode(text), contentType: '' });

describe('from executors', () => {
  test('a capability named twice is refused with the second one as the field', () => {
    const capabilities = [{ name: 'a' }, { name: 'b' }, { name: 'a' }];
    const result = registrationFromWire(create(RegisterRequestSchema, { executorId: 'e', capabilities }));
    expect(result).toMatchObject({
      ok: false,
      rejection: { code: 'INVALID_FIELD', field: 'capabilities[2].name', metadata: { name: 'a' } },
    });
  });

  test.each([
    [ExecutorPhase.UNSPECIFIED, 'ACTIVE'],
    [ExecutorPhase.ACTIVE, 'ACTIVE'],
    [ExecutorPhase.DRAINING, 'DRAINING'],
    [ExecutorPhase.LEAVING, 'LEAVING'],
  ])('phase %i is %s', (phase, expected) => {
    const result = heartbeatFromWire(create(HeartbeatRequestSchema, { phase }));
    expect(result).toMatchObject({ ok: true, value: { phase: expected } });
  });

  test.each([
    [ExecutorPhase.UNSPECIFIED, 'ACTIVE'],
    [ExecutorPhase.ACTIVE, 'ACTIVE'],
    [ExecutorPhase.DRAINING, 'DRAINING'],
    [ExecutorPhase.LEAVING, 'DRAINING'],
  ])('an executor that registers in phase %i is %s', (phase, expected) => {
    const result = registrationFromWire(create(RegisterRequestSchema, { executorId: 'e', phase }));
    expect(result).toMatchObject({ ok: true, value: { phase: expected } });
  });

  test('a checkpoint that is unset is none, one that is empty is one', () => {
    const attempts = [{ leaseToken: 'a' }, { leaseToken: 'b', checkpoint: {} }];
    const result = heartbeatFromWire(create(HeartbeatRequestSchema, { attempts }));
    expect(result).toMatchObject({
      ok: true,
      value: { attempts: [{ checkpoint: undefined }, { checkpoint: EMPTY_PAYLOAD }] },
    });
  });

  test('a checkpoint beyond the inline limit does not spoil the heartbeat: the engine decides', () => {
    const checkpoint = { data: { case: 'bytes' as const, value: LARGE } };
    const result = heartbeatFromWire(
      create(HeartbeatRequestSchema, { attempts: [{ leaseToken: 'a', checkpoint }] }),
    );
    expect(result.ok && result.value.attempts[0]?.checkpoint?.bytes.byteLength).toBe(LARGE.byteLength);
  });

  test('a failed attempt may leave a checkpoint, however large: the engine decides', () => {
    const left = (value: Uint8Array) => {
      const checkpoint = { data: { case: 'bytes' as const, value } };
      const outcome = { case: 'failed' as const, value: { error: { code: 'E' }, checkpoint } };
      const result = reportsFromWire(
        create(ReportRequestSchema, { reports: [{ leaseToken: 'a', outcome }] }),
      );
      const read = result.ok ? result.value.reports[0]?.outcome : undefined;
      return read?.type === 'Failed' ? read.checkpoint?.bytes.byteLength : undefined;
    };
    expect([left(new Uint8Array(3)), left(LARGE)]).toEqual([3, LARGE.byteLength]);
  });

  test('a completed attempt without a result has an empty one, which is a result (A.3)', () => {
    const outcome = { case: 'completed' as const, value: {} };
    const result = reportsFromWire(create(ReportRequestSchema, { reports: [{ leaseToken: 'a', outcome }] }));
    expect(result).toMatchObject({
      ok: true,
      value: { reports: [{ outcome: { type: 'Completed', result: EMPTY_PAYLOAD }, usage: undefined }] },
    });
  });

  test('null is a result, and not an empty one (A.3)', () => {
    const value = { kind: { case: 'nullValue' as const, value: 0 } };
    const outcome = {
      case: 'completed' as const,
      value: { result: { data: { case: 'value' as const, value } } },
    };
    const result = reportsFromWire(create(ReportRequestSchema, { reports: [{ leaseToken: 'a', outcome }] }));
    expect(result).toMatchObject({ ok: true, value: { reports: [{ outcome: { result: json('null') } }] } });
  });

  test('a value beside another content type than JSON is refused with its path', () => {
    const value = { kind: { case: 'boolValue' as const, value: true } };
    const details = { data: { case: 'value' as const, value }, contentType: 'text/plain' };
    const outcome = { case: 'failed' as const, value: { error: { code: 'E', details } } };
    const reports = [
      { leaseToken: 'a', outcome: { case: 'released' as const, value: {} } },
      { leaseToken: 'b', outcome },
    ];
    const result = reportsFromWire(create(ReportRequestSchema, { reports }));
    expect(result).toMatchObject({
      ok: false,
      rejection: { code: 'INVALID_FIELD', field: 'reports[1].failed.error.details.value' },
    });
  });
});

describe('to executors', () => {
  test('durations keep their milliseconds', () => {
    const registration = registrationToWire({
      session: 's',
      leaseDurationMs: 15_250,
      heartbeatIntervalMs: 1,
      kept: ['a'],
      maxPayloadBytes: 7,
    });
    expect(registration).toMatchObject({
      leaseDuration: { seconds: 15n, nanos: 250_000_000 },
      heartbeatInterval: { seconds: 0n, nanos: 1_000_000 },
      kept: ['a'],
      maxPayloadBytes: 7,
    });
  });

  test('what an assignment lacks is unset, and its trace is that of the publishing span', () => {
    const message = assignmentToWire(
      {
        leaseToken: 't',
        runId: 'r',
        taskKey: 'k',
        attempt: 3,
        capability: 'echo',
        input: EMPTY_PAYLOAD,
        dependencies: [{ key: 'a', alias: '', state: 'SKIPPED', result: undefined, error: undefined }],
        timeoutMs: undefined,
        heartbeatTimeoutMs: undefined,
        checkpoint: EMPTY_PAYLOAD,
        feedback: undefined,
        iteration: 0,
        lastError: undefined,
        traceparent: 'of the run',
      },
      'of the attempt',
    );
    expect(message.traceparent).toBe('of the attempt');
    expect([message.input, message.timeout, message.heartbeatTimeout, message.lastError]).toEqual(
      Array(4).fill(undefined),
    );
    expect([message.dependencies[0]?.result, message.dependencies[0]?.error]).toEqual([undefined, undefined]);
    // An empty checkpoint is one that was left.
    expect(message.checkpoint).toBeDefined();
  });

  test.each([
    ['CANCEL_REQUESTED', StateReason.CANCEL_REQUESTED],
    ['RUN_ENDING', StateReason.RUN_ENDING],
    ['ATTEMPT_TIMED_OUT', StateReason.ATTEMPT_TIMED_OUT],
    ['TASK_TIMEOUT', StateReason.TASK_TIMEOUT],
  ] as const)('a cancellation for %s', (reason, expected) => {
    const message = cancellationToWire({ leaseToken: 't', reason, graceMs: 0 });
    expect(message).toMatchObject({ leaseToken: 't', reason: expected, grace: { seconds: 0n, nanos: 0 } });
  });

  test('the statuses of reports', () => {
    expect((['RECORDED', 'STALE', 'UNKNOWN'] as const).map(reportStatusToWire)).toEqual([
      ReportStatus.RECORDED,
      ReportStatus.STALE,
      ReportStatus.UNKNOWN,
    ]);
  });

  test('every reason of the contract but INTERNAL is the code of a rejection', () => {
    for (const { localName, number } of ErrorReasonSchema.values) {
      if (number === ErrorReason.UNSPECIFIED || number === ErrorReason.INTERNAL) continue;
      const error = protocolError({ code: localName as RejectionCode, message: 'm' });
      expect(error).toMatchObject({ reason: number, message: 'm' });
    }
  });
});
