// C.6: a manager sees tasks, results and executors, and decides what runs next and where.

import { describe, expect, test } from 'vitest';
import { evolve } from './evolve.ts';
import { type RunSubmittedEvent, startRun } from './initial.ts';
import { withManager } from './manager.ts';
import { managerInput } from './manager-input.ts';
import { accept, reject } from './rejection.ts';
import { NO_TIMEOUTS, PLAIN_FLOW, type TaskSpec } from './spec.ts';
import { payload, play, type Scenario, spec, task } from './test-support.ts';

const PLACES = new Map([
  ['one', new Set(['test'])],
  ['two', new Set(['other'])],
]);

function managed(tasks: readonly TaskSpec[], maxRounds = 100) {
  const manager = { key: 'boss', capability: 'manage', maxRounds, timeouts: NO_TIMEOUTS };
  const { tasks: all, ...rest } = withManager(spec(tasks, { mode: 'MANAGED', manager }));
  return play(all, rest);
}

function decide(scenario: Scenario, decision: unknown, added = accept<readonly TaskSpec[]>([])) {
  if (scenario.at('boss').state === 'READY') scenario.start('boss');
  const result = { ...payload(JSON.stringify(decision)), contentType: '' };
  const surroundings = { places: PLACES, added };
  return scenario.steps({
    type: 'CompleteAttempt',
    task: scenario.index('boss'),
    result,
    usage: undefined,
    surroundings,
  });
}

function finish(scenario: Scenario, key: string) {
  scenario.start(key);
  return scenario.complete(key);
}

function expectReplay(scenario: Scenario): void {
  const replica = startRun(scenario.events[0] as RunSubmittedEvent);
  for (const event of scenario.events.slice(1)) evolve(replica, event);
  expect(replica.tasks).toEqual(scenario.run.tasks);
  expect(replica.news).toBe(scenario.run.news);
}

const inputOf = (scenario: Scenario) => {
  const { bytes } = managerInput(scenario.run, scenario.index('boss'), []);
  return JSON.parse(new TextDecoder().decode(bytes));
};

