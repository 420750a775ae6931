// What a run written in TypeScript becomes, and what is refused before it is sent.

import { FailurePolicy } from '@tutti/proto/tutti/v1/run_pb.ts';
import { DependencyCondition, JoinMode, OversizePolicy, UnmetPolicy } from '@tutti/proto/tutti/v1/task_pb.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { durationToMs, toDuration } from '../durations.ts';
import { json } from '../payloads.ts';
import { type RunInput, SpecError, type TaskInput, toRunSpec } from './spec.ts';

test('every field has its place in the proto', () => {
  const spec = toRunSpec({
    name: 'n',
    labels: { a: 'b' },
    failurePolicy: 'CANCEL',
    timeout: '2m',
    tasks: [
      { key: 'a', capability: 'echo', input: { x: 1 } },
      {
        key: 'b',
        capability: 'echo',
        dependencies: ['a', { key: 'c', condition: 'FINISHED' }],
        join: 1,
        onUnmet: 'FAIL',
        parent: 'a',
        priority: 0,
        allowFailure: true,
        cancelGrace: 0,
        retry: {
          maxRetries: 2,
          initialDelay: '1.5s',
          factor: 3,
          maxDelay: '1h',
          jitter: 0.5,
          nonRetryableCodes: ['NO'],
          maxLostAttempts: 0,
        },
        timeouts: { queue: 1, attempt: '2s', whole: '3m', heartbeat: '4h' },
      },
      { key: 'c', capability: 'echo', after: ['a'], join: 'ANY', input: new Uint8Array([1]) },
    ],
  });
  expect(spec).toMatchObject({
    name: 'n',
    labels: { a: 'b' },
    failurePolicy: FailurePolicy.CANCEL,
    timeout: { seconds: 120n },
  });
  const [a, b, c] = spec.tasks;
  expect(json(a?.input)).toEqual({ x: 1 });
  expect(b).toMatchObject({
    dependencies: [
      { key: 'a', condition: 0 },
      { key: 'c', condition: DependencyCondition.FINISHED },
    ],
    join: { mode: JoinMode.AT_LEAST, count: 1 },
    onUnmet: UnmetPolicy.FAIL,
    parent: 'a',
    priority: 0,
    allowFailure: true,
    cancelGrace: { seconds: 0n, nanos: 0 },
    retry: {
      maxAttempts: 3,
      initialDelay: { seconds: 1n, nanos: 500_000_000 },
      factor: 3,
      maxDelay: { seconds: 3_600n },
      jitter: 0.5,
      nonRetryableCodes: ['NO'],
      maxLostAttempts: 0,
    },
    timeouts: {
      queue: { nanos: 1_000_000 },
      attempt: { seconds: 2n },
      whole: { seconds: 180n },
      heartbeat: { seconds: 14_400n },
    },
  });
  expect(c).toMatchObject({
    dependencies: [{ key: 'a' }],
    join: { mode: JoinMode.ANY },
    input: { contentType: 'application/octet-stream' },
  });
});

const refused: [string, unknown, string][] = [
  ['both totals (D.1)', { retry: { maxAttempts: 3, maxRetries: 2 } }, 'task.retry.maxRetries'],
  ['no attempt at all', { retry: { maxRetries: -1 } }, 'task.retry'],
  ['both names of the edges', { dependencies: [], after: [] }, 'task.after'],
  ['an unknown field', { capabilty: 'x' }, 'task.capabilty'],
  ['an unknown field of a retry', { retry: { delay: 3 } }, 'task.retry.delay'],
  ['an unknown condition', { after: [{ key: 'a', condition: 'MAYBE' }] }, 'task.dependencies[0].condition'],
  ['a name of Object.prototype', { onUnmet: 'constructor' }, 'task.onUnmet'],
  ['a join of none', { join: 0 }, 'task.join'],
  ['a negative duration', { cancelGrace: -1 }, 'task.cancelGrace'],
  ['a duration without a unit', { timeouts: { attempt: '5' } }, 'task.timeouts.attempt'],
  ['an input that JSON cannot carry', { input: 10n }, 'task.input'],
];

test.each(refused)('refuses %s', (_name, fields, field) => {
  const task = { capability: 'echo', ...(fields as object) } as TaskInput;
  expect(() => toRunSpec(task)).toThrow(SpecError);
  expect(() => toRunSpec(task)).toThrow(expect.objectContaining({ field }));
});

test('names the task in a run', () => {
  const run = { tasks: [{ capability: 'a' }, { capability: 'b', priorty: 1 }] } as unknown as RunInput;
  expect(() => toRunSpec(run)).toThrow(expect.objectContaining({ field: 'tasks[1].priorty' }));
});

test('durations survive the way to the proto and back', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 86_400_000, noNaN: true }), (ms) => {
      const duration = toDuration(ms, 'd');
      expect(duration.nanos).toBeGreaterThanOrEqual(0);
      expect(duration.nanos).toBeLessThan(1_000_000_000);
      expect(Math.abs((durationToMs(duration) ?? Number.NaN) - ms)).toBeLessThan(1e-6 + ms * 1e-12);
    }),
  );
});

