// BEHAVIOURS A.1, A.3 to A.6: who runs after whom, and who never does.

import { describe, expect, test } from 'vitest';
import { play, type Scenario, task } from './test-support.ts';

/** Plays a task to one of its ends. */
function end(run: Scenario, key: string, how: 'complete' | 'fail' | 'cancel'): readonly string[] {
  if (how === 'cancel') return run.cancel(key);
  run.start(key);
  return how === 'complete' ? run.complete(key) : run.fail(key);
}

test('A.1: a parent is a folder and orders nothing', () => {
  const run = play([task('A'), task('B', { parent: 'A', after: ['C'] }), task('C')]);

  expect(run.states()).toBe('A READY, B WAITING, C READY');
  expect(end(run, 'C', 'complete')).toEqual(['C COMPLETED', 'B READY']);
  expect(end(run, 'B', 'complete')).toEqual(['B COMPLETED']);
  expect(end(run, 'A', 'complete')).toEqual(['A COMPLETED', 'run COMPLETED']);
});

describe('A.3: required and optional edges', () => {
  test('a required upstream must be COMPLETED', () => {
    const run = play([task('a'), task('b', { after: ['a'] })]);

    expect(run.start('a')).toEqual(['a RUNNING attempt 1']);
    expect(run.at('b').state).toBe('WAITING');
    expect(run.complete('a')).toEqual(['a COMPLETED', 'b READY']);
  });

  test.each(['complete', 'fail', 'cancel'] as const)('an optional upstream may %s', (how) => {
    const run = play([task('a'), task('b', { after: ['a?'] })]);

    expect(end(run, 'a', how).at(-1)).toBe('b READY');
  });

  test('an optional upstream may be skipped', () => {
    const run = play([task('a'), task('b', { after: ['a!'] }), task('c', { after: ['b?'] })]);

    expect(end(run, 'a', 'complete')).toEqual([
      'a COMPLETED',
      'b SKIPPED UPSTREAM_COMPLETED by a',
      'c READY',
    ]);
  });
});

describe('A.4: an upstream that cannot do what was required', () => {
  test.each([
    ['fail', 'UPSTREAM_FAILED'],
    ['cancel', 'UPSTREAM_CANCELLED'],
  ] as const)('%s: the dependant is SKIPPED, and the consequence travels on', (how, reason) => {
    const run = play([task('a'), task('b', { after: ['a'] }), task('c', { after: ['b'] }), task('other')]);

    expect(end(run, 'a', how).slice(1)).toEqual([
      `b SKIPPED ${reason} by a`,
      'c SKIPPED UPSTREAM_SKIPPED by b',
    ]);
    expect(run.at('b').attempts).toEqual([]);
  });

  test('it is FAILED instead where it asks so, and its dependants see a failure', () => {
    const run = play([
      task('a'),
      task('b', { after: ['a'], onUnmet: 'FAIL' }),
      task('c', { after: ['b'] }),
      task('rescue', { after: ['b!'] }),
    ]);

    expect(end(run, 'a', 'fail')).toEqual([
      'a FAILED ATTEMPTS_EXHAUSTED',
      'b FAILED DEPENDENCY_FAILED',
      'c SKIPPED UPSTREAM_FAILED by b',
      'rescue READY',
    ]);
    expect(run.at('b').attempts).toEqual([]);
    expect(run.at('b').error).toBeUndefined();
  });

  test('it happens at once, while other upstreams still run', () => {
    const run = play([task('slow'), task('a'), task('b', { after: ['slow', 'a'] })]);
    run.start('slow');

    expect(end(run, 'a', 'fail').slice(1)).toEqual(['b SKIPPED UPSTREAM_FAILED by a']);
    expect(run.complete('slow')).toEqual(['slow COMPLETED', 'run FAILED TASK_FAILED by a']);
  });

  test('a chain of 50,000 is skipped in one step', () => {
    const size = 50_000;
    const run = play(
      Array.from({ length: size }, (_, i) => task(`t${i}`, i === 0 ? {} : { after: [`t${i - 1}`] })),
    );

    const steps = end(run, 't0', 'fail');

    expect(steps.length).toBe(size + 1);
    expect(run.run.counts).toMatchObject({ FAILED: 1, SKIPPED: size - 1 });
    expect(run.run.phase).toBe('FAILED');
  });
});

