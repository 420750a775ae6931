// C.6: runs that do one task after the other, or so many at once.

import { describe, expect, test } from 'vitest';
import { compileGraph } from './compile.ts';
import { evolve } from './evolve.ts';
import { type RunSubmittedEvent, startRun } from './initial.ts';
import { PLAIN_FLOW, type RunSpec } from './spec.ts';
import { play, type Scenario, spec, task } from './test-support.ts';
import { createToyCompiler } from './toy-expressions.ts';

const refusalOf = (tasks: RunSpec['tasks'], rest: Partial<RunSpec>) => {
  const compiled = compileGraph(spec(tasks, rest), createToyCompiler());
  return compiled.ok ? undefined : { code: compiled.rejection.code, field: compiled.rejection.field };
};

function expectReplay(scenario: Scenario): void {
  const replica = startRun(scenario.events[0] as RunSubmittedEvent);
  for (const event of scenario.events.slice(1)) evolve(replica, event);
  expect(replica.tasks).toEqual(scenario.run.tasks);
}

describe('C.6: a sequential run', () => {
  const steps = () => [task('a'), task('b'), task('c')];
  const mode = 'SEQUENTIAL';

  test('does one task at a time, in the order of submission', () => {
    const scenario = play(steps(), { mode });
    expect(scenario.states()).toBe('a READY, b WAITING, c WAITING');
    scenario.start('a');
    expect(scenario.complete('a')).toEqual(['a COMPLETED', 'b READY']);
    scenario.start('b');
    scenario.complete('b');
    scenario.start('c');

    expect(scenario.complete('c')).toEqual(['c COMPLETED', 'run COMPLETED']);
    expectReplay(scenario);
  });

  test('stops at the first failure and says which step it was', () => {
    const scenario = play(steps(), { mode });
    scenario.start('a');
    scenario.complete('a');
    scenario.start('b');

    expect(scenario.fail('b')).toEqual([
      'b FAILED ATTEMPTS_EXHAUSTED',
      'c SKIPPED UPSTREAM_FAILED by b',
      'run FAILED TASK_FAILED by b',
    ]);
  });

  test('goes on after a failure where a step says so itself', () => {
    const scenario = play([task('a'), task('b', { after: ['a?'] })], { mode });
    scenario.start('a');

    expect(scenario.fail('a')).toContain('b READY');
  });

  test('compiled twice is the same: what is stored is what was compiled', () => {
    const once = compileGraph(spec(steps(), { mode }), createToyCompiler());
    if (!once.ok) throw new Error('refused');
    const twice = compileGraph(once.value.spec, createToyCompiler());
    expect(twice.ok && twice.value.spec).toEqual(once.value.spec);
  });

  test('has no other joins, and no dependency on a later step', () => {
    const any = { join: { mode: 'ANY' }, after: ['a'] } as const;
    expect(refusalOf([task('a'), task('b', any)], { mode })).toEqual({
      code: 'INVALID_JOIN',
      field: 'tasks[1].join',
    });
    expect(refusalOf([task('a', { after: ['b'] }), task('b')], { mode })?.code).toBe('DEPENDENCY_CYCLE');
  });
});

describe('C.6: a run with a limit of tasks at once', () => {
  test('does so many at once; one that fails leaves the others alone', () => {
    const scenario = play([task('a'), task('b'), task('c'), task('d')], { maxParallel: 2 });
    expect(scenario.states()).toBe('a READY, b READY, c WAITING, d WAITING');
    expect(scenario.at('c').reason).toBe('RUN_AT_LIMIT');
    scenario.start('a');
    expect(scenario.fail('a')).toEqual(['a FAILED ATTEMPTS_EXHAUSTED', 'c READY']);
    scenario.start('b');
    scenario.complete('b');

    expect(scenario.states()).toBe('a FAILED, b COMPLETED, c READY, d READY');
    expectReplay(scenario);
  });

  test('keeps to it when a decision sends the run back, and starts nothing whose dependency is done again', () => {
    const rule = { to: 'a', when: 'true', reason: '', maxIterations: 1 };
    const review = task('b', { after: ['a'], flow: { ...PLAIN_FLOW, sendBack: [rule] } });
    const scenario = play([task('a'), review, task('c', { after: ['a'] })], { maxParallel: 1 });
    scenario.start('a');
    scenario.complete('a');
    scenario.start('b');
    scenario.complete('b');

    expect(scenario.states()).toBe('a READY, b WAITING, c WAITING');
    expectReplay(scenario);
  });
});

describe('C.6: a manager', () => {
  const manager = {
    key: 'manager',
    capability: 'm',
    maxRounds: 3,
    timeouts: { queueMs: undefined, attemptMs: undefined, wholeMs: undefined, heartbeatMs: undefined },
  };

  test.each([
    [{ manager }, 'manager'],
    [{ mode: 'MANAGED' }, 'manager'],
    [{ mode: 'MANAGED', manager, maxParallel: 1 }, 'max_parallel'],
  ] as const)('goes with its mode, and with no other: %j', (rest, field) => {
    expect(refusalOf([task('a')], rest)).toEqual({ code: 'INVALID_FIELD', field });
  });
});
