// The executor when the other side, the network or the handlers misbehave.

import { ErrorReason } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import { ReportStatus } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { StateReason } from '@tutti/proto/tutti/v1/state_reason_pb.ts';
import { expect, test } from 'vitest';
import { json } from '../payloads.ts';
import { input, onlyReport, setUp } from '../testing/executor-setup.ts';
import { MAX_STORED_BYTES } from '../testing/scripted-payloads.ts';
import {
  type AttemptAbortedError,
  type AttemptContext,
  ExecutorRefusedError,
  RetryableError,
} from './index.ts';

const at = setUp();

function aborted(context: AttemptContext): Promise<AttemptAbortedError> {
  return new Promise((resolve) => {
    context.signal.addEventListener('abort', () => resolve(context.signal.reason), { once: true });
  });
}

test('registers again and again until it is answered (protocol, point 1)', async () => {
  const answer = at.orchestrator.script.onRegister;
  at.orchestrator.script.onRegister = () => ({ error: ErrorReason.NOT_SERVING });
  const starting = at.start({ capabilities: { noop: () => null } });
  await at.orchestrator.until('three tries', () => at.orchestrator.registrations.length >= 3);
  at.orchestrator.script.onRegister = answer;
  await starting;
});

test('reports what was assigned and has ended before the registration was answered', async () => {
  const answer = at.orchestrator.script.onRegister;
  const done = Promise.withResolvers<void>();
  at.orchestrator.script.onRegister = () => {
    at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'noop' });
    return { error: ErrorReason.NOT_SERVING };
  };
  const starting = at.start({ capabilities: { noop: () => done.resolve() } });
  await done.promise;
  at.orchestrator.script.onRegister = answer;
  await starting;
  await at.orchestrator.until('the report', () => at.orchestrator.reports.length > 0);
  expect(at.orchestrator.reports.map((report) => report.leaseToken)).toEqual(['t1']);
});

test('start rejects when the orchestrator refuses it for good', async () => {
  at.orchestrator.script.onRegister = () => ({ error: ErrorReason.INVALID_FIELD });
  const executor = at.create({ capabilities: { noop: () => null } });
  await expect(executor.start()).rejects.toThrow(ExecutorRefusedError);
  expect(await executor.closed).toBeInstanceOf(ExecutorRefusedError);
});

test('handlers learn that they work for nothing when the executor ends for good', async () => {
  const begun = Promise.withResolvers<void>();
  const reasons: string[] = [];
  at.orchestrator.script.onRegister = () => {
    at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'slow' });
    return undefined;
  };
  const executor = at.create({
    capabilities: {
      slow: async (_input, context: AttemptContext) => {
        begun.resolve();
        reasons.push((await aborted(context)).reason);
      },
    },
  });
  const starting = expect(executor.start()).rejects.toThrow(ExecutorRefusedError);
  await begun.promise;
  at.orchestrator.script.onRegister = () => ({ error: ErrorReason.INVALID_FIELD });
  await starting;
  await executor.closed;
  expect(reasons).toEqual(['EXECUTOR_STOPPING']);
});

test('starts once there is a server, and stop ends the waiting', async () => {
  await at.nats.kill();
  const waiting = at.create({ id: 'e2', capabilities: { noop: () => null } });
  const neverStarted = expect(waiting.start()).rejects.toThrow();
  await waiting.stop();
  await neverStarted;

  const executor = at.create({ capabilities: { noop: () => null } });
  const starting = executor.start();
  await at.nats.start();
  await starting;
  expect(at.orchestrator.registrations.at(-1)?.executorId).toBe('e1');
});

test('runs a doubled assignment once, also after its report was answered (point 3)', async () => {
  const calls: string[] = [];
  await at.start({ capabilities: { noop: (_i, c: AttemptContext) => void calls.push(c.taskKey) } });
  const assignment = { leaseToken: 't1', capability: 'noop', taskKey: 'a' };
  at.orchestrator.assign('e1', assignment, assignment);
  at.orchestrator.assign('e1', assignment);
  await at.orchestrator.until('a report', () => at.orchestrator.reports.length > 0);
  at.orchestrator.assign('e1', assignment);
  at.orchestrator.assign('e1', { leaseToken: 't2', capability: 'noop', taskKey: 'b' });
  await at.orchestrator.until('the next report', () => at.orchestrator.reports.length > 1);
  expect(calls).toEqual(['a', 'b']);
  expect(at.orchestrator.reports.map((r) => r.leaseToken)).toEqual(['t1', 't2']);
});

