// How runs end: which failures are handled, what the failure policy does (proto: FailurePolicy, RunState).

import { describe, expect, test } from 'vitest';
import { play, type Scenario, task } from './test-support.ts';

function complete(run: Scenario, ...keys: readonly string[]): readonly string[] {
  let steps: readonly string[] = [];
  for (const key of keys) {
    run.start(key);
    steps = run.complete(key);
  }
  return steps;
}

function fail(run: Scenario, key: string): readonly string[] {
  run.start(key);
  return run.fail(key);
}

describe('CONTINUE: branches that do not depend on a failure finish', () => {
  test('then the run is FAILED, by the first one that nothing handled', () => {
    const run = play([task('a'), task('b'), task('c')]);
    fail(run, 'b');
    expect(run.run).toMatchObject({ phase: 'RUNNING', failedTask: 1 });
    fail(run, 'a');

    expect(complete(run, 'c')).toEqual(['c COMPLETED', 'run FAILED TASK_FAILED by b']);
    expect(run.run).toMatchObject({ phase: 'FAILED', reason: 'TASK_FAILED', failedTask: 1, endedAtMs: 0 });
  });

  test('allow_failure handles it', () => {
    const run = play([task('a', { allowFailure: true }), task('b', { after: ['a'] })]);

    expect(fail(run, 'a').slice(1)).toEqual(['b SKIPPED UPSTREAM_FAILED by a', 'run COMPLETED']);
  });

  test.each(['a!', 'a?'])('a dependant that ran over %s handles it', (after) => {
    const run = play([task('a'), task('handler', { after: [after] })]);

    expect(fail(run, 'a')).toEqual(['a FAILED ATTEMPTS_EXHAUSTED', 'handler READY']);
    expect(run.run.failedTask).toBeUndefined();
    expect(complete(run, 'handler')).toEqual(['handler COMPLETED', 'run COMPLETED']);
  });

  test('a handler that fails counts in its stead', () => {
    const run = play([task('a'), task('handler', { after: ['a!'] })]);
    fail(run, 'a');

    expect(fail(run, 'handler').at(-1)).toBe('run FAILED TASK_FAILED by handler');
  });

  test('a handler that was cancelled or skipped handles nothing', () => {
    const cancelled = play([task('a'), task('handler', { after: ['a!'] })]);
    fail(cancelled, 'a');
    expect(cancelled.cancel('handler').at(-1)).toBe('run FAILED TASK_FAILED by a');

    const skipped = play([task('a'), task('b'), task('handler', { after: ['a!', 'b!'] })]);
    fail(skipped, 'a');
    expect(skipped.run.failedTask).toBeUndefined();
    expect(complete(skipped, 'b').slice(1)).toEqual([
      'handler SKIPPED UPSTREAM_COMPLETED by b',
      'run FAILED TASK_FAILED by a',
    ]);
  });

  test('a handler that failed before it ever ran handles nothing, though its own failure is allowed', () => {
    const timeouts = { queueMs: 10 };
    const handler = task('handler', { after: ['a!'], allowFailure: true, timeouts });
    const run = play([task('a'), handler, task('b')]);
    fail(run, 'a');
    run.passMs(10);
    expect(run.steps({ type: 'ExpireQueue', task: run.index('handler') })).toEqual([
      'handler FAILED QUEUE_TIMEOUT',
    ]);
    expect(complete(run, 'b').at(-1)).toBe('run FAILED TASK_FAILED by a');
  });

  test('one that ran before it failed by its queue handles it', () => {
    const timeouts = { queueMs: 10 };
    const retry = { maxAttempts: 2, initialDelayMs: 0 };
    const run = play([task('a'), task('handler', { after: ['a!'], allowFailure: true, timeouts, retry })]);
    fail(run, 'a');
    fail(run, 'handler');
    run.passMs(10);

    const steps = run.steps({ type: 'ExpireQueue', task: run.index('handler') });
    expect(steps).toEqual(['handler FAILED QUEUE_TIMEOUT', 'run COMPLETED']);
  });

  test('one handler of two is enough', () => {
    const run = play([task('a'), task('one', { after: ['a!'] }), task('two', { after: ['a?'] })]);
    fail(run, 'a');
    run.cancel('one');

    expect(run.run.failedTask).toBeUndefined();
    expect(complete(run, 'two').at(-1), 'the cancelled one stands').toBe('run CANCELLED TASK_CANCELLED');
  });

  test('a task that failed because of its dependencies is a failure of its own', () => {
    const run = play([task('a', { allowFailure: true }), task('b', { after: ['a'], onUnmet: 'FAIL' })]);

    expect(fail(run, 'a').slice(1)).toEqual(['b FAILED DEPENDENCY_FAILED', 'run FAILED TASK_FAILED by b']);
  });
});

