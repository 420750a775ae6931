// BEHAVIOURS D.8 and promise 5: a cancelled task never becomes completed.

import { describe, expect, test } from 'vitest';
import type { RunCommand } from './commands.ts';
import { nextDueAtMs } from './due.ts';
import { payload, play, task } from './test-support.ts';

describe('cancelling a task', () => {
  test('WAITING, READY and RETRYING end at once', () => {
    const run = play([
      task('ready'),
      task('waiting', { after: ['ready'] }),
      task('retrying', { retry: { maxAttempts: 2 } }),
      task('other'),
    ]);
    run.start('retrying');
    run.fail('retrying');

    expect(run.cancel('retrying')).toEqual(['retrying CANCELLED CANCEL_REQUESTED']);
    expect(run.cancel('waiting')).toEqual(['waiting CANCELLED CANCEL_REQUESTED']);
    expect(run.cancel('ready')).toEqual(['ready CANCELLED CANCEL_REQUESTED']);
    expect(run.at('retrying').attempts.map(({ state }) => state)).toEqual(['FAILED']);
    expect(run.at('retrying').retryAtMs).toBeUndefined();
  });

  test('RUNNING is told and given its grace; asking again changes nothing', () => {
    const run = play([task('a', { cancelGraceMs: 500 }), task('other')]);
    run.start('a');
    run.passMs(10);

    expect(run.cancel('a')).toEqual(['a told to stop CANCEL_REQUESTED within 500 ms']);
    expect(run.at('a')).toMatchObject({ state: 'RUNNING', cancelling: { untilMs: 510 } });
    expect(nextDueAtMs(run.run, 0, 0)).toBe(510);
    expect(run.cancel('a')).toEqual([]);
  });

  test('without grace RUNNING ends at once, and the late result is nothing', () => {
    const run = play([task('a', { cancelGraceMs: 0 }), task('other')]);
    run.start('a');

    expect(run.cancel('a')).toEqual(['a CANCELLED CANCEL_REQUESTED']);
    expect(run.at('a').attempts[0]).toMatchObject({ state: 'CANCELLED', endedAtMs: 0 });
    expect(run.complete('a')).toEqual([]);
  });

  const error = { code: 'BROKEN', message: '', details: undefined };
  const usage = { tokens: 3 };
  const partialResult = payload('half');
  const ends: readonly [string, RunCommand, object][] = [
    ['obeys', { type: 'EndCancelledAttempt', task: 0, partialResult, usage }, { partialResult, usage }],
    [
      'completes',
      { type: 'CompleteAttempt', task: 0, result: partialResult, usage },
      { partialResult, usage },
    ],
    [
      'fails',
      { type: 'FailAttempt', task: 0, error, final: false, retryAfterMs: undefined, usage },
      { usage },
    ],
    ['is lost', { type: 'LoseAttempt', task: 0, code: 'EXECUTOR_LOST', message: '' }, {}],
    ['times out', { type: 'ExpireAttempt', task: 0 }, {}],
    ['is silent', { type: 'ExpireSilentAttempt', task: 0, deafMs: 0 }, {}],
    ['takes longer than the whole task may', { type: 'ExpireTask', task: 0 }, {}],
    ['takes longer than its grace', { type: 'ExpireGrace', task: 0 }, {}],
  ];
  test.each(ends)('a task told to stop is CANCELLED when its attempt %s', (_, command, kept) => {
    const timeouts = { attemptMs: 100, heartbeatMs: 100, wholeMs: 100 };
    const run = play([
      task('a', { cancelGraceMs: 100, timeouts, retry: { maxAttempts: 5 } }),
      task('b', { after: ['a'] }),
    ]);
    run.start('a');
    run.cancel('a');
    run.passMs(100);

    expect(run.steps(command)).toEqual([
      'a CANCELLED CANCEL_REQUESTED',
      'b SKIPPED UPSTREAM_CANCELLED by a',
      'run CANCELLED TASK_CANCELLED',
    ]);
    expect(run.at('a').attempts[0]).toMatchObject({ state: 'CANCELLED', endedAtMs: 100, ...kept });
    expect(run.at('a').result).toBeUndefined();
  });

  test('the grace is not over before its time', () => {
    const run = play([task('a', { cancelGraceMs: 100 })]);
    run.start('a');
    expect(run.steps({ type: 'ExpireGrace', task: 0 }), 'nobody cancelled it').toEqual([]);
    run.cancel('a');
    run.passMs(99);

    expect(run.steps({ type: 'ExpireGrace', task: 0 })).toEqual([]);
  });

  test('what is final is refused with its state', () => {
    const run = play([task('a'), task('b')]);
    run.start('a');
    run.complete('a');

    expect(run.send({ type: 'CancelTask', task: 0, subtree: false })).toMatchObject({
      ok: false,
      rejection: { code: 'ALREADY_FINAL', metadata: { state: 'COMPLETED' } },
    });
  });
});