test('starts what a heartbeat answer says is missing', async () => {
  at.orchestrator.script.onHeartbeat = () => ({
    ack: { missing: [{ leaseToken: 't1', capability: 'noop' }] },
  });
  await at.start({ capabilities: { noop: () => 'done' } });
  await at.orchestrator.until('a report', () => at.orchestrator.reports.length > 0);
  expect(json(onlyReport(at.orchestrator, 'completed').result)).toBe('done');
});

test('repeats reports until they are answered, and holds the attempt meanwhile (point 4)', async () => {
  at.orchestrator.script.onReports = () => undefined;
  const executor = await at.start({ capabilities: { noop: () => null } });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'noop' });
  await at.orchestrator.until('a repeat', () => at.orchestrator.reportRequests.length >= 2);
  expect(executor.held).toBe(1);
  expect(at.orchestrator.heartbeats.at(-1)?.attempts.map((a) => a.leaseToken)).toEqual(['t1']);

  at.orchestrator.script.onReports = (r) => ({ ack: r.reports.map(() => ReportStatus.STALE) });
  const before = at.orchestrator.heartbeats.length;
  await at.orchestrator.until('an empty heartbeat', () =>
    at.orchestrator.heartbeats.slice(before).some((h) => h.attempts.length === 0),
  );
  expect(executor.held).toBe(0);
});

test('a commit that failed is no answer: the report comes again', async () => {
  at.orchestrator.script.onReports = () => ({ error: ErrorReason.COMMIT_FAILED });
  await at.start({ capabilities: { noop: () => null } });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'noop' });
  await at.orchestrator.until('a repeat', () => at.orchestrator.reportRequests.length >= 3);
});

test('one report that is refused does not hold up the others', async () => {
  at.orchestrator.script.onReports = (request) =>
    request.reports.some((r) => r.leaseToken === 'bad' && r.outcome.case === 'completed')
      ? { error: ErrorReason.INVALID_FIELD }
      : { ack: request.reports.map(() => ReportStatus.RECORDED) };
  const errors: object[] = [];
  const quiet = () => {};
  const logger = {
    debug: quiet,
    info: quiet,
    warn: quiet,
    error: (fields: object) => void errors.push(fields),
  };
  const executor = await at.start({ slots: 3, capabilities: { noop: () => null }, logger });
  const tokens = ['good1', 'bad', 'good2'];
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  at.orchestrator.assign(
    'e1',
    ...tokens.map((leaseToken) => ({ leaseToken, capability: 'noop', traceparent })),
  );
  const isReported = (token: string, kind: string) =>
    at.orchestrator.reports.some((r) => r.leaseToken === token && r.outcome.case === kind);
  await at.orchestrator.until('all of them', () => isReported('bad', 'failed'));
  await at.orchestrator.until('nothing held', () => executor.held === 0);
  expect(isReported('good2', 'completed')).toBe(true);
  const ids = { trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331' };
  expect(errors).toMatchObject([{ reason: 'INVALID_FIELD', ...ids }]);
});

test('a lease that was lost: aborted, forgotten, nothing reported', async () => {
  let reason: AttemptAbortedError | undefined;
  const executor = await at.start({
    capabilities: {
      slow: async (_input, context: AttemptContext) => {
        reason = await aborted(context);
      },
    },
  });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'slow' });
  at.orchestrator.script.onHeartbeat = (h) => ({ ack: { dropped: h.attempts.map((a) => a.leaseToken) } });
  await at.orchestrator.until('an empty heartbeat', () => reason !== undefined && executor.held === 0);
  expect(reason?.reason).toBe('LEASE_LOST');
  expect(at.orchestrator.reports).toEqual([]);
});