describe('C.6: a manager-led run', () => {
  test('begins with the manager; all else waits for it', () => {
    const scenario = managed([task('a'), task('b', { after: ['a'] })]);
    expect(scenario.states()).toBe('a WAITING, b WAITING, boss READY');
    expect([scenario.at('a').reason, scenario.at('b').reason]).toEqual(['AWAITING_MANAGER', 'NONE']);
    expect(inputOf(scenario)).toMatchObject({
      round: 1,
      input: null,
      tasks: [
        { key: 'a', capability: 'test', state: 'WAITING', available: true, dependencies: [] },
        { key: 'b', available: false, dependencies: ['a'] },
      ],
      executors: [],
    });
  });

  test('does what it chooses, asks it again when that has ended, and ends as it says', () => {
    const scenario = managed([task('a'), task('b', { after: ['a'] }), task('c')]);
    expect(decide(scenario, { run: [{ task: 'a' }] })).toEqual(['boss waits for iteration 2', 'a READY']);
    expect(finish(scenario, 'a')).toEqual(['a COMPLETED', 'b held AWAITING_MANAGER', 'boss READY']);
    expect(inputOf(scenario)).toMatchObject({
      round: 2,
      tasks: [{ state: 'COMPLETED' }, { available: true }, {}],
    });
    decide(scenario, { run: [{ task: 'b' }] });
    finish(scenario, 'b');

    expect(decide(scenario, { done: true, output: 7 })).toEqual([
      'c SKIPPED NOT_CHOSEN',
      'boss COMPLETED',
      'run COMPLETED',
    ]);
    expect(new TextDecoder().decode(scenario.run.output?.bytes)).toBe('7');
    expectReplay(scenario);
  });

  test('asks it once for all that ended while it decided', () => {
    const scenario = managed([task('a'), task('b')]);
    decide(scenario, { run: [{ task: 'a' }, { task: 'b' }] });
    scenario.start('a');
    scenario.start('b');
    expect(scenario.complete('a')).toEqual(['a COMPLETED', 'boss READY']);
    scenario.start('boss');
    expect(scenario.complete('b')).toEqual(['b COMPLETED']);

    expect(decide(scenario, {})).toEqual(['boss RETRYING at 0 ms for iteration 3', 'boss READY']);
    expectReplay(scenario);
  });

  test('hands a task to the executor that it names', () => {
    const scenario = managed([task('a')]);
    decide(scenario, { run: [{ task: 'a', executor: 'one' }] });
    expect(scenario.at('a').more?.executorId).toBe('one');
  });

  test.each([
    [{ run: [{ task: 'x' }] }, 'task "x" is none of this run'],
    [{ run: [{ task: 'b' }] }, 'task "b" is not available: it is WAITING'],
    [{ run: [{ task: 'a' }, { task: 'a' }] }, 'task "a" is chosen twice'],
    [{ run: [{ task: 'a', executor: 'gone' }] }, 'no such executor takes work'],
    [{ run: [{ task: 'a', executor: 'two' }] }, 'does not offer test'],
    [{}, 'it starts nothing while nothing is under way'],
    [{ rum: [] }, 'it has the field "rum"'],
    [{ run: 'a' }, 'run is "a", not a list'],
    [{ run: ['a'] }, 'run has "a", not {"task": KEY}'],
    [{ done: true, run: [{ task: 'a' }] }, 'it ends the run and goes on'],
    [{ done: true, fail: 'no' }, 'it has done and fail'],
    [{ done: 'yes' }, 'done is "yes"'],
    [[1], 'it is [1], not a JSON object'],
  ])('answers a bad decision with the reason: %j', (decision, reason) => {
    const scenario = managed([task('a'), task('b', { after: ['a'] })]);
    const events = decide(scenario, decision);
    expect(events).toEqual(['boss RETRYING at 0 ms after FAILED', 'boss READY']);
    expect(scenario.at('boss').attempts[0]?.error).toMatchObject({
      code: 'BAD_DECISION',
      message: expect.stringContaining(reason),
    });
    expect(scenario.at('boss').more?.feedback?.reason).toContain(reason);
    expectReplay(scenario);
  });

  test('fails after three bad decisions in a row; a good one between them begins anew', () => {
    const scenario = managed([task('a'), task('b')]);
    decide(scenario, {});
    decide(scenario, {});
    decide(scenario, { run: [{ task: 'a' }] });
    finish(scenario, 'a');
    decide(scenario, {});
    decide(scenario, {});
    expect(decide(scenario, {})).toEqual([
      'boss FAILED ATTEMPTS_EXHAUSTED',
      'run CANCELLING TASK_FAILED',
      'b CANCELLED RUN_ENDING',
      'run FAILED TASK_FAILED by boss',
    ]);
    expectReplay(scenario);
  });

  test('fails when the manager gives up, and says so', () => {
    const scenario = managed([task('a')]);
    expect(decide(scenario, { fail: 'hopeless' }).at(-1)).toBe('run FAILED MANAGER_FAILED by boss');
    expect(scenario.at('boss').error?.message).toBe('hopeless');
  });

  test('ends with the manager, however that ends', () => {
    const scenario = managed([task('a')]);
    decide(scenario, { run: [{ task: 'a' }] });
    expect(scenario.cancel('boss')).toEqual([
      'boss CANCELLED CANCEL_REQUESTED',
      'run CANCELLING TASK_CANCELLED',
      'a CANCELLED RUN_ENDING',
      'run CANCELLED TASK_CANCELLED',
    ]);
  });

  test('asks it no more often than allowed', () => {
    const scenario = managed([task('a'), task('b')], 2);
    decide(scenario, { run: [{ task: 'a' }] });
    finish(scenario, 'a');
    expect(decide(scenario, { run: [{ task: 'b' }] })[0]).toBe('boss FAILED ITERATIONS_EXHAUSTED');
  });

  test('leaves it to the manager what a failure means', () => {
    const scenario = managed([task('a'), task('b')]);
    decide(scenario, { run: [{ task: 'a' }] });
    scenario.start('a');
    expect(scenario.fail('a')).toEqual(['a FAILED ATTEMPTS_EXHAUSTED', 'boss READY']);
    expect(decide(scenario, { done: true }).at(-1)).toBe('run COMPLETED');
  });

  test('lets what is under way end, and begins nothing anew, once the manager is done', () => {
    const rule = { to: 'a', when: 'result == "no"', reason: '', maxIterations: 3 };
    const flow = { ...PLAIN_FLOW, sendBack: [rule] };
    const scenario = managed([task('a'), task('b', { after: ['a'], flow }), task('c')]);
    decide(scenario, { run: [{ task: 'a' }] });
    finish(scenario, 'a');
    decide(scenario, { run: [{ task: 'b' }, { task: 'c' }] });
    scenario.start('b');
    finish(scenario, 'c');
    expect(decide(scenario, { done: true })).toEqual(['boss COMPLETED']);

    expect(scenario.complete('b', { ...payload('"no"'), contentType: '' })).toEqual([
      'b sent back to a, 1',
      'a WAITING again SENT_BACK',
      'a SKIPPED NOT_CHOSEN',
      'b SKIPPED UPSTREAM_SKIPPED by a',
      'run COMPLETED',
    ]);
    expectReplay(scenario);
  });

  test('takes tasks that the manager adds, to be chosen later', () => {
    const scenario = managed([task('a')]);
    const added = accept([task('x'), task('y', { after: ['x', 'a'] })]);
    expect(decide(scenario, { add: [{}, {}] }, added)).toEqual([
      'boss RETRYING at 0 ms for iteration 2',
      'added x, y',
      'boss READY',
      'x held AWAITING_MANAGER',
    ]);
    decide(scenario, { run: [{ task: 'a' }, { task: 'x' }] });
    finish(scenario, 'a');
    expect(finish(scenario, 'x')).toContain('y held AWAITING_MANAGER');
    expectReplay(scenario);
  });

  test.each([
    [accept([task('a', { priority: 7 })]), 'has a task "a" already'],
    [accept([task('x', { after: ['nobody'] })]), 'is no task of this run'],
    [accept([task('x', { after: ['y'] }), task('y', { after: ['x'] })]), 'go in a circle'],
    [reject('INVALID_FIELD', 'tasks[0] is no task', {}, 'tasks[0]'), 'tasks[0] is no task'],
  ])('refuses tasks that cannot be added (%#)', (added, reason) => {
    const scenario = managed([task('a')]);
    decide(scenario, { add: [{}] }, added);
    expect(scenario.at('boss').attempts[0]?.error?.message).toContain(reason);
  });

  test('is asked again when a decision among its tasks sends the run back', () => {
    const rule = { to: 'a', when: 'result == "no"', reason: '', maxIterations: 3 };
    const flow = { ...PLAIN_FLOW, sendBack: [rule] };
    const scenario = managed([task('a'), task('b', { after: ['a'], flow })]);
    decide(scenario, { run: [{ task: 'a' }] });
    finish(scenario, 'a');
    decide(scenario, { run: [{ task: 'b' }] });
    scenario.start('b');
    expect(scenario.complete('b', { ...payload('"no"'), contentType: '' })).toEqual([
      'b sent back to a, 1',
      'a WAITING again SENT_BACK',
      'a held AWAITING_MANAGER',
      'boss READY',
    ]);
    expectReplay(scenario);
  });

  test('F.2: begins anew with whatever is done again', () => {
    const scenario = managed([task('a'), task('b')]);
    decide(scenario, { run: [{ task: 'a' }] });
    scenario.start('a');
    scenario.fail('a');
    decide(scenario, { done: true });
    expect(scenario.run.phase).toBe('COMPLETED');

    expect(scenario.rerun('FAILED')).toEqual([
      'run RUNNING again, FAILED',
      'boss WAITING again RERUN',
      'a WAITING again RERUN',
      'boss READY',
      'a held AWAITING_MANAGER',
    ]);
    decide(scenario, { run: [{ task: 'a' }] });
    finish(scenario, 'a');
    expect(decide(scenario, { done: true })).toEqual(['boss COMPLETED', 'run COMPLETED']);
    expectReplay(scenario);
  });

  test('depends on no task, also not later: nothing would ever be chosen', () => {
    const scenario = managed([task('a')]);
    const scheduled = { ...withManager(scenario.run.graph.spec), startDelayMs: 10 };
    const later = play(scheduled.tasks, scheduled);
    const add = task('', { after: ['a?'] }).dependencies;
    const result = later.send({ type: 'ChangeDependencies', task: later.index('boss'), add, remove: [] });

    expect(result).toMatchObject({ ok: false, rejection: { code: 'WRONG_STATE', field: 'task_key' } });
  });
});
