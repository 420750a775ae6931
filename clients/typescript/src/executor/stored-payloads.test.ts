// BEHAVIOURS B.1, B.4: payloads above the limit (1,000 bytes here) go and come without the handler's doing.

import { ErrorReason } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import { TaskState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { expect, test, vi } from 'vitest';
import { onlyReport, setUp } from '../testing/executor-setup.ts';

const at = setUp();
const LARGE = 'x'.repeat(3_500);
const JSON_OF_LARGE = JSON.stringify(LARGE);

const report = () => at.orchestrator.until('a report', () => at.orchestrator.reports.length > 0);
const storedText = () => [...at.orchestrator.payloads.stored.values()].map(String);

test('B.4: a result above the limit is stored, and reported as a reference to it', async () => {
  await at.start({ capabilities: { large: () => LARGE } });
  at.orchestrator.assign('e1', { leaseToken: 't', capability: 'large' });
  await report();
  const { result } = onlyReport(at.orchestrator, 'completed');
  expect(result?.data).toMatchObject({ case: 'ref', value: { sizeBytes: BigInt(JSON_OF_LARGE.length) } });
  expect(storedText()).toEqual([JSON_OF_LARGE]);
});

test('B.4: input and results of dependencies are fetched before the handler sees them', async () => {
  const seen: unknown[] = [];
  const { payloads } = at.orchestrator;
  await at.start({
    capabilities: {
      look(input, context) {
        seen.push(input, context.dependencies.get('up')?.result, context.lastCheckpoint, context.merged());
        seen.push(context.iteration, context.feedback);
      },
    },
  });
  at.orchestrator.assign('e1', {
    leaseToken: 't',
    capability: 'look',
    input: payloads.keep(JSON.stringify({ text: LARGE })),
    checkpoint: payloads.keep('7'),
    iteration: 2,
    feedback: {
      reason: 'too long',
      from: 'check',
      iteration: 1,
      refusedResult: payloads.keep(JSON_OF_LARGE),
    },
    dependencies: [{ key: 'up', state: TaskState.COMPLETED, result: payloads.keep(JSON_OF_LARGE) }],
  });
  await report();
  const feedback = {
    reason: 'too long',
    from: 'check',
    iteration: 1,
    refusedResult: LARGE,
    decision: undefined,
  };
  expect(seen).toEqual([{ text: LARGE }, LARGE, 7, { up: LARGE, text: LARGE }, 2, feedback]);
});

test('B.4: an upload bears refusals that pass', async () => {
  const { payloads } = at.orchestrator;
  const refusals: (ErrorReason | undefined)[] = [ErrorReason.NOT_SERVING, ErrorReason.LIMIT_REACHED];
  payloads.before = () => refusals.shift();
  await at.start({ capabilities: { large: () => LARGE } });
  at.orchestrator.assign('e1', { leaseToken: 't', capability: 'large' });
  await report();
  expect(storedText()).toEqual([JSON_OF_LARGE]);
  expect(payloads.requests.length).toBe(3);
});

test.each([
  [ErrorReason.PAYLOAD_NOT_FOUND, 'PAYLOAD_NOT_FOUND', true],
  [ErrorReason.INVALID_FIELD, 'INVALID_FIELD', false],
])(
  'B.4: input that cannot be had (%s) fails the attempt, and the handler is not called',
  async (reason, code, final) => {
    const count = vi.fn();
    at.orchestrator.payloads.before = () => reason;
    await at.start({ capabilities: { count } });
    const input = at.orchestrator.payloads.keep(JSON_OF_LARGE);
    at.orchestrator.assign('e1', { leaseToken: 't', capability: 'count', input });
    await report();
    expect(onlyReport(at.orchestrator, 'failed')).toMatchObject({ final, error: { code } });
    expect(count).not.toHaveBeenCalled();
  },
);

test('B.4: content with another hash than was said is given to nobody', async () => {
  const { payloads } = at.orchestrator;
  await at.start({ capabilities: { echo: (input) => input } });
  const input = payloads.keep(JSON_OF_LARGE);
  for (const hash of payloads.stored.keys()) {
    payloads.stored.set(hash, Buffer.from(JSON_OF_LARGE.replaceAll('x', 'y')));
  }
  at.orchestrator.assign('e1', { leaseToken: 't', capability: 'echo', input });
  await report();
  expect(onlyReport(at.orchestrator, 'failed')).toMatchObject({
    error: { code: 'PAYLOAD_BROKEN', message: expect.stringContaining('SHA-256') },
  });
});

test('B.4: content that ends too early is given to nobody', async () => {
  const { payloads } = at.orchestrator;
  await at.start({ capabilities: { echo: (input) => input } });
  const input = payloads.keep(JSON_OF_LARGE);
  for (const hash of payloads.stored.keys()) payloads.stored.set(hash, Buffer.from(JSON_OF_LARGE.slice(9)));
  at.orchestrator.assign('e1', { leaseToken: 't', capability: 'echo', input });
  await report();
  expect(onlyReport(at.orchestrator, 'failed').error?.message).toContain('it ends after');
});

test('B.4: who is told to stop while fetching stops, whatever is unanswered', async () => {
  at.orchestrator.payloads.before = () => true;
  await at.start({ capabilities: { echo: (input) => input } });
  const input = at.orchestrator.payloads.keep(JSON_OF_LARGE);
  at.orchestrator.assign('e1', {
    leaseToken: 't',
    capability: 'echo',
    input,
    timeout: { nanos: 50_000_000 },
  });
  await report();
  expect(onlyReport(at.orchestrator, 'failed')).toMatchObject({ error: { code: 'TIMEOUT' } });
}, 20_000);

test('B.4: a report that refers to what was forgotten meanwhile fails the attempt, to be tried again', async () => {
  at.orchestrator.script.onReports = ({ reports }) =>
    reports.some(({ outcome }) => outcome.case === 'completed')
      ? { error: ErrorReason.PAYLOAD_NOT_FOUND }
      : { ack: reports.map(() => 1) };
  await at.start({ capabilities: { large: () => LARGE } });
  at.orchestrator.assign('e1', { leaseToken: 't', capability: 'large' });
  await at.orchestrator.until('two reports', () => at.orchestrator.reports.length > 1);
  expect(at.orchestrator.reports[1]?.outcome).toMatchObject({
    value: { error: { code: 'PAYLOAD_NOT_FOUND' }, final: false },
  });
});