test('a cancellation aborts the signal; partial result and usage are kept (D.8)', async () => {
  await at.start({
    capabilities: {
      slow: async (_input, context: AttemptContext) => {
        context.usage({ pages: 2 });
        context.partialResult({ pages: [1, 2] });
        throw await aborted(context);
      },
    },
  });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'slow' });
  const reason = StateReason.CANCEL_REQUESTED;
  at.orchestrator.cancel('e1', 'slow', [{ leaseToken: 't1', reason, grace: { seconds: 5n } }]);
  await at.orchestrator.until('a report', () => at.orchestrator.reports.length > 0);
  expect(json(onlyReport(at.orchestrator, 'cancelled').partialResult)).toEqual({ pages: [1, 2] });
  expect(at.orchestrator.reports[0]?.usage).toEqual({ pages: 2 });
});

test('a cancellation without grace means that the lease is gone', async () => {
  let reason: AttemptAbortedError | undefined;
  const executor = await at.start({
    capabilities: {
      slow: async (_input, context: AttemptContext) => {
        reason = await aborted(context);
      },
    },
  });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'slow' });
  const cancellation = { leaseToken: 't1', reason: StateReason.ATTEMPT_TIMED_OUT };
  at.orchestrator.cancel('e1', 'slow', [cancellation]);
  await at.orchestrator.until('it is forgotten', () => reason !== undefined && executor.held === 0);
  expect(reason?.reason).toBe('TIMED_OUT');
  const before = at.orchestrator.heartbeats.length;
  await at.orchestrator.until('a heartbeat', () => at.orchestrator.heartbeats.length > before);
  expect(at.orchestrator.reports).toEqual([]);
});

test('a lease that was lost before its report was answered is not reported again', async () => {
  at.orchestrator.script.onReports = () => ({ error: ErrorReason.COMMIT_FAILED });
  const executor = await at.start({ capabilities: { noop: () => null } });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'noop' });
  await at.orchestrator.until('a report', () => at.orchestrator.reports.length > 0);
  at.orchestrator.script.onHeartbeat = () => ({ ack: { dropped: ['t1'] } });
  await at.orchestrator.until('it is forgotten', () => executor.held === 0);
  const tries = at.orchestrator.reports.length;
  at.orchestrator.assign('e1', { leaseToken: 't2', capability: 'noop' });
  const others = () => at.orchestrator.reports.filter((r) => r.leaseToken === 't2').length;
  await at.orchestrator.until('the other, thrice', () => others() === 3);
  // One may have been on its way.
  const late = at.orchestrator.reports.slice(tries + 1).filter((r) => r.leaseToken === 't1');
  expect(late).toEqual([]);
});

test('a handler that ignores a cancellation is given up after the grace', async () => {
  const release = Promise.withResolvers<void>();
  const executor = await at.start({ capabilities: { deaf: () => release.promise } });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'deaf' });
  await at.orchestrator.until('it is held', () => executor.held === 1);
  at.orchestrator.cancel('e1', 'deaf', [{ leaseToken: 't1', grace: { nanos: 50_000_000 } }]);
  await at.orchestrator.until('it is forgotten', () => executor.held === 0);
  release.resolve();
  const before = at.orchestrator.heartbeats.length;
  await at.orchestrator.until('a heartbeat', () => at.orchestrator.heartbeats.length > before);
  expect(at.orchestrator.reports).toEqual([]);
});

test('handlers never exceed the slots by more than the margin; the rest comes again', async () => {
  const release = Promise.withResolvers<void>();
  let running = 0;
  let highest = 0;
  const slow = async () => {
    running += 1;
    highest = Math.max(highest, running);
    await release.promise;
    running -= 1;
  };
  const executor = await at.start({ slots: 2, capabilities: { slow } });
  const missing = Array.from({ length: 40 }, (_, i) => ({ leaseToken: `t${i}`, capability: 'slow' }));
  at.orchestrator.assign('e1', ...missing);
  await at.orchestrator.until('it is full', () => executor.held === 10);
  release.resolve();
  at.orchestrator.script.onHeartbeat = () => ({ ack: { missing } });
  const tokens = () => new Set(at.orchestrator.reports.map((r) => r.leaseToken)).size;
  await at.orchestrator.until('all 40', () => tokens() === 40);
  expect(highest).toBe(10);
  expect(at.orchestrator.reports).toHaveLength(40);
});

