// The executor against a real nats-server and a scripted orchestrator: the ordinary way.

import { TaskState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { expect, test } from 'vitest';
import { json } from '../payloads.ts';
import { input, onlyReport, setUp } from '../testing/executor-setup.ts';
import { type AttemptContext, FinalError, RetryableError } from './index.ts';

const at = setUp();

test('registers with what it is, runs an assignment and reports its result', async () => {
  await at.start({
    slots: 3,
    labels: { zone: 'a' },
    capabilities: { 'text.upper': { handler: (text: string) => text.toUpperCase(), version: '2' } },
  });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'text.upper', input: input('abc') });
  await at.orchestrator.until('a report', () => at.orchestrator.reports.length > 0);

  expect(at.orchestrator.registrations[0]).toMatchObject({
    executorId: 'e1',
    slots: 3,
    labels: { zone: 'a' },
    capabilities: [{ name: 'text.upper', version: '2', maxConcurrency: 0 }],
  });
  const [report] = at.orchestrator.reports;
  expect(report?.leaseToken).toBe('t1');
  expect(report?.outcome.case).toBe('completed');
  if (report?.outcome.case === 'completed') expect(json(report.outcome.value.result)).toBe('ABC');
  expect(at.orchestrator.reportRequests[0]?.session).toBe('session-1');
});

test('tells failures apart: retryable, final, anything else (D.1)', async () => {
  await at.start({
    capabilities: {
      retryable: () => {
        throw new RetryableError('BUSY', 'later', { retryAfterMs: 1_500, details: { queue: 7 } });
      },
      final: async () => {
        throw new FinalError('NO_SUCH_FILE', 'never');
      },
      other: () => {
        throw new TypeError('oops');
      },
    },
  });
  for (const capability of ['retryable', 'final', 'other']) {
    at.orchestrator.assign('e1', { leaseToken: capability, capability });
  }
  await at.orchestrator.until('three reports', () => at.orchestrator.reports.length === 3);

  const failures = new Map(
    at.orchestrator.reports.map((r) => [
      r.leaseToken,
      r.outcome.case === 'failed' ? r.outcome.value : undefined,
    ]),
  );
  expect(failures.get('retryable')).toMatchObject({
    error: { code: 'BUSY', message: 'later' },
    final: false,
    retryAfter: { seconds: 1n, nanos: 500_000_000 },
  });
  expect(json(failures.get('retryable')?.error?.details)).toEqual({ queue: 7 });
  expect(failures.get('final')).toMatchObject({ error: { code: 'NO_SUCH_FILE' }, final: true });
  expect(failures.get('other')).toMatchObject({
    error: { code: 'TypeError', message: 'oops' },
    final: false,
  });
});

test('hands the attempt all that the assignment says', async () => {
  let seen: Record<string, unknown> = {};
  await at.start({
    capabilities: {
      look: (_input, context: AttemptContext) => {
        const { runId, taskKey, attempt, capability, lastCheckpoint, lastError, traceparent } = context;
        seen = { runId, taskKey, attempt, capability, lastCheckpoint, lastError, traceparent };
        seen.dependencies = [...context.dependencies];
        seen.merged = context.merged();
      },
    },
  });
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  at.orchestrator.assign('e1', {
    leaseToken: 't1',
    capability: 'look',
    runId: 'r1',
    taskKey: 'k1',
    attempt: 2,
    input: input({ own: 1, both: 'input' }),
    dependencies: [
      { key: '2', state: TaskState.COMPLETED, result: input({ a: 1, both: 'dependency' }) },
      { key: '1', state: TaskState.COMPLETED, result: input([7]) },
      { key: 'x', state: TaskState.FAILED, error: { code: 'NO', message: 'no' } },
      { key: 'n', state: TaskState.COMPLETED, result: input(null) },
      { key: 's', state: TaskState.SKIPPED },
    ],
    checkpoint: input({ page: 4 }),
    lastError: { code: 'BUSY', message: 'later' },
    traceparent,
  });
  await at.orchestrator.until('a report', () => at.orchestrator.reports.length > 0);

  expect(seen).toMatchObject({
    runId: 'r1',
    taskKey: 'k1',
    attempt: 2,
    capability: 'look',
    lastCheckpoint: { page: 4 },
    lastError: { code: 'BUSY', message: 'later' },
    traceparent,
  });
  // B.1: declared order; objects field by field, anything else under its key; null is a result.
  expect(seen.dependencies).toEqual([
    ['2', { state: 'COMPLETED', result: { a: 1, both: 'dependency' }, error: undefined }],
    ['1', { state: 'COMPLETED', result: [7], error: undefined }],
    ['x', { state: 'FAILED', result: undefined, error: { code: 'NO', message: 'no', details: undefined } }],
    ['n', { state: 'COMPLETED', result: null, error: undefined }],
    ['s', { state: 'SKIPPED', result: undefined, error: undefined }],
  ]);
  expect(seen.merged).toEqual({ a: 1, both: 'input', '1': [7], n: null, own: 1 });
});

