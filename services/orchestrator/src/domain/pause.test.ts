// F.2: a paused run starts nothing, until it is resumed.

import { expect, test } from 'vitest';
import { deadlineAtMs, nextDueAtMs, runDeadlineMs } from './due.ts';
import { play, type TaskSketch, task } from './test-support.ts';

const computed = (key: string, rest: TaskSketch = {}) =>
  task(key, { capability: '', work: { type: 'EXPRESSION', text: '"x"' }, ...rest });

test('F.2: pausing twice is one pause, and so is resuming', () => {
  const run = play([task('a')]);

  expect(run.resume()).toEqual([]);
  expect(run.pause('lunch')).toEqual(['run paused']);
  expect(run.pause()).toEqual([]);
  expect(run.run.paused).toBe(true);
  expect(run.resume()).toEqual(['run resumed']);
  expect(run.run.paused).toBe(false);
});

test('F.2: what runs goes on, and what it makes READY only waits', () => {
  const run = play([task('a'), task('b', { after: ['a'] })]);
  run.start('a');
  run.pause();

  expect(run.complete('a')).toEqual(['a COMPLETED', 'b READY']);
});

test("F.2: the orchestrator's own work starts with the end of the pause, first READY first", () => {
  const run = play([task('a'), task('b'), computed('y', { after: ['a'] }), computed('x', { after: ['b'] })]);
  for (const key of ['a', 'b']) run.start(key);
  run.pause();
  run.complete('b');
  expect(run.complete('a')).toEqual(['a COMPLETED', 'y READY']);

  expect(run.resume()).toEqual([
    'run resumed',
    'x RUNNING attempt 1',
    'x COMPLETED',
    'y RUNNING attempt 1',
    'y COMPLETED',
    'run COMPLETED',
  ]);
});

test('F.2: a retry becomes READY, and no more', () => {
  const run = play([task('a', { retry: { maxAttempts: 2, initialDelayMs: 0 } })]);
  run.start('a');
  run.pause();

  expect(run.fail('a')).toEqual(['a RETRYING at 0 ms after FAILED', 'a READY']);
});

test('F.2, D.6: the queue timeout stands still and begins anew, the timeout of the run does not', () => {
  const run = play([task('a', { timeouts: { queueMs: 100 } })], { timeoutMs: 5_000 });
  run.pause();
  run.passMs(200);

  expect(nextDueAtMs(run.run, 0, 0)).toBeUndefined();
  expect(run.steps({ type: 'ExpireQueue', task: 0 })).toEqual([]);
  run.resume();
  expect(deadlineAtMs('Queue', run.run, 0, 0)).toBe(300);
  expect(runDeadlineMs(run.run)).toBe(5_000);
});

test('F.2: a run that is final is neither paused nor resumed', () => {
  const run = play([task('a')]);
  run.start('a');
  run.complete('a');

  for (const command of [{ type: 'PauseRun', message: '' }, { type: 'ResumeRun' }] as const) {
    expect(run.send(command)).toMatchObject({ ok: false, rejection: { code: 'ALREADY_FINAL' } });
  }
});

test('F.2: a run that ends while it is paused is not paused any more', () => {
  const run = play([task('a')]);
  run.start('a');
  run.pause();
  run.complete('a');

  expect(run.run).toMatchObject({ paused: false, phase: 'COMPLETED' });
});

test('F.2: a paused run can be cancelled, and a re-run of it is not paused', () => {
  const run = play([task('a')]);
  run.pause();

  expect(run.cancelRun()).toEqual([
    'run CANCELLING CANCEL_REQUESTED',
    'a CANCELLED RUN_ENDING',
    'run CANCELLED CANCEL_REQUESTED',
  ]);
  run.rerun('ALL');
  expect(run.run).toMatchObject({ paused: false, phase: 'RUNNING' });
});