test('a nats-server that is killed and comes back costs no attempt', async () => {
  at.orchestrator.timing.heartbeatIntervalMs = 60_000;
  const release = Promise.withResolvers<void>();
  const calls: string[] = [];
  const called = Promise.withResolvers<void>();
  await at.start({
    capabilities: {
      slow: async (_input, context: AttemptContext) => {
        calls.push(context.taskKey);
        called.resolve();
        await release.promise;
        return 'survived';
      },
    },
  });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'slow', taskKey: 'a' });
  await called.promise;
  at.orchestrator.script.onHeartbeat = () => {
    at.orchestrator.assign('e1', { leaseToken: 't2', capability: 'slow', taskKey: 'b' });
    return { ack: {} };
  };
  await at.nats.kill();
  release.resolve();
  await at.nats.start();
  // Its subscriptions are back as well: the first heartbeat was answered with work.
  const reportOf = (token: string) => at.orchestrator.reports.find((r) => r.leaseToken === token);
  await at.orchestrator.until('both reports', () => Boolean(reportOf('t1') && reportOf('t2')));
  const outcome = reportOf('t1')?.outcome;
  expect(outcome?.case === 'completed' && json(outcome.value.result)).toBe('survived');
  expect(calls).toEqual(['a', 'b']);
});

test('an unknown session: registers with what it holds, stops what is not kept (point 6)', async () => {
  const reasons = new Map<string, string>();
  const release = Promise.withResolvers<void>();
  await at.start({
    capabilities: {
      slow: async (_input, context: AttemptContext) => {
        void aborted(context).then(({ reason }) => reasons.set(context.taskKey, reason));
        await release.promise;
        return context.taskKey;
      },
    },
  });
  at.orchestrator.assign(
    'e1',
    { leaseToken: 't1', capability: 'slow', taskKey: 'kept' },
    { leaseToken: 't2', capability: 'slow', taskKey: 'lost' },
  );
  at.orchestrator.script.onRegister = () => ({
    ack: { session: 'new', leaseDuration: { seconds: 1n }, heartbeatInterval: { nanos: 1e8 }, kept: ['t1'] },
  });
  at.orchestrator.script.onHeartbeat = (h) =>
    h.session === 'new' ? { ack: {} } : { error: ErrorReason.UNKNOWN_SESSION };
  await at.orchestrator.until('the new session', () => at.orchestrator.heartbeats.at(-1)?.session === 'new');
  expect(at.orchestrator.registrations.at(-1)?.held).toEqual(['t1', 't2']);
  expect(reasons).toEqual(new Map([['lost', 'LEASE_LOST']]));

  release.resolve();
  await at.orchestrator.until('a report', () => at.orchestrator.reports.length > 0);
  expect(at.orchestrator.reports.map((r) => r.leaseToken)).toEqual(['t1']);
  expect(at.orchestrator.reportRequests[0]?.session).toBe('new');
});

test('a report answered with an unknown session is sent again in the new one', async () => {
  at.orchestrator.script.onReports = (r) =>
    r.session === 'session-1'
      ? { error: ErrorReason.UNKNOWN_SESSION }
      : { ack: r.reports.map(() => ReportStatus.RECORDED) };
  at.orchestrator.script.onHeartbeat = () => ({ ack: {} });
  const executor = await at.start({ capabilities: { noop: () => null } });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'noop' });
  await at.orchestrator.until('the repeat', () => at.orchestrator.reportRequests.length === 2);
  expect(at.orchestrator.reportRequests[1]?.session).toBe('session-2');
  expect(at.orchestrator.registrations[1]?.held).toEqual(['t1']);
  await at.orchestrator.until('nothing held', () => executor.held === 0);
});

test('a result over the limit of what is stored apart fails the attempt with PAYLOAD_TOO_LARGE', async () => {
  await at.start({
    capabilities: {
      large: () => 'x'.repeat(MAX_STORED_BYTES),
      circular: () => {
        const value: Record<string, unknown> = {};
        value.self = value;
        return value;
      },
    },
  });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'large' });
  await at.orchestrator.until('a report', () => at.orchestrator.reports.length > 0);
  expect(onlyReport(at.orchestrator, 'failed')).toMatchObject({ error: { code: 'PAYLOAD_TOO_LARGE' } });

  at.orchestrator.assign('e1', { leaseToken: 't2', capability: 'circular' });
  await at.orchestrator.until('the next report', () => at.orchestrator.reports.length > 1);
  expect(at.orchestrator.reports[1]?.outcome).toMatchObject({
    value: { error: { code: 'INVALID_RESULT' }, final: true },
  });
});