test('conditions, computed inputs, names, selections and what the run comes to (B.2, B.3, B.5, C.1, C.2)', () => {
  const spec = toRunSpec({
    input: { go: true },
    output: 'results.b',
    tasks: [
      { key: 'a', capability: 'echo', when: 'input.go', inputExpression: 'input' },
      {
        key: 'b',
        capability: 'echo',
        after: [
          {
            key: 'a',
            when: 'result.go',
            alias: 'x',
            select: { fields: ['go'], maxBytes: 10, oversize: 'CUT' },
          },
        ],
      },
    ],
  });
  expect(json(spec.input)).toEqual({ go: true });
  expect(spec).toMatchObject({
    output: 'results.b',
    outputTask: '',
    tasks: [
      { when: 'input.go', inputExpression: 'input' },
      {
        dependencies: [
          {
            key: 'a',
            when: 'result.go',
            alias: 'x',
            select: { fields: ['go'], maxBytes: 10, oversize: OversizePolicy.CUT },
          },
        ],
      },
    ],
  });
  const misspelt = { tasks: [{ capability: 'a', after: [{ key: 'b', select: { field: 'x' } }] }] };
  expect(() => toRunSpec(misspelt as unknown as RunInput)).toThrow(
    expect.objectContaining({ field: 'tasks[0].dependencies[0].select.field' }),
  );
});

test('C.3 to C.7, D.4, D.5, D.9: every construct has its place in the proto', () => {
  const spec = toRunSpec({
    mode: 'SEQUENTIAL',
    maxParallel: 3,
    startDelay: '1s',
    startTime: new Date(5_000),
    childSpecs: { inner: { tasks: [{ key: 'x', expression: '1 + 1' }] } },
    tasks: [
      { key: 'rows', capability: 'echo', foreach: ['a', { b: 1 }] },
      {
        key: 'some',
        capability: 'echo',
        foreach: { itemsExpression: 'input', maxParallel: 2, siblings: 'STOP' },
      },
      { key: 'poll', capability: 'echo', repeat: 'result.done' },
      { key: 'loop', capability: 'echo', repeat: { maxIterations: 3, delay: '2s', nextInput: 'result' } },
      { key: 'judge', capability: 'echo', after: ['poll'], sendBack: { to: 'poll', when: '!result' } },
      { key: 'ok', signal: 'approve', timeouts: { attempt: '1h' } },
      { key: 'nap', timer: '3s' },
      { key: 'dawn', timer: new Date(9_000), startDelay: 5, expectedDuration: '90s' },
      { key: 'child', childRun: 'inner' },
      { key: 'report', childRun: { workflow: 'report', version: 2 } },
      { key: 'old', link: { runId: 'r', taskKey: 't' } },
      {
        key: 'careful',
        capability: 'echo',
        errorRules: [
          { codes: ['NET_*'], action: 'RETRY', delay: '4s' },
          { action: 'COMPLETE', result: 'none' },
        ],
        fallback: 'echo.twice',
        guardrails: ['result > 0', { schema: { type: 'number' } }, { capability: 'check.it', message: 'no' }],
        compensation: 'undo.it',
      },
    ],
  });

  const byKey = Object.fromEntries(spec.tasks.map((one) => [one.key, one]));
  expect(spec).toMatchObject({ maxParallel: 3, mode: 2, startDelay: { seconds: 1n } });
  expect(spec.childSpecs.inner?.tasks[0]?.expression).toBe('1 + 1');
  expect(byKey.rows?.foreach?.items.map(json)).toEqual(['a', { b: 1 }]);
  expect(byKey.some?.foreach).toMatchObject({ itemsExpression: 'input', maxParallel: 2, siblings: 2 });
  expect(byKey.poll?.repeat?.until).toBe('result.done');
  expect(byKey.loop?.repeat).toMatchObject({ maxIterations: 3, nextInput: 'result', delay: { seconds: 2n } });
  expect(byKey.judge?.sendBack).toMatchObject([{ to: 'poll', when: '!result' }]);
  expect(byKey.ok).toMatchObject({ capability: '', signal: { name: 'approve' } });
  expect(byKey.nap?.timer?.delay?.seconds).toBe(3n);
  expect(byKey.dawn?.timer?.time?.seconds).toBe(9n);
  expect(byKey.dawn?.expectedDuration?.seconds).toBe(90n);
  expect(byKey.child?.childRun?.spec).toBe('inner');
  expect(byKey.report?.childRun).toMatchObject({ workflow: 'report', version: 2 });
  expect(byKey.old?.link).toMatchObject({ runId: 'r', taskKey: 't' });
  expect(byKey.careful).toMatchObject({
    fallback: 'echo.twice',
    errorRules: [{ codes: ['NET_*'], action: 1, delay: { seconds: 4n } }, { action: 4 }],
    guardrails: [
      { check: 'result > 0' },
      { schema: { type: 'number' } },
      { capability: 'check.it', message: 'no' },
    ],
    compensation: { capability: 'undo.it' },
  });
});

test('a manager makes a run managed', () => {
  const spec = toRunSpec({ manager: { capability: 'crew.lead' }, tasks: [{ key: 'a', capability: 'echo' }] });

  expect(spec).toMatchObject({ mode: 3, manager: { capability: 'crew.lead' } });
});
