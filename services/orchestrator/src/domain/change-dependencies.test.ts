// A.7: the dependencies of a task that is WAITING can be changed.

import { describe, expect, test } from 'vitest';
import { nextDueAtMs } from './due.ts';
import { PLAIN_FLOW } from './spec.ts';
import { play, type Scenario, type TaskSketch, task } from './test-support.ts';

function refusal(
  run: Scenario,
  key: string,
  add: NonNullable<TaskSketch['after']>,
  remove: readonly string[] = [],
) {
  const before = run.events.length;
  const { dependencies } = task('', { after: add });
  const result = run.send({ type: 'ChangeDependencies', task: run.index(key), add: dependencies, remove });
  expect(run.events).toHaveLength(before);
  return result.ok ? undefined : result.rejection;
}

test('A.7: a dependency that comes is waited for', () => {
  const run = play([task('a'), task('b'), task('c', { after: ['a'] })]);

  expect(run.depend('c', ['b'])).toEqual(['c depends on a, b']);
  run.start('a');
  expect(run.complete('a')).toEqual(['a COMPLETED']);
  run.start('b');
  expect(run.complete('b')).toEqual(['b COMPLETED', 'c READY']);
});

test('A.7: the last open dependency goes: READY', () => {
  const run = play([task('a'), task('b'), task('c', { after: ['a', 'b'] })]);
  run.start('a');
  run.complete('a');

  expect(run.depend('c', [], ['b'])).toEqual(['c depends on a', 'c READY']);
});

test('A.7: with no dependency left at all, too', () => {
  const run = play([task('a'), task('c', { after: ['a'] })]);

  expect(run.depend('c', [], ['a'])).toEqual(['c depends on ', 'c READY']);
});

test('A.7, A.4: one that comes and can no longer be met skips the task', () => {
  const run = play([task('a', { allowFailure: true }), task('b'), task('c', { after: ['b'] })]);
  run.start('a');
  run.fail('a');

  expect(run.depend('c', ['a'])).toEqual(['c depends on b, a', 'c SKIPPED UPSTREAM_FAILED by a']);
});

test('A.7: an edge is changed by removing and adding it in one', () => {
  const run = play([task('a'), task('c', { after: ['a'] })]);

  expect(run.depend('c', ['a!'], ['a'])).toEqual(['c depends on a']);
  run.start('a');
  expect(run.fail('a')).toEqual(['a FAILED ATTEMPTS_EXHAUSTED', 'c READY']);
  run.start('c');
  expect(run.complete('c')).toEqual(['c COMPLETED', 'run COMPLETED']);
});

test('A.5: who handles a failure changes with the edges', () => {
  const run = play([task('a'), task('b'), task('c', { after: ['a?', 'b'] })]);
  run.start('a');
  run.fail('a');
  expect(run.run.failedTask).toBeUndefined();

  run.depend('c', [], ['a']);
  expect(run.run.failedTask).toBe(run.index('a'));
  run.depend('c', ['a?']);
  expect(run.run.failedTask).toBeUndefined();
});

test('A.5: a failure that loses its last handler ends the run where that was asked for', () => {
  const run = play([task('a'), task('b'), task('c', { after: ['a?', 'b'] })], { failurePolicy: 'CANCEL' });
  run.start('a');
  run.fail('a');

  expect(run.depend('c', [], ['a'])).toEqual([
    'c depends on b',
    'run CANCELLING TASK_FAILED',
    'b CANCELLED RUN_ENDING',
    'c CANCELLED RUN_ENDING',
    'run FAILED TASK_FAILED by a',
  ]);
});

test('C.2: what was judged of an edge goes with it, and is judged anew when it comes back', () => {
  const run = play([task('a'), task('b'), task('c', { after: [['a', { when: 'true' }], 'b'] })]);
  run.start('a');
  expect(run.complete('a')).toEqual(['a COMPLETED', 'c routed by a']);

  run.depend('c', [], ['a']);
  expect(run.at('c')).toMatchObject({ metEdges: 0, deadEdges: 0 });
  expect(run.depend('c', [['a', { when: 'state == "FAILED"' }]])).toEqual([
    'c depends on b, a',
    'c not routed by a',
    'c SKIPPED NOT_ROUTED by a',
  ]);
});

test('A.7: what is as it should be already changes nothing', () => {
  const run = play([task('a'), task('b'), task('c', { after: ['a'] })]);

  expect(run.depend('c', ['a'])).toEqual([]);
  expect(run.depend('c', [], ['b'])).toEqual([]);
});