test('a foreign promise that throws in `then`, or settles twice, is reported once', async () => {
  const executor = await at.start({
    slots: 14,
    capabilities: {
      throwing: () => ({
        // biome-ignore lint/suspicious/noThenProperty: it is what the test is about
        then() {
          throw new Error('lazy query failed');
        },
      }),
      twice: () => ({
        // biome-ignore lint/suspicious/noThenProperty: it is what the test is about
        then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
          resolve(1);
          reject(new Error('too late'));
        },
      }),
      code: () => {
        throw new RetryableError(503 as never, 'busy');
      },
    },
  });
  const tokens = Array.from({ length: 12 }, (_, i) => `t${i}`);
  for (const leaseToken of tokens) at.orchestrator.assign('e1', { leaseToken, capability: 'twice' });
  at.orchestrator.assign('e1', { leaseToken: 'throwing', capability: 'throwing' });
  at.orchestrator.assign('e1', { leaseToken: 'code', capability: 'code' });
  await at.orchestrator.until('a report each', () => at.orchestrator.reports.length >= tokens.length + 2);
  await at.orchestrator.until('nothing held', () => executor.held === 0);
  const kinds = new Map(at.orchestrator.reports.map((r) => [r.leaseToken, r.outcome.case]));
  expect(kinds).toEqual(
    new Map([
      ...tokens.map((token) => [token, 'completed'] as const),
      ['throwing', 'failed'],
      ['code', 'failed'],
    ]),
  );
  expect(at.orchestrator.reports).toHaveLength(tokens.length + 2);
});

test('what the NATS server has no room for is told and not repeated', async () => {
  await at.nats.kill();
  await at.nats.start({ maxPayloadBytes: 65_536 });
  try {
    at.orchestrator.script.onRegister = () => ({
      ack: {
        session: 's',
        leaseDuration: { seconds: 1n },
        heartbeatInterval: { nanos: 1e8 },
        maxPayloadBytes: 262_144,
      },
    });
    const executor = await at.start({
      capabilities: { large: (count: number) => 'x'.repeat(count), noop: () => null },
    });
    at.orchestrator.assign('e1', { leaseToken: 'fits', capability: 'large', input: input(40_000) });
    at.orchestrator.assign('e1', { leaseToken: 'large', capability: 'large', input: input(100_000) });
    at.orchestrator.assign('e1', { leaseToken: 'small', capability: 'noop' });
    await at.orchestrator.until('three reports', () => at.orchestrator.reports.length >= 3);
    await at.orchestrator.until('nothing held', () => executor.held === 0);
    const outcomes = new Map(at.orchestrator.reports.map((r) => [r.leaseToken, r.outcome]));
    expect(outcomes.get('fits')?.case).toBe('completed');
    expect(outcomes.get('small')?.case).toBe('completed');
    expect(outcomes.get('large')).toMatchObject({
      value: { error: { code: 'PAYLOAD_TOO_LARGE' }, final: true },
    });
    await executor.stop();
  } finally {
    await at.nats.kill();
    await at.nats.start();
  }
});

test('errors that break the limits of the protocol are cut to fit', async () => {
  await at.start({
    capabilities: {
      long: () => {
        throw new RetryableError('C'.repeat(200), '😀'.repeat(5_000), { details: 'x'.repeat(2_000) });
      },
      odd: () => {
        return Promise.reject(null);
      },
    },
  });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'long' });
  await at.orchestrator.until('a report', () => at.orchestrator.reports.length > 0);
  const { error } = onlyReport(at.orchestrator, 'failed');
  expect(error?.code).toHaveLength(128);
  expect(error?.message.length).toBeLessThanOrEqual(8_192);
  expect(error?.details).toBeUndefined();

  at.orchestrator.assign('e1', { leaseToken: 't2', capability: 'odd' });
  await at.orchestrator.until('the next report', () => at.orchestrator.reports.length > 1);
  expect(at.orchestrator.reports[1]?.outcome).toMatchObject({ value: { error: { code: 'ERROR' } } });
});

