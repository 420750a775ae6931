// DESIGN section 7, "Running graphs can grow": tasks join a run that is under way.

import { describe, expect, test } from 'vitest';
import { MAX_TASKS } from './additions.ts';
import { PLAIN_FLOW, type TaskSpec } from './spec.ts';
import { payload, play, type Scenario, task } from './test-support.ts';

function planning(rest: Parameters<typeof play>[1] = {}): Scenario {
  const run = play([task('plan'), task('after', { after: ['plan'] })], rest);
  run.start('plan');
  return run;
}

function refusal(run: Scenario, ...tasks: readonly TaskSpec[]) {
  const before = run.events.length;
  const result = run.send({ type: 'AddTasks', tasks });
  expect(run.events).toHaveLength(before);
  return result.ok ? undefined : result.rejection;
}

test('DESIGN 7: a task that needs nothing is READY with the addition itself', () => {
  const run = planning();

  expect(run.add(task('a'), task('b', { after: ['a'] }))).toEqual(['added a, b']);
  expect(run.states()).toBe('plan RUNNING, after WAITING, a READY, b WAITING');
  for (const key of ['a', 'b', 'plan', 'after']) {
    if (key !== 'plan') run.start(key);
    run.complete(key);
  }
  expect(run.run.phase).toBe('COMPLETED');
});

test('DESIGN 7: edges to tasks that are final are judged at once', () => {
  const run = planning();
  run.add(task('ok'), task('bad', { allowFailure: true }));
  run.start('ok');
  run.complete('ok', payload('1'));
  run.start('bad');
  run.fail('bad');

  expect(
    run.add(
      task('c', { after: ['ok'] }),
      task('d', { after: ['bad'] }),
      task('e', { after: ['bad!'] }),
      task('f', { after: [['ok', { when: 'state == "FAILED"' }]] }),
      task('g', { after: ['ok', 'plan'] }),
    ),
  ).toEqual([
    'added c, d, e, f, g',
    'c READY',
    'd SKIPPED UPSTREAM_FAILED by bad',
    'e READY',
    'f not routed by ok',
    'f SKIPPED NOT_ROUTED by ok',
  ]);
  expect(run.at('g').state).toBe('WAITING');
});

test('A.5: a failure that stood unhandled is handled by a task that comes for it', () => {
  const run = planning();
  run.add(task('bad'));
  run.start('bad');
  run.fail('bad');
  expect(run.run.failedTask).toBe(run.index('bad'));

  run.add(task('repair', { after: ['bad!'] }));
  expect(run.run.failedTask).toBeUndefined();
  for (const key of ['plan', 'after', 'repair']) {
    if (key !== 'plan') run.start(key);
    run.complete(key);
  }
  expect(run.run.phase).toBe('COMPLETED');
});

test('DESIGN 7: what is there already, and equal, is left as it is', () => {
  const run = planning();
  run.add(task('a'), task('b', { after: ['a?', 'plan'] }));

  expect(run.add(task('a'))).toEqual([]);
  expect(run.add(task('a'), task('b', { after: ['a?', 'plan'] }), task('c'))).toEqual(['added c']);
  expect(refusal(run, task('b', { after: ['a'] }))).toMatchObject({
    code: 'DUPLICATE_KEY',
    field: 'tasks[0].key',
  });
  expect(refusal(run, task('x'), task('a', { priority: 3 }))).toMatchObject({ field: 'tasks[1].key' });
});