test('C.7: a task that is held for its start time is judged anew', () => {
  const flow = { ...PLAIN_FLOW, startDelayMs: 1_000 };
  const run = play([task('a'), task('b'), task('c', { after: ['a'], flow })]);
  run.start('a');
  expect(run.complete('a')).toEqual(['a COMPLETED', 'c held START_TIME_AHEAD until 1000 ms']);

  run.depend('c', ['b']);
  expect(run.at('c').reason).toBe('NONE');
  expect(nextDueAtMs(run.run, run.index('c'), 0)).toBeUndefined();
  run.passMs(500);
  run.start('b');
  expect(run.complete('b')).toEqual(['b COMPLETED', 'c held START_TIME_AHEAD until 1500 ms']);
});

test('C.6: a task that is held for the limit of the run stands in line anew', () => {
  const run = play([task('a'), task('b'), task('c')], { maxParallel: 1 });
  expect(run.at('b').reason).toBe('RUN_AT_LIMIT');
  run.depend('b', ['c']);

  run.start('a');
  expect(run.complete('a')).toEqual(['a COMPLETED', 'c READY']);
  run.start('c');
  expect(run.complete('c')).toEqual(['c COMPLETED', 'b held RUN_AT_LIMIT', 'b READY']);
});

describe('A.7: refused, with nothing changed', () => {
  const chain = () => play([task('a'), task('b', { after: ['a'] }), task('c', { after: ['b'] }), task('d')]);

  test('a circle, named in full', () => {
    const run = play([
      task('x'),
      task('a', { after: ['x'] }),
      task('b', { after: ['a'] }),
      task('c', { after: ['b'] }),
    ]);

    expect(refusal(run, 'a', ['x?', 'c'], ['x'])).toMatchObject({
      code: 'DEPENDENCY_CYCLE',
      field: 'add[1].key',
      metadata: { cycle: 'a -> c -> b -> a' },
    });
    expect(run.run.graph.dependencies[1]).toHaveLength(1);
  });

  test.each([
    ['itself', ['c'], [], 'SELF_DEPENDENCY', 'add[0].key'],
    ['a task that there is not', ['d', 'x'], [], 'UNKNOWN_DEPENDENCY', 'add[1].key'],
    ['to be rid of a task that there is not', [], ['b', 'x'], 'UNKNOWN_DEPENDENCY', 'remove[1]'],
    ['two answers about one upstream', ['b?'], [], 'CONTRADICTING_DEPENDENCIES', 'add[0].condition'],
  ])('%s', (_, add, remove, code, field) => {
    expect(refusal(chain(), 'c', add, remove)).toMatchObject({ code, field });
  });

  test('an expression that cannot be used, by its place in what was asked for', () => {
    expect(refusal(chain(), 'c', ['a', ['d', { when: 'nope.x' }]])).toMatchObject({
      code: 'INVALID_EXPRESSION',
      field: 'add[1].when',
      message: 'add[1].when: unknown variable nope',
    });
  });

  test('a join that is left with too few', () => {
    const run = play([
      task('a'),
      task('b'),
      task('c', { after: ['a', 'b'], join: { mode: 'AT_LEAST', count: 2 } }),
    ]);

    expect(refusal(run, 'c', [], ['a'])).toMatchObject({ code: 'INVALID_JOIN', field: 'remove' });
  });

  test('of a task that is not WAITING, or a run that is ending', () => {
    const run = chain();
    expect(refusal(run, 'a', ['d'])).toMatchObject({ code: 'WRONG_STATE', metadata: { state: 'READY' } });
    run.start('d');
    run.cancelRun();
    expect(refusal(run, 'c', ['d'])).toMatchObject({ code: 'WRONG_STATE' });
  });
});

test('A.7: the way of a decision back to where it sends the run is not taken away', () => {
  const sendBack = [{ to: 'draft', when: 'true', reason: '', maxIterations: 1 }];
  const run = play([
    task('draft'),
    task('edit', { after: ['draft'] }),
    task('review', { after: ['edit'], flow: { ...PLAIN_FLOW, sendBack } }),
  ]);

  const refused = { code: 'WRONG_STATE', field: 'remove', metadata: { task_key: 'review', to: 'draft' } };
  expect(refusal(run, 'edit', [], ['draft'])).toMatchObject(refused);
  expect(refusal(run, 'review', [], ['edit'])).toMatchObject(refused);
  expect(run.depend('review', ['draft'], ['edit'])).toEqual(['review depends on draft']);
});