test('an attempt that takes longer than it may is aborted here as well', async () => {
  await at.start({
    capabilities: {
      slow: async (_input, context: AttemptContext) => {
        await aborted(context);
        return 'too late';
      },
    },
  });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'slow', timeout: { nanos: 50_000_000 } });
  await at.orchestrator.until('a report', () => at.orchestrator.reports.length > 0);
  expect(onlyReport(at.orchestrator, 'failed')).toMatchObject({ error: { code: 'TIMEOUT' }, final: false });
});

test('news of a heartbeat that was not answered is said again', async () => {
  const release = Promise.withResolvers<void>();
  const answer = at.orchestrator.script.onHeartbeat;
  at.orchestrator.script.onHeartbeat = () => undefined;
  await at.start({
    capabilities: {
      slow: (_input, context: AttemptContext) => {
        context.checkpoint('c');
        return release.promise;
      },
    },
  });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'slow' });
  const told = () => at.orchestrator.heartbeats.filter((h) => h.attempts.some((a) => a.checkpoint)).length;
  await at.orchestrator.until('a repeat', () => told() === 2);
  at.orchestrator.script.onHeartbeat = answer;
  release.resolve();
  await at.orchestrator.until('a report', () => at.orchestrator.reports.length > 0);
});

test('garbage on the task subject is ignored', async () => {
  await at.start({ capabilities: { noop: () => null } });
  at.orchestrator.publish('tutti.v1.default.tasks.noop.e1', new Uint8Array([255, 255, 255]));
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'noop' });
  await at.orchestrator.until('a report', () => at.orchestrator.reports.length > 0);
});

test('more news than fits into one message goes with several heartbeats, soon', async () => {
  at.orchestrator.timing.heartbeatIntervalMs = 60_000;
  const count = 600;
  const release = Promise.withResolvers<void>();
  await at.start({
    slots: count,
    capabilities: {
      talk: (_input, context: AttemptContext) => {
        context.progress(50, '汉'.repeat(1_024));
        context.checkpoint('x'.repeat(900));
        return release.promise;
      },
    },
  });
  const leaseTokens = Array.from({ length: count }, (_, i) => `t${i}`);
  at.orchestrator.assign('e1', ...leaseTokens.map((leaseToken) => ({ leaseToken, capability: 'talk' })));
  const attempts = () => at.orchestrator.heartbeats.flatMap((h) => h.attempts);
  const told = (kind: 'progress' | 'checkpoint') =>
    new Set(attempts().flatMap((a) => (a[kind] === undefined ? [] : [a.leaseToken]))).size;
  await at.orchestrator.until('all of it', () => told('progress') === count && told('checkpoint') === count);
  const talking = at.orchestrator.heartbeats.filter((h) => h.attempts.some((a) => a.progress));
  expect(talking.length).toBeGreaterThan(1);
  for (const heartbeat of talking) expect(heartbeat.attempts).toHaveLength(count);
  release.resolve();
  await at.orchestrator.until('all reports', () => at.orchestrator.reports.length === count);
});

test('a lost answer to reports leaves every slot in use', async () => {
  const slots = 50;
  const count = 1_000;
  at.orchestrator.timing.heartbeatIntervalMs = 60_000;
  let assigned = 0;
  const assign = (howMany: number) => {
    const batch = [];
    for (let i = 0; i < howMany && assigned < count; i += 1, assigned += 1) {
      batch.push({ leaseToken: `t${assigned}`, capability: 'noop' });
    }
    if (batch.length > 0) at.orchestrator.assign('e1', ...batch);
  };
  const recorded = new Set<string>();
  at.orchestrator.script.onReports = ({ reports }) => {
    const isLost = recorded.size === 0;
    const fresh = reports.filter((r) => !recorded.has(r.leaseToken));
    for (const { leaseToken } of fresh) recorded.add(leaseToken);
    // As the engine may: the next work is on its way before the answer.
    assign(fresh.length);
    return isLost ? undefined : { ack: reports.map(() => ReportStatus.RECORDED) };
  };
  const executor = await at.start({ slots, capabilities: { noop: () => null } });
  assign(slots);
  await at.orchestrator.until('all of them', () => recorded.size === count);
  await at.orchestrator.until('the lost one again', () => at.orchestrator.reports.length > count);
  expect(executor.held).toBeLessThanOrEqual(3 * slots);
});