test('gives bytes for what is not JSON, and undefined for no input', async () => {
  const inputs: unknown[] = [];
  await at.start({ capabilities: { look: (value: unknown) => void inputs.push(value) } });
  at.orchestrator.assign(
    'e1',
    { leaseToken: 't1', capability: 'look', input: input(new Uint8Array([1, 2])) },
    { leaseToken: 't2', capability: 'look' },
  );
  await at.orchestrator.until('two reports', () => at.orchestrator.reports.length === 2);
  expect(inputs).toEqual([new Uint8Array([1, 2]), undefined]);
});

test('fails an attempt whose input is broken JSON without calling the handler', async () => {
  await at.start({ capabilities: { look: () => expect.unreachable() } });
  const broken = { data: { case: 'bytes' as const, value: new TextEncoder().encode('{') } };
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'look', input: broken });
  await at.orchestrator.until('a report', () => at.orchestrator.reports.length > 0);
  expect(onlyReport(at.orchestrator, 'failed')).toMatchObject({
    error: { code: 'INVALID_INPUT' },
    final: true,
  });
});

test('sends progress soon, only the latest, and the checkpoint once', async () => {
  at.orchestrator.timing.heartbeatIntervalMs = 1_000;
  const release = Promise.withResolvers<void>();
  await at.start({
    capabilities: {
      slow: async (_input, context: AttemptContext) => {
        for (let percent = 1; percent <= 50; percent += 1) context.progress(percent, `at ${percent}`);
        context.checkpoint({ page: 1 });
        context.checkpoint({ page: 2 });
        await release.promise;
      },
    },
  });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'slow' });
  const told = () => at.orchestrator.heartbeats.flatMap((h) => h.attempts.filter((a) => a.progress));
  await at.orchestrator.until('progress', () => told().length > 0);
  const before = at.orchestrator.heartbeats.length;
  await at.orchestrator.until('two more', () => at.orchestrator.heartbeats.length >= before + 2);
  release.resolve();
  await at.orchestrator.until('a report', () => at.orchestrator.reports.length > 0);

  expect(told()).toHaveLength(1);
  expect(told()[0]?.progress).toMatchObject({ percent: 50, message: 'at 50' });
  const checkpoints = at.orchestrator.heartbeats.flatMap((h) =>
    h.attempts.filter((a) => a.checkpoint).map((a) => json(a.checkpoint)),
  );
  expect(checkpoints).toEqual([{ page: 2 }]);
  // Every heartbeat names the attempt while it is held.
  expect(at.orchestrator.heartbeats.at(before)?.attempts.map((a) => a.leaseToken)).toEqual(['t1']);
});

test('a checkpoint that no heartbeat has carried goes with the failure, not with a success', async () => {
  at.orchestrator.timing.heartbeatIntervalMs = 60_000;
  await at.start({
    capabilities: {
      page: (input, context: AttemptContext) => {
        context.checkpoint({ page: input });
        if (input === 1) throw new Error('no more');
      },
    },
  });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'page', input: input(1) });
  at.orchestrator.assign('e1', { leaseToken: 't2', capability: 'page', input: input(2) });
  await at.orchestrator.until('reports', () => at.orchestrator.reports.length === 2);

  const outcomes = at.orchestrator.reports.map(({ outcome }) =>
    outcome.case === 'failed' ? json(outcome.value.checkpoint) : outcome.case,
  );
  expect(outcomes).toEqual([{ page: 1 }, 'completed']);
});

test('adds up usage and reports it', async () => {
  await at.start({
    capabilities: {
      use: (_input, context: AttemptContext) => {
        context.usage({ tokens: 3 });
        context.usage({ tokens: 4, pages: 1 });
        expect(() => context.usage({ bad: Number.NaN })).toThrow(RangeError);
      },
    },
  });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'use' });
  await at.orchestrator.until('a report', () => at.orchestrator.reports.length > 0);
  expect(at.orchestrator.reports[0]?.usage).toEqual({ tokens: 7, pages: 1 });
  expect(at.orchestrator.reports[0]?.outcome.case).toBe('completed');
});

test('what ends together is reported together', async () => {
  await at.start({ slots: 500, capabilities: { noop: () => null } });
  const assignments = Array.from({ length: 500 }, (_, i) => ({ leaseToken: `t${i}`, capability: 'noop' }));
  at.orchestrator.assign('e1', ...assignments);
  await at.orchestrator.until('500 reports', () => at.orchestrator.reports.length === 500);
  expect(at.orchestrator.reportRequests.length).toBeLessThanOrEqual(3);
});