describe('DESIGN 7: the rules of a submission hold', () => {
  test.each([
    ['two equal keys', [task('a'), task('a')], 'DUPLICATE_KEY', 'tasks[1].key'],
    [
      'an unknown upstream',
      [task('a', { after: ['x'] })],
      'UNKNOWN_DEPENDENCY',
      'tasks[0].dependencies[0].key',
    ],
    ['itself', [task('a', { after: ['a'] })], 'SELF_DEPENDENCY', 'tasks[0].dependencies[0].key'],
    [
      'a circle among them',
      [task('a', { after: ['b'] }), task('b', { after: ['plan', 'a'] })],
      'DEPENDENCY_CYCLE',
      'tasks[0].dependencies[0].key',
    ],
    ['an unknown parent', [task('a', { parent: 'x' })], 'UNKNOWN_PARENT', 'tasks[0].parent'],
    [
      'parents in a circle',
      [task('a', { parent: 'b' }), task('b', { parent: 'a' })],
      'PARENT_CYCLE',
      'tasks[0].parent',
    ],
    ['a wrong expression', [task('a', { when: 'nobody' })], 'INVALID_EXPRESSION', 'tasks[0].when'],
    [
      'a join beyond',
      [task('a', { after: ['plan'], join: { mode: 'AT_LEAST', count: 2 } })],
      'INVALID_JOIN',
      'tasks[0].join.count',
    ],
    [
      'contradicting edges',
      [task('a', { after: ['plan', 'plan?'] })],
      'CONTRADICTING_DEPENDENCIES',
      'tasks[0].dependencies[1].condition',
    ],
    [
      'a link',
      [task('a', { capability: '', work: { type: 'LINK', runId: 'r', taskKey: 't', result: payload('') } })],
      'INVALID_FIELD',
      'tasks[0].link',
    ],
    [
      'a child run that the run knows nothing of',
      [task('a', { capability: '', work: { type: 'CHILD_RUN', spec: 'x', workflow: undefined } })],
      'INVALID_FIELD',
      'tasks[0].child_run',
    ],
  ])('%s: refused, with nothing added', (_, tasks, code, field) => {
    expect(refusal(planning(), ...tasks)).toMatchObject({ code, field });
  });

  test('a send-back may go to a task of the run, if it comes before', () => {
    const sendBack = (to: string) => ({
      ...PLAIN_FLOW,
      sendBack: [{ to, when: 'true', reason: '', maxIterations: 2 }],
    });
    const run = planning();

    expect(run.add(task('decide', { after: ['after'], flow: sendBack('plan') }))).toEqual(['added decide']);
    expect(refusal(run, task('other', { after: ['plan'], flow: sendBack('after') }))).toMatchObject({
      field: 'tasks[0].send_back[0].to',
    });
  });

  test('a run has no more than so many tasks', () => {
    const run = planning();
    const many = Array.from({ length: MAX_TASKS - 1 }, (_, index) => task(`t${index}`));

    expect(refusal(run, ...many)).toMatchObject({ code: 'LIMIT_REACHED', field: 'tasks' });
  });
});

test('C.6: in a SEQUENTIAL run each comes after the one before it', () => {
  const run = planning({ mode: 'SEQUENTIAL' });
  run.add(task('x'), task('y'));

  expect(run.run.graph.spec.tasks.map(({ dependencies }) => dependencies.map(({ key }) => key))).toEqual([
    [],
    ['plan'],
    ['after'],
    ['x'],
  ]);
  expect(run.add(task('x'), task('y'))).toEqual([]);
});

test('F.2: what joins a paused run waits for its end', () => {
  const run = planning();
  run.pause();

  expect(run.add(task('w', { capability: '', work: { type: 'EXPRESSION', text: '"x"' } }))).toEqual([
    'added w',
    'w READY',
  ]);
  expect(run.resume()).toEqual(['run resumed', 'w RUNNING attempt 1', 'w COMPLETED']);
});

test('DESIGN 7: a run that is ending takes none', () => {
  const run = planning();
  run.cancelRun();

  expect(refusal(run, task('a'))).toMatchObject({ code: 'WRONG_STATE', metadata: { state: 'CANCELLING' } });
});

test('F.2: what was added is done again like any other', () => {
  const run = planning();
  run.add(task('a', { after: ['plan'] }));
  run.complete('plan');
  for (const key of ['after', 'a']) {
    run.start(key);
    run.complete(key);
  }

  expect(run.rerun('FROM', 'plan').slice(0, 4)).toEqual([
    'run RUNNING again, FROM plan',
    'plan WAITING again RERUN',
    'after WAITING again RERUN',
    'a WAITING again RERUN',
  ]);
});