describe('A.5: tasks for the case of a failure', () => {
  const tasks = [
    task('work'),
    task('rescue', { after: ['work!'] }),
    task('report', { after: ['work?', 'rescue?'] }),
  ];

  test('SKIPPED when the other one completed', () => {
    const run = play(tasks);

    expect(end(run, 'work', 'complete')).toEqual([
      'work COMPLETED',
      'rescue SKIPPED UPSTREAM_COMPLETED by work',
      'report READY',
    ]);
    expect(end(run, 'report', 'complete').at(-1)).toBe('run COMPLETED');
  });

  test('runs when the other one failed, and the failure counts as handled', () => {
    const run = play(tasks);

    expect(end(run, 'work', 'fail')).toEqual(['work FAILED ATTEMPTS_EXHAUSTED', 'rescue READY']);
    expect(end(run, 'rescue', 'complete')).toEqual(['rescue COMPLETED', 'report READY']);
    expect(end(run, 'report', 'complete').at(-1)).toBe('run COMPLETED');
  });
});

describe('A.6: joins', () => {
  const sources = [task('a'), task('b'), task('c')];
  const after = ['a', 'b', 'c'];

  test('ALL waits for every edge', () => {
    const run = play([...sources, task('join', { after })]);

    expect(end(run, 'a', 'complete')).toEqual(['a COMPLETED']);
    expect(end(run, 'c', 'complete')).toEqual(['c COMPLETED']);
    expect(end(run, 'b', 'complete')).toEqual(['b COMPLETED', 'join READY']);
  });

  test('ANY runs on the first that suffices, and the rest goes on', () => {
    const run = play([...sources, task('join', { after, join: { mode: 'ANY' } })]);

    expect(end(run, 'a', 'fail')).toEqual(['a FAILED ATTEMPTS_EXHAUSTED']);
    expect(end(run, 'b', 'complete')).toEqual(['b COMPLETED', 'join READY']);
    expect(run.states()).toBe('a FAILED, b COMPLETED, c READY, join READY');
    expect(end(run, 'c', 'complete')).toEqual(['c COMPLETED']);
    expect(end(run, 'join', 'complete')).toEqual(['join COMPLETED', 'run FAILED TASK_FAILED by a']);
  });

  test('ANY is unmet only once none is left', () => {
    const run = play([...sources, task('join', { after, join: { mode: 'ANY' } })]);

    expect(end(run, 'a', 'fail')).toEqual(['a FAILED ATTEMPTS_EXHAUSTED']);
    expect(end(run, 'b', 'cancel')).toEqual(['b CANCELLED CANCEL_REQUESTED']);
    expect(end(run, 'c', 'fail').slice(1, 2)).toEqual(['join SKIPPED UPSTREAM_FAILED by c']);
  });

  test('k of n runs on the k-th and is unmet as soon as too few are left', () => {
    const two = task('join', { after, join: { mode: 'AT_LEAST', count: 2 } });
    const met = play([...sources, two]);
    const unmet = play([...sources, two]);

    expect(end(met, 'c', 'complete')).toEqual(['c COMPLETED']);
    expect(end(met, 'a', 'complete')).toEqual(['a COMPLETED', 'join READY']);
    expect(end(unmet, 'a', 'fail')).toEqual(['a FAILED ATTEMPTS_EXHAUSTED']);
    expect(end(unmet, 'b', 'fail').slice(1)).toEqual(['join SKIPPED UPSTREAM_FAILED by b']);
    expect(end(unmet, 'c', 'complete').slice(1)).toEqual(['run FAILED TASK_FAILED by a']);
  });
});
