// BEHAVIOURS D.6: queue, attempt, whole, heartbeat, run deadline; each at its moment and not before.

import { describe, expect, test } from 'vitest';
import type { RunCommand } from './commands.ts';
import { dueCommand, nextDueAtMs, runDeadlineMs } from './due.ts';
import { play, type Scenario, task } from './test-support.ts';

/** Shows that nothing happens a millisecond early, then what does. */
function expire(run: Scenario, afterMs: number, command: RunCommand): readonly string[] {
  run.passMs(afterMs - 1);
  expect(run.steps(command)).toEqual([]);
  run.passMs(1);
  return run.steps(command);
}

describe('queue', () => {
  const command = { type: 'ExpireQueue', task: 0 } as const;

  test('READY for too long: FAILED', () => {
    const run = play([task('a', { timeouts: { queueMs: 50 } })]);

    expect(nextDueAtMs(run.run, 0, 0)).toBe(50);
    expect(expire(run, 50, command)[0]).toBe('a FAILED QUEUE_TIMEOUT');
    expect(run.at('a').attempts).toEqual([]);
  });

  test('counts anew each time, and keeps the error of the attempt before', () => {
    const run = play([
      task('a', { timeouts: { queueMs: 50 }, retry: { maxAttempts: 2, initialDelayMs: 0 } }),
    ]);
    run.passMs(40);
    run.start('a');
    expect(run.steps(command)).toEqual([]);
    run.fail('a');

    expect(nextDueAtMs(run.run, 0, 0)).toBe(90);
    expect(expire(run, 50, command)[0]).toBe('a FAILED QUEUE_TIMEOUT');
    expect(run.at('a').error?.code).toBe('BROKEN');
  });
});

describe('attempt', () => {
  const command = { type: 'ExpireAttempt', task: 0 } as const;

  test('TIMED_OUT, and tried again', () => {
    const run = play([
      task('a', { timeouts: { attemptMs: 30 }, retry: { maxAttempts: 2, initialDelayMs: 0 } }),
    ]);
    run.passMs(10);
    run.start('a');

    expect(nextDueAtMs(run.run, 0, 0)).toBe(40);
    expect(expire(run, 30, command)).toEqual(['a RETRYING at 40 ms after TIMED_OUT', 'a READY']);
    expect(run.at('a').reason).toBe('ATTEMPT_TIMED_OUT');
    expect(run.at('a').attempts[0]).toMatchObject({ state: 'TIMED_OUT', error: { code: 'TIMEOUT' } });
    run.start('a');
    expect(run.steps(command), 'the timer of the attempt before').toEqual([]);
    expect(expire(run, 30, command)[0]).toBe('a FAILED ATTEMPTS_EXHAUSTED');
    expect(run.at('a').error?.code).toBe('TIMEOUT');
  });
});

describe('heartbeat', () => {
  const command = { type: 'ExpireSilentAttempt', task: 0, deafMs: 0 } as const;

  test('silence, counted from the last progress', () => {
    const run = play([task('a', { timeouts: { heartbeatMs: 30 } })]);
    run.start('a');
    run.passMs(20);
    const progress = { percent: 1, message: '' };
    run.steps({ type: 'RecordProgress', task: 0, progress, checkpoint: undefined });

    expect(nextDueAtMs(run.run, 0, 0)).toBe(50);
    expect(expire(run, 30, command)[0]).toBe('a FAILED ATTEMPTS_EXHAUSTED');
    expect(run.at('a').attempts[0]).toMatchObject({
      state: 'TIMED_OUT',
      error: { code: 'HEARTBEAT_TIMEOUT' },
    });
  });
});

test('silence does not count while nobody could be heard', () => {
  const run = play([task('a', { timeouts: { heartbeatMs: 30 } })]);
  run.start('a');

  expect(nextDueAtMs(run.run, 0, 20)).toBe(50);
  expect(expire(run, 50, { type: 'ExpireSilentAttempt', task: 0, deafMs: 20 })[0]).toBe(
    'a FAILED ATTEMPTS_EXHAUSTED',
  );
});

