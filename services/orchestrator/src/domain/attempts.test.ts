// BEHAVIOURS D.1, D.2, D.3, D.10: how attempts end, and when there is another one.

import { describe, expect, test } from 'vitest';
import { payload, play, task } from './test-support.ts';

describe('D.1: retry', () => {
  test('the delay grows by the factor up to the cap, for every attempt that counts', () => {
    const retry = { maxAttempts: 5, initialDelayMs: 100, factor: 3, maxDelayMs: 500 };
    const run = play([task('a', { retry })]);
    const delays: number[] = [];

    for (let attempt = 1; attempt < 5; attempt++) {
      run.start('a');
      run.fail('a');
      const delayMs = (run.at('a').retryAtMs ?? 0) - (run.at('a').attempts.at(-1)?.endedAtMs ?? 0);
      delays.push(delayMs);
      run.passMs(delayMs);
      expect(run.steps({ type: 'RetryTask', task: 0 })).toEqual(['a READY']);
    }

    expect(delays).toEqual([100, 300, 500, 500]);
  });

  test('a retry that is not due yet does not happen', () => {
    const run = play([task('a', { retry: { maxAttempts: 2, initialDelayMs: 100 } })]);
    run.start('a');
    run.fail('a');
    run.passMs(99);

    expect(run.steps({ type: 'RetryTask', task: 0 })).toEqual([]);
    expect(run.at('a')).toMatchObject({ state: 'RETRYING', reason: 'ATTEMPT_FAILED' });
    run.passMs(1);
    expect(run.steps({ type: 'RetryTask', task: 0 })).toEqual(['a READY']);
    expect(run.at('a')).toMatchObject({ state: 'READY', reason: 'ATTEMPT_FAILED', retryAtMs: undefined });
    run.start('a');
    expect(run.at('a')).toMatchObject({ state: 'RUNNING', reason: 'NONE' });
  });

  test('without a delay the task is ready again in the same step', () => {
    const run = play([task('a', { retry: { maxAttempts: 2, initialDelayMs: 0 } })]);
    run.start('a');

    expect(run.fail('a')).toEqual(['a RETRYING at 0 ms after FAILED', 'a READY']);
  });

  test('the executor may name its own delay', () => {
    const run = play([task('a', { retry: { maxAttempts: 2, initialDelayMs: 100 } })]);
    run.start('a');

    expect(run.fail('a', 'BUSY', { retryAfterMs: 7_000 })).toEqual(['a RETRYING at 7000 ms after FAILED']);
  });

  test.each([
    ['the executor says that retrying is useless', 'BROKEN', true],
    ['the code is one that is never retried', 'FATAL', false],
  ])('no further attempt if %s', (_, code, final) => {
    const run = play([task('a', { retry: { maxAttempts: 9, nonRetryableCodes: ['FATAL'] } })]);
    run.start('a');

    expect(run.fail('a', code, { final })[0]).toBe('a FAILED ERROR_NOT_RETRYABLE');
    expect(run.at('a').error?.code).toBe(code);
  });
});

test('D.2: every attempt keeps its own error, times, executor and usage', () => {
  const run = play([task('a', { retry: { maxAttempts: 2, initialDelayMs: 0 } })]);
  run.start('a');
  run.passMs(5);
  const error = { code: 'NO_LUCK', message: 'try again', details: payload('why') };
  const usage = { tokens: 12 };
  run.steps({ type: 'FailAttempt', task: 0, error, final: false, retryAfterMs: undefined, usage });
  run.passMs(2);
  run.steps({ type: 'StartAttempt', task: 0, executorId: 'executor-2', leaseToken: 'lease-2' });
  run.passMs(3);
  run.steps({ type: 'CompleteAttempt', task: 0, result: payload('done'), usage: { tokens: 30 } });

  expect(run.at('a').attempts).toMatchObject([
    { number: 1, state: 'FAILED', executorId: 'executor-1', startedAtMs: 0, endedAtMs: 5, error, usage },
    {
      number: 2,
      state: 'COMPLETED',
      executorId: 'executor-2',
      startedAtMs: 7,
      endedAtMs: 10,
      usage: { tokens: 30 },
    },
  ]);
  expect(run.at('a')).toMatchObject({
    result: payload('done'),
    error: undefined,
    startedAtMs: 0,
    endedAtMs: 10,
  });
});

describe('D.3: attempts in all', () => {
  test('fail, fail, succeed with three: three calls, COMPLETED', () => {
    const run = play([task('a', { retry: { maxAttempts: 3, initialDelayMs: 0 } })]);
    for (let call = 0; call < 2; call++) {
      run.start('a');
      run.fail('a');
    }
    run.start('a');

    expect(run.complete('a')).toEqual(['a COMPLETED', 'run COMPLETED']);
    expect(run.at('a').attempts.map(({ state }) => state)).toEqual(['FAILED', 'FAILED', 'COMPLETED']);
  });

  test('always failing with six: six calls, FAILED with the last error', () => {
    const run = play([task('a', { retry: { maxAttempts: 6, initialDelayMs: 0 } })]);
    let calls = 0;
    while (run.at('a').state === 'READY' && calls < 10) {
      run.start('a');
      run.fail('a', `BROKEN_${++calls}`);
    }

    expect(calls).toBe(6);
    expect(run.at('a')).toMatchObject({
      state: 'FAILED',
      reason: 'ATTEMPTS_EXHAUSTED',
      error: { code: 'BROKEN_6' },
    });
    expect(run.run).toMatchObject({ phase: 'FAILED', reason: 'TASK_FAILED', failedTask: 0 });
  });

  test('one attempt is the default', () => {
    const run = play([task('a')]);
    run.start('a');

    expect(run.fail('a')).toEqual(['a FAILED ATTEMPTS_EXHAUSTED', 'run FAILED TASK_FAILED by a']);
  });
});

