// F.2, A.4, F.1: tasks of a final run are done again.

import { describe, expect, test } from 'vitest';
import { runDeadlineMs } from './due.ts';
import { PLAIN_FLOW } from './spec.ts';
import { payload, play, type Scenario, type TaskSketch, task } from './test-support.ts';

const json = (value: unknown) => ({ ...payload(JSON.stringify(value)), contentType: '' });

function done(run: Scenario, ...keys: string[]): readonly string[] {
  let said: readonly string[] = [];
  for (const key of keys) {
    run.start(key);
    said = run.complete(key);
  }
  return said;
}

function broken(run: Scenario, key: string): readonly string[] {
  run.start(key);
  return run.fail(key);
}

describe('FAILED', () => {
  test('A.4: revives what was skipped because of the failure, and keeps what completed', () => {
    const run = play([
      task('a'),
      task('b'),
      task('c', { after: ['b'] }),
      task('d', { after: ['a', 'c'] }),
      task('e', { after: ['a'] }),
    ]);
    done(run, 'a', 'e');
    expect(broken(run, 'b')).toEqual([
      'b FAILED ATTEMPTS_EXHAUSTED',
      'c SKIPPED UPSTREAM_FAILED by b',
      'd SKIPPED UPSTREAM_SKIPPED by c',
      'run FAILED TASK_FAILED by b',
    ]);

    expect(run.rerun('FAILED')).toEqual([
      'run RUNNING again, FAILED',
      'b WAITING again RERUN',
      'c WAITING again RERUN',
      'd WAITING again RERUN',
      'b READY',
    ]);
    expect(run.run).toMatchObject({ phase: 'RUNNING', failedTask: undefined, reason: 'NONE' });
    expect(done(run, 'b', 'c', 'd')).toEqual(['d COMPLETED', 'run COMPLETED']);
    expect(run.at('a').attempts).toHaveLength(1);
  });

  test('A.4: and what failed because of it', () => {
    const run = play([task('a'), task('b', { after: ['a'], onUnmet: 'FAIL' })]);
    broken(run, 'a');

    expect(run.rerun('FAILED').slice(1, 3)).toEqual(['a WAITING again RERUN', 'b WAITING again RERUN']);
    expect(done(run, 'a', 'b')).toEqual(['b COMPLETED', 'run COMPLETED']);
  });

  test('a task that ran because of the failure keeps its result', () => {
    const run = play([task('a'), task('alarm', { after: ['a!'] })]);
    broken(run, 'a');
    done(run, 'alarm');

    expect(run.rerun('FAILED')).toEqual(['run RUNNING again, FAILED', 'a WAITING again RERUN', 'a READY']);
    expect(done(run, 'a')).toEqual(['a COMPLETED', 'run COMPLETED']);
  });

  test('what was cancelled is done again', () => {
    const run = play([task('a'), task('b', { after: ['a'] })]);
    run.cancelRun();

    expect(run.rerun('FAILED')).toEqual([
      'run RUNNING again, FAILED',
      'a WAITING again RERUN',
      'b WAITING again RERUN',
      'a READY',
    ]);
    expect(done(run, 'a', 'b')).toEqual(['b COMPLETED', 'run COMPLETED']);
  });

  test('a join that was met by others is ready at once', () => {
    const run = play([task('a'), task('b'), task('c', { after: ['a', 'b'], join: { mode: 'ANY' } })]);
    broken(run, 'a');
    done(run, 'b');
    broken(run, 'c');

    expect(run.rerun('FAILED').slice(3)).toEqual(['a READY', 'c READY']);
  });

  test('attempts count anew, and all of them are kept', () => {
    const run = play([task('a', { retry: { maxAttempts: 2, initialDelayMs: 0 } })]);
    broken(run, 'a');
    broken(run, 'a');
    run.rerun('FAILED');

    expect(broken(run, 'a')).toEqual(['a RETRYING at 0 ms after FAILED', 'a READY']);
    expect(broken(run, 'a')).toEqual(['a FAILED ATTEMPTS_EXHAUSTED', 'run FAILED TASK_FAILED by a']);
    expect(run.at('a').attempts.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
  });

  test('where nothing failed there is nothing to do, and the answer says what can be asked for', () => {
    const run = play([task('a')]);
    done(run, 'a');

    expect(run.send({ type: 'RerunRun', scope: 'FAILED', from: undefined })).toMatchObject({
      ok: false,
      rejection: { code: 'WRONG_STATE', field: 'scope' },
    });
  });
});

describe('FROM', () => {
  const diamond = () => {
    const run = play([
      task('a'),
      task('b', { after: ['a'] }),
      task('c', { after: ['a'] }),
      task('d', { after: ['b', 'c'] }),
    ]);
    done(run, 'a', 'b', 'c', 'd');
    return run;
  };

  test('F.2: the task and everything that depends on it, nothing else', () => {
    const run = diamond();

    expect(run.rerun('FROM', 'b')).toEqual([
      'run RUNNING again, FROM b',
      'b WAITING again RERUN',
      'd WAITING again RERUN',
      'b READY',
    ]);
    expect(done(run, 'b', 'd')).toEqual(['d COMPLETED', 'run COMPLETED']);
    expect(run.at('c').attempts).toHaveLength(1);
  });

  test('F.2: a failure that is not done again stands, and does not stop what is', () => {
    const run = play([task('a'), task('b'), task('c', { after: ['b'] })], { failurePolicy: 'CANCEL' });
    run.start('b');
    broken(run, 'a');
    run.complete('b');
    expect(run.run.phase).toBe('FAILED');
    run.rerun('FROM', 'b');

    expect(done(run, 'b')).toEqual(['b COMPLETED', 'c READY']);
    expect(done(run, 'c')).toEqual(['c COMPLETED', 'run FAILED TASK_FAILED by a']);
  });

  test('F.2: a failure of the re-run itself ends it early where that was asked for', () => {
    const run = play([task('a'), task('b'), task('c')], { failurePolicy: 'CANCEL' });
    done(run, 'b', 'c');
    broken(run, 'a');
    run.rerun('ALL');

    expect(broken(run, 'a')).toEqual([
      'a FAILED ATTEMPTS_EXHAUSTED',
      'run CANCELLING TASK_FAILED',
      'b CANCELLED RUN_ENDING',
      'c CANCELLED RUN_ENDING',
      'run FAILED TASK_FAILED by a',
    ]);
  });
});

test('F.2, F.1: all of it, as often as one likes; time counts from the last time', () => {
  const run = play([task('a'), task('b', { after: ['a'] })], { timeoutMs: 1_000 });
  for (let round = 1; round <= 3; round++) {
    done(run, 'a', 'b');
    expect(run.run.phase).toBe('COMPLETED');
    run.passMs(10_000);
    expect(run.rerun('ALL')).toHaveLength(4);
    expect(runDeadlineMs(run.run)).toBe(round * 10_000 + 1_000);
  }
});

test('F.1: a run that is not final is not done again', () => {
  const run = play([task('a')]);

  expect(run.send({ type: 'RerunRun', scope: 'ALL', from: undefined })).toMatchObject({
    ok: false,
    rejection: { code: 'NOT_FINAL', metadata: { state: 'RUNNING' } },
  });
});

describe('C.4: a foreach', () => {
  const each = (rest: TaskSketch = {}) =>
    task('each', {
      flow: {
        ...PLAIN_FLOW,
        foreach: {
          items: ['a', 'b', 'c'].map(json),
          itemsExpression: '',
          maxParallel: 0,
          toleratedFailures: 0,
          toleratedShare: 0,
          siblings: 'CONTINUE',
        },
      },
      ...rest,
    });
  const failed = () => {
    const run = play([each()]);
    done(run, 'each#0', 'each#2');
    broken(run, 'each#1');
    expect(run.run.phase).toBe('FAILED');
    return run;
  };

  test('F.2: with FAILED only the items that failed are done again', () => {
    const run = failed();

    expect(run.rerun('FAILED').slice(-1)).toEqual(['added each@2#1 for each']);
    expect(done(run, 'each@2#1')).toEqual(['each@2#1 COMPLETED', 'each COMPLETED', 'run COMPLETED']);
  });

  test('F.2: with ALL every item is, in one round', () => {
    expect(failed().rerun('ALL').slice(-1)).toEqual(['added each@2#0, each@2#1, each@2#2 for each']);
  });

  test('F.2: an item that was cancelled in an earlier round says nothing of this one', () => {
    const run = play([each()]);
    done(run, 'each#0', 'each#2');
    run.cancel('each#1');
    expect(run.run.phase).toBe('FAILED');
    run.rerun('FAILED');

    expect(done(run, 'each@2#1').slice(-1)).toEqual(['run COMPLETED']);
  });

  test('F.2: an item is not done again on its own', () => {
    const run = failed();
    const command = { type: 'RerunRun', scope: 'FROM', from: run.index('each#1') } as const;

    expect(run.send(command)).toMatchObject({
      ok: false,
      rejection: { code: 'WRONG_STATE', field: 'task_key' },
    });
  });
});

test('D.9, F.2: what was undone is done again, though it had completed', () => {
  const compensation = {
    capability: 'undo',
    inputExpression: '',
    retry: task('x').retry,
    timeouts: task('x').timeouts,
  };
  const pay = task('pay', { handling: { ...task('x').handling, compensation } });
  const run = play([pay, task('ship', { after: ['pay'] })]);
  done(run, 'pay');
  broken(run, 'ship');
  expect(done(run, 'pay#undo').slice(-1)).toEqual(['run FAILED TASK_FAILED by ship']);

  expect(run.rerun('FAILED').slice(1, 3)).toEqual(['pay WAITING again RERUN', 'ship WAITING again RERUN']);
  done(run, 'pay');
  broken(run, 'ship');
  expect(done(run, 'pay@2#undo').slice(-1)).toEqual(['run FAILED TASK_FAILED by ship']);
});