describe('whole', () => {
  const command = { type: 'ExpireTask', task: 0 } as const;
  const timeouts = { wholeMs: 100 };
  const retry = { maxAttempts: 9, initialDelayMs: 1_000 };

  test('counts from the first READY, over attempts and delays', () => {
    const run = play([task('a', { timeouts, retry })]);
    run.passMs(10);
    run.start('a');
    run.passMs(10);
    run.fail('a');

    expect(nextDueAtMs(run.run, 0, 0), 'before its retry at 1,020').toBe(100);
    expect(expire(run, 80, command)[0]).toBe('a FAILED TASK_TIMEOUT');
    expect(run.at('a').error?.code, 'the last one it had').toBe('BROKEN');
  });

  test('does not count anew when the task is ready again', () => {
    const run = play([task('a', { timeouts, retry: { maxAttempts: 9, initialDelayMs: 0 } })]);
    run.passMs(10);
    run.start('a');
    run.fail('a');

    expect(run.at('a')).toMatchObject({ state: 'READY', readyAtMs: 10, firstReadyAtMs: 0 });
    expect(nextDueAtMs(run.run, 0, 0)).toBe(100);
    expect(expire(run, 90, command)[0]).toBe('a FAILED TASK_TIMEOUT');
  });

  test('ends a running attempt', () => {
    const run = play([task('a', { timeouts, retry })]);
    run.start('a');

    expect(expire(run, 100, command)[0]).toBe('a FAILED TASK_TIMEOUT');
    expect(run.at('a').attempts[0]).toMatchObject({
      state: 'TIMED_OUT',
      endedAtMs: 100,
      error: { code: 'TIMEOUT' },
    });
  });

  test('does not run while the task waits for others', () => {
    const run = play([task('late', { after: ['a'], timeouts }), task('a')]);
    run.passMs(1_000);

    expect(run.steps(command)).toEqual([]);
    run.start('a');
    run.complete('a');
    expect(nextDueAtMs(run.run, 0, 0)).toBe(1_100);
  });
});

describe('run', () => {
  test('beyond it what is left is cancelled and the run is FAILED', () => {
    const run = play([task('a', { cancelGraceMs: 5 }), task('b'), task('c', { after: ['b'] })], {
      timeoutMs: 200,
    });
    run.start('a');

    expect(runDeadlineMs(run.run)).toBe(200);
    expect(expire(run, 200, { type: 'ExpireRun' })).toEqual([
      'run CANCELLING RUN_TIMEOUT',
      'a told to stop RUN_ENDING within 5 ms',
      'b CANCELLED RUN_ENDING',
      'c CANCELLED RUN_ENDING',
    ]);
    expect(runDeadlineMs(run.run)).toBeUndefined();
    expect(run.steps({ type: 'ExpireRun' })).toEqual([]);
    expect(run.complete('a')).toEqual(['a CANCELLED RUN_ENDING', 'run FAILED RUN_TIMEOUT']);
  });
});

test('nothing is due for a task that waits, or is final, or sets no limits', () => {
  const run = play([
    task('a', { timeouts: { queueMs: 1, wholeMs: 1 } }),
    task('b', { after: ['a'], timeouts: { wholeMs: 1 } }),
  ]);
  expect(nextDueAtMs(run.run, 1, 0)).toBeUndefined();
  expect(dueCommand(run.run, 1, 0, 1_000)).toBeUndefined();
  run.start('a');
  run.complete('a');

  expect(nextDueAtMs(run.run, 0, 0)).toBeUndefined();
  expect(nextDueAtMs(run.run, 1, 0)).toBe(1);
});

test('of several moments that have passed, the one that ends most counts', () => {
  const timeouts = { attemptMs: 10, heartbeatMs: 5, wholeMs: 20 };
  const run = play([task('a', { timeouts, cancelGraceMs: 30 })]);
  run.start('a');
  run.cancel('a');

  expect(nextDueAtMs(run.run, 0, 0)).toBe(5);
  expect(dueCommand(run.run, 0, 0, 4)).toBeUndefined();
  expect(dueCommand(run.run, 0, 0, 5)?.type).toBe('ExpireSilentAttempt');
  expect(dueCommand(run.run, 0, 0, 10)?.type).toBe('ExpireAttempt');
  expect(dueCommand(run.run, 0, 0, 20)?.type).toBe('ExpireTask');
  expect(dueCommand(run.run, 0, 0, 30)?.type).toBe('ExpireGrace');
});