describe('cancelling a subtree', () => {
  const tasks = [
    task('root'),
    task('inner', { parent: 'root' }),
    task('leaf', { parent: 'inner', after: ['root'] }),
    task('optional', { parent: 'inner', after: ['root?'] }),
    task('outside', { after: ['leaf'] }),
    task('other'),
  ];

  test('takes everything below by parent: cancelled, not skipped; what is outside sees it', () => {
    const run = play(tasks);
    run.start('inner');

    expect(run.cancel('root', true)).toEqual([
      'root CANCELLED CANCEL_REQUESTED',
      'inner told to stop CANCEL_REQUESTED within 10000 ms',
      'leaf CANCELLED CANCEL_REQUESTED',
      'optional CANCELLED CANCEL_REQUESTED',
      'outside SKIPPED UPSTREAM_CANCELLED by leaf',
    ]);
    expect(run.at('other').state).toBe('READY');
  });

  test('leaves the tasks below alone unless asked', () => {
    const run = play(tasks);

    run.cancel('inner');

    expect(run.at('leaf').state).toBe('WAITING');
  });

  test('is refused only if all of it is final', () => {
    const run = play([task('root'), task('leaf', { parent: 'root' }), task('other')]);
    run.start('root');
    run.complete('root');

    expect(run.cancel('root', true)).toEqual(['leaf CANCELLED CANCEL_REQUESTED']);
    expect(run.send({ type: 'CancelTask', task: 0, subtree: true })).toMatchObject({
      ok: false,
      rejection: { code: 'ALREADY_FINAL', metadata: { state: 'COMPLETED' } },
    });
  });
});

describe('cancelling a run', () => {
  test('ends in one step if nothing runs', () => {
    const run = play([task('a'), task('b', { after: ['a'] })]);

    expect(run.cancelRun('not needed')).toEqual([
      'run CANCELLING CANCEL_REQUESTED',
      'a CANCELLED RUN_ENDING',
      'b CANCELLED RUN_ENDING',
      'run CANCELLED CANCEL_REQUESTED',
    ]);
    expect(run.run).toMatchObject({ phase: 'CANCELLED', reason: 'CANCEL_REQUESTED', message: 'not needed' });
  });

  test('waits for what runs; nothing becomes ready or is skipped meanwhile', () => {
    const run = play([task('a'), task('b'), task('after', { after: ['b?'] })]);
    run.start('a');
    run.start('b');
    run.cancel('b');

    expect(run.cancelRun()).toEqual([
      'run CANCELLING CANCEL_REQUESTED',
      'a told to stop RUN_ENDING within 10000 ms',
      'after CANCELLED RUN_ENDING',
    ]);
    expect(run.cancelRun(), 'asked twice').toEqual([]);
    expect(run.complete('b')).toEqual(['b CANCELLED CANCEL_REQUESTED']);
    expect(run.fail('a')).toEqual(['a CANCELLED RUN_ENDING', 'run CANCELLED CANCEL_REQUESTED']);
  });

  test('a final run is refused with its state', () => {
    const run = play([task('a')]);
    run.start('a');
    run.complete('a');

    expect(run.send({ type: 'CancelRun', message: '' })).toMatchObject({
      ok: false,
      rejection: { code: 'ALREADY_FINAL', metadata: { state: 'COMPLETED' } },
    });
  });
});
