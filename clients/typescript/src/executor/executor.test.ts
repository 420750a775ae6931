// The executor against a real nats-server and a scripted orchestrator: the ordinary way.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { json, toPayload } from '../payloads.ts';
import { startNatsServer, type TestNatsServer } from '../testing/nats-server.ts';
import { createScriptedOrchestrator, type ScriptedOrchestrator } from '../testing/scripted-orchestrator.ts';
import { createExecutor, type Executor, type ExecutorOptions, FinalError, RetryableError } from './index.ts';

let nats: TestNatsServer;
let orchestrator: ScriptedOrchestrator;
let executor: Executor | undefined;

beforeAll(async () => {
  nats = await startNatsServer();
});
afterAll(() => nats.kill());
beforeEach(async () => {
  orchestrator = await createScriptedOrchestrator(nats.url);
});
afterEach(async () => {
  await executor?.stop();
  executor = undefined;
  await orchestrator.close();
});

async function started(options: Partial<ExecutorOptions> & Pick<ExecutorOptions, 'capabilities'>) {
  executor = createExecutor({ id: 'e1', servers: nats.url, ...options });
  await executor.start();
  return executor;
}

function input(value: unknown) {
  const payload = toPayload(value);
  if (payload === undefined) throw new Error('no payload');
  return payload;
}

test('registers with what it is, runs an assignment and reports its result', async () => {
  await started({
    slots: 3,
    labels: { zone: 'a' },
    capabilities: { 'text.upper': { handler: (text: string) => text.toUpperCase(), version: '2' } },
  });
  orchestrator.assign('e1', { leaseToken: 't1', capability: 'text.upper', input: input('abc') });
  await orchestrator.until('a report', () => orchestrator.reports.length > 0);

  expect(orchestrator.registrations[0]).toMatchObject({
    executorId: 'e1',
    slots: 3,
    labels: { zone: 'a' },
    capabilities: [{ name: 'text.upper', version: '2', maxConcurrency: 0 }],
  });
  const [report] = orchestrator.reports;
  expect(report?.leaseToken).toBe('t1');
  expect(report?.outcome.case).toBe('completed');
  if (report?.outcome.case === 'completed') expect(json(report.outcome.value.result)).toBe('ABC');
  expect(orchestrator.reportRequests[0]?.session).toBe('session-1');
});

test('tells failures apart: retryable, final, anything else (D.1)', async () => {
  await started({
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
    orchestrator.assign('e1', { leaseToken: capability, capability });
  }
  await orchestrator.until('three reports', () => orchestrator.reports.length === 3);

  const failures = new Map(
    orchestrator.reports.map((r) => [
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