describe('CANCEL: the rest is cancelled at once', () => {
  const policy = { failurePolicy: 'CANCEL' } as const;

  test('as soon as a task fails that nothing can handle', () => {
    const run = play([task('a'), task('b'), task('after', { after: ['a'] }), task('runs')], policy);
    run.start('runs');

    expect(fail(run, 'a')).toEqual([
      'a FAILED ATTEMPTS_EXHAUSTED',
      'run CANCELLING TASK_FAILED',
      'b CANCELLED RUN_ENDING',
      'after CANCELLED RUN_ENDING',
      'runs told to stop RUN_ENDING within 10000 ms',
    ]);
    expect(run.complete('runs')).toEqual(['runs CANCELLED RUN_ENDING', 'run FAILED TASK_FAILED by a']);
  });

  test('not while a handler may still run, but once it cannot', () => {
    const run = play([task('a'), task('b'), task('handler', { after: ['a!', 'b'] }), task('c')], policy);

    expect(fail(run, 'a')).toEqual(['a FAILED ATTEMPTS_EXHAUSTED']);
    expect(run.cancel('b')).toEqual([
      'b CANCELLED CANCEL_REQUESTED',
      'handler SKIPPED UPSTREAM_CANCELLED by b',
      'run CANCELLING TASK_FAILED',
      'c CANCELLED RUN_ENDING',
      'run FAILED TASK_FAILED by a',
    ]);
  });

  test('not for a failure that is allowed', () => {
    const run = play([task('a', { allowFailure: true }), task('b')], policy);

    expect(fail(run, 'a')).toEqual(['a FAILED ATTEMPTS_EXHAUSTED']);
    expect(complete(run, 'b').at(-1)).toBe('run COMPLETED');
  });

  test('a run whose last task fails just ends', () => {
    const run = play([task('a')], policy);

    expect(fail(run, 'a')).toEqual(['a FAILED ATTEMPTS_EXHAUSTED', 'run FAILED TASK_FAILED by a']);
  });
});

describe('tasks that were cancelled on their own', () => {
  test('make the run CANCELLED, once all others are final', () => {
    const run = play([task('a'), task('b')]);
    run.cancel('a');

    expect(complete(run, 'b')).toEqual(['b COMPLETED', 'run CANCELLED TASK_CANCELLED']);
  });

  test('unless a dependant ran in spite of it', () => {
    const run = play([task('a'), task('b', { after: ['a?'] })]);
    run.cancel('a');

    expect(complete(run, 'b')).toEqual(['b COMPLETED', 'run COMPLETED']);
  });

  test('a dependant that failed before it ever ran does not count', () => {
    const b = task('b', { after: ['a?'], allowFailure: true, timeouts: { queueMs: 10 } });
    const run = play([task('a'), b]);
    run.cancel('a');
    run.passMs(10);

    const steps = run.steps({ type: 'ExpireQueue', task: 1 });
    expect(steps).toEqual(['b FAILED QUEUE_TIMEOUT', 'run CANCELLED TASK_CANCELLED']);
  });

  test('a failure weighs more', () => {
    const run = play([task('a'), task('b')]);
    run.cancel('a');

    expect(fail(run, 'b').at(-1)).toBe('run FAILED TASK_FAILED by b');
  });
});