describe('D.10: lost executors', () => {
  test('a lost attempt is tried again at once and does not count', () => {
    const run = play([task('a', { retry: { maxAttempts: 1 } })]);
    run.start('a');

    expect(run.lose('a')).toEqual(['a RETRYING at 0 ms after LOST', 'a READY']);
    expect(run.at('a')).toMatchObject({ reason: 'ATTEMPT_LOST', lostAttempts: 1 });
    expect(run.at('a').attempts[0]).toMatchObject({ state: 'LOST', error: { code: 'EXECUTOR_LOST' } });
    expect(run.start('a')).toEqual(['a RUNNING attempt 2']);
    expect(run.fail('a')[0]).toBe('a FAILED ATTEMPTS_EXHAUSTED');
  });

  test('the delay counts the attempts that count', () => {
    const run = play([task('a', { retry: { maxAttempts: 3, initialDelayMs: 10, factor: 10 } })]);
    run.start('a');
    run.lose('a');
    run.start('a');

    expect(run.fail('a')).toEqual(['a RETRYING at 10 ms after FAILED']);
  });

  test('losses are bounded apart', () => {
    const run = play([task('a', { retry: { maxLostAttempts: 2 } })]);
    for (let loss = 0; loss < 2; loss++) {
      run.start('a');
      expect(run.lose('a').at(-1)).toBe('a READY');
    }
    run.start('a');

    expect(run.lose('a')[0]).toBe('a FAILED EXECUTORS_LOST');
    expect(run.at('a')).toMatchObject({ lostAttempts: 3, error: { code: 'EXECUTOR_LOST' } });
  });

  test('who must not run twice names EXECUTOR_LOST among the codes never retried', () => {
    const run = play([task('a', { retry: { maxAttempts: 3, nonRetryableCodes: ['EXECUTOR_LOST'] } })]);
    run.start('a');

    expect(run.lose('a')[0]).toBe('a FAILED ERROR_NOT_RETRYABLE');
  });

  test('an executor that stops an attempt unasked has given it back', () => {
    const run = play([task('a')]);
    run.start('a');

    const command = {
      type: 'EndCancelledAttempt',
      task: 0,
      partialResult: undefined,
      usage: undefined,
    } as const;
    expect(run.steps(command)).toEqual(['a RETRYING at 0 ms after LOST', 'a READY']);
    expect(run.at('a').attempts[0]?.error?.code).toBe('RELEASED');
  });
});

test('an assignment too large to send fails its task without an attempt', () => {
  const run = play([task('a', { retry: { maxAttempts: 5 } })]);

  const steps = run.steps({
    type: 'RefuseAssignment',
    task: 0,
    upstream: undefined,
    sizeBytes: 9_000,
    limitBytes: 8_000,
  });

  expect(steps[0]).toBe('a FAILED ASSIGNMENT_TOO_LARGE');
  expect(run.at('a').attempts).toEqual([]);
  expect(run.at('a').error).toMatchObject({
    code: 'PAYLOAD_TOO_LARGE',
    message: expect.stringMatching(/9000.*8000/),
  });
});

test('progress and checkpoints are kept, and only what was said is overwritten', () => {
  const run = play([task('a', { retry: { maxAttempts: 2, initialDelayMs: 0 } })]);
  const progress = { percent: 40, message: 'nearly half' };
  const nothing = { progress: undefined, checkpoint: undefined };
  run.start('a');
  run.passMs(7);

  expect(run.steps({ type: 'RecordProgress', task: 0, ...nothing })).toEqual([]);
  expect(run.steps({ type: 'RecordProgress', task: 0, ...nothing, progress })).toEqual(['a progressed']);
  expect(
    run.steps({ type: 'RecordProgress', task: 0, ...nothing, checkpoint: payload('here') }),
  ).toHaveLength(1);
  expect(run.at('a').attempts[0]).toMatchObject({ progress, heardAtMs: 7 });
  run.fail('a');
  expect(run.at('a').checkpoint, 'handed to the next attempt').toEqual(payload('here'));
  run.start('a');
  run.complete('a');
  expect(run.at('a').checkpoint, 'nobody needs it any more').toBeUndefined();
});

test('what comes too late comes to nothing', () => {
  const run = play([task('a'), task('b')]);
  run.start('a');
  run.complete('a');
  const before = structuredClone(run.at('a'));

  expect(run.start('a')).toEqual([]);
  expect(run.complete('a', payload('again'))).toEqual([]);
  expect(run.fail('a')).toEqual([]);
  expect(run.lose('a')).toEqual([]);
  expect(run.steps({ type: 'RetryTask', task: 0 })).toEqual([]);
  expect(run.steps({ type: 'ExpireGrace', task: 0 })).toEqual([]);
  expect(
    run.steps({ type: 'RefuseAssignment', task: 0, upstream: undefined, sizeBytes: 2, limitBytes: 1 }),
  ).toEqual([]);
  expect(run.at('a')).toEqual(before);
});
