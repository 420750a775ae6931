// BEHAVIOURS A.4 to A.6, B.3, B.5, C.1, C.2: expressions that decide what runs, on what, and what comes of it.

import { describe, expect, test } from 'vitest';
import { submitRun } from './apply.ts';
import { evolve } from './evolve.ts';
import { type RunSubmittedEvent, startRun } from './initial.ts';
import type { Payload } from './payload.ts';
import type { RunSpec, TaskSpec } from './spec.ts';
import { graphOf, play, type Scenario, spec, task } from './test-support.ts';

function json(value: unknown): Payload {
  return { bytes: new TextEncoder().encode(JSON.stringify(value)), contentType: '' };
}

function textOf(payload: Payload | undefined): string | undefined {
  return payload && new TextDecoder().decode(payload.bytes);
}

function finish(run: Scenario, key: string, result: unknown): readonly string[] {
  run.start(key);
  return run.complete(key, json(result));
}

/** The submission alone, as its events: play() begins after it. */
function submission(tasks: readonly TaskSpec[], rest: Partial<RunSpec> = {}) {
  const { run, events } = submitRun('run-1', graphOf(spec(tasks, rest)), '', 0, 1);
  return { run, types: events.map(({ change }) => change.type), events };
}

describe('C.1: `when` on a task', () => {
  const pair = (when: string) => play([task('a'), task('b', { after: ['a'], when })]);

  test('true: it runs', () => {
    expect(finish(pair('results.a.go == true'), 'a', { go: true })).toEqual(['a COMPLETED', 'b READY']);
  });

  test('false: it is SKIPPED, and says why; the consequence travels on', () => {
    const run = play([
      task('a'),
      task('b', { after: ['a'], when: 'results.a.go == true' }),
      task('c', { after: ['b'] }),
    ]);

    expect(finish(run, 'a', { go: false })).toEqual([
      'a COMPLETED',
      'b SKIPPED CONDITION_FALSE',
      'c SKIPPED UPSTREAM_SKIPPED by b',
      'run COMPLETED',
    ]);
  });

  test.each([
    ['results.a.nothing == true', 'no such key: nothing'],
    ['boom', 'boom'],
    ['results.a.go', 'it gave a value of type number; a condition must give true or false'],
    ['results.a', 'it gave a list; a condition must give true or false'],
  ])('%s: what cannot be evaluated fails the task with the expression and the cause', (when, cause) => {
    const run = pair(when);

    const result = when === 'results.a' ? [] : { go: 3 };
    expect(finish(run, 'a', result)).toEqual([
      'a COMPLETED',
      'b FAILED EXPRESSION_FAILED',
      'run FAILED TASK_FAILED by b',
    ]);
    expect(run.at('b').error).toEqual({
      code: 'EXPRESSION_FAILED',
      message: `when: \`${when}\` could not be evaluated: ${cause}`,
      details: undefined,
    });
  });

  test('without dependencies it is decided with the submission', () => {
    const { run, types } = submission([task('a', { when: 'input.go == true' }), task('b')], {
      input: json({ go: false }),
    });

    expect(types).toEqual(['RunSubmitted', 'TaskSkipped']);
    expect(run.tasks.map(({ state }) => state)).toEqual(['SKIPPED', 'READY']);
  });

  test('a run of which nothing runs ends with its submission', () => {
    const { run, types } = submission([task('a', { when: 'false' }), task('b', { after: ['a'] })]);

    expect(types).toEqual(['RunSubmitted', 'TaskSkipped', 'TaskSkipped', 'RunCompleted']);
    expect(run.phase).toBe('COMPLETED');
  });

  test('it sees states and errors of its dependencies', () => {
    const run = play([
      task('a'),
      task('b', { after: ['a?'], when: 'errors.a.code == "BROKEN"' }),
      task('c', { after: ['a?'], when: 'states.a == "COMPLETED"' }),
    ]);
    run.start('a');

    expect(run.fail('a')).toEqual(['a FAILED ATTEMPTS_EXHAUSTED', 'b READY', 'c SKIPPED CONDITION_FALSE']);
  });

  test('it is decided once: retries do not ask again', () => {
    const run = play([
      task('a'),
      task('b', {
        after: ['a'],
        when: 'states.a == "COMPLETED"',
        retry: { maxAttempts: 2, initialDelayMs: 0 },
      }),
    ]);
    finish(run, 'a', null);
    run.start('b');

    expect(run.fail('b')).toEqual(['b RETRYING at 0 ms after FAILED', 'b READY']);
  });
});

describe('C.2: a decision routes', () => {
  const routed = () =>
    play([
      task('decide'),
      task('left', { after: [['decide', { when: 'result == "left"' }]] }),
      task('right', { after: [['decide', { when: 'result == "right"' }]] }),
      task('join', { after: ['left', 'right'], join: { mode: 'ANY' } }),
    ]);

  test('its result picks the branch; what joins the branches runs after the chosen one', () => {
    const run = routed();

    expect(finish(run, 'decide', 'right')).toEqual([
      'decide COMPLETED',
      'left not routed by decide',
      'right routed by decide',
      'left SKIPPED NOT_ROUTED by decide',
      'right READY',
    ]);
    expect(finish(run, 'right', 1)).toEqual(['right COMPLETED', 'join READY']);
    expect(finish(run, 'join', 1)).toEqual(['join COMPLETED', 'run COMPLETED']);
  });

  test('no match is visible, not a hang', () => {
    const run = routed();

    expect(finish(run, 'decide', 'up').slice(3)).toEqual([
      'left SKIPPED NOT_ROUTED by decide',
      'right SKIPPED NOT_ROUTED by decide',
      'join SKIPPED UPSTREAM_SKIPPED by right',
      'run COMPLETED',
    ]);
  });

  test('a task that asks so fails instead of being skipped', () => {
    const run = play([task('a'), task('b', { after: [['a', { when: 'result == 1' }]], onUnmet: 'FAIL' })]);

    expect(finish(run, 'a', 2).slice(1)).toEqual([
      'b not routed by a',
      'b FAILED DEPENDENCY_FAILED',
      'run FAILED TASK_FAILED by b',
    ]);
  });

  test('an edge whose condition cannot be evaluated fails the task', () => {
    const run = play([task('a'), task('b', { after: [['a', { when: 'result.x == 1' }]] })]);

    expect(finish(run, 'a', 2).slice(1, 2)).toEqual(['b FAILED EXPRESSION_FAILED']);
    expect(run.at('b').error?.message).toContain('when of the dependency on "a": `result.x == 1`');
  });

  test('an upstream that did not come to what the edge asks for is not judged', () => {
    const run = play([task('a'), task('b', { after: [['a', { when: 'boom' }]] })]);
    run.start('a');

    expect(run.fail('a').slice(1, 2)).toEqual(['b SKIPPED UPSTREAM_FAILED by a']);
  });

  test('A.5: a failure is handled only by what was routed to', () => {
    const rescue = (code: string) => {
      const run = play([
        task('a'),
        task('rescue', { after: [['a!', { when: 'error.code == "KNOWN"' }]] }),
        task('after', { after: ['rescue?'] }),
      ]);
      run.start('a');
      run.fail('a', code);
      if (run.at('rescue').state === 'READY') finish(run, 'rescue', null);
      return finish(run, 'after', null).at(-1);
    };

    expect(rescue('KNOWN')).toBe('run COMPLETED');
    expect(rescue('UNKNOWN')).toBe('run FAILED TASK_FAILED by a');
  });

  test('a failure that no route handles ends the run at once where it asks so', () => {
    const run = play(
      [task('a'), task('other'), task('rescue', { after: [['a!', { when: 'error.code == "KNOWN"' }]] })],
      { failurePolicy: 'CANCEL' },
    );
    run.start('a');

    expect(run.fail('a')).toEqual([
      'a FAILED ATTEMPTS_EXHAUSTED',
      'rescue not routed by a',
      'run CANCELLING TASK_FAILED',
      'other CANCELLED RUN_ENDING',
      'rescue CANCELLED RUN_ENDING',
      'run FAILED TASK_FAILED by a',
    ]);
  });
});

describe('B.3: a computed input', () => {
  test('is computed from the input of the run and the results, once', () => {
    const run = play(
      [
        task('a', { inputExpression: 'input.first' }),
        task('b', {
          after: [['a', { alias: 'x' }]],
          inputExpression: 'results.x',
          retry: { maxAttempts: 2, initialDelayMs: 0 },
        }),
      ],
      { input: json({ first: [1, 2] }) },
    );
    expect(textOf(run.at('a').computedInput)).toBe('[1,2]');
    finish(run, 'a', { is: 'this' });
    run.start('b');
    run.fail('b');

    expect(textOf(run.at('b').computedInput)).toBe('{"is":"this"}');
  });

  test('without an input of the run, that is null', () => {
    const { run } = submission([task('a', { inputExpression: 'input' })]);

    expect(textOf(run.tasks[0]?.computedInput)).toBe('null');
  });

  test('that cannot be computed fails the task', () => {
    const { run } = submission([task('a', { inputExpression: 'input.x' })]);

    expect(run.tasks[0]).toMatchObject({ state: 'FAILED', reason: 'EXPRESSION_FAILED' });
    expect(run.tasks[0]?.error?.message).toBe(
      'input_expression: `input.x` could not be evaluated: no such key: x',
    );
  });

  test.each([
    ['too large', `"${'x'.repeat(200_000)}"`, 'bytes, a payload may have 262144'],
    ['nested too deep', `${'['.repeat(60_000)}${']'.repeat(60_000)}`, 'nested too deep'],
  ])('that is %s fails the task and nothing else', (_, part, cause) => {
    const bytes = new TextEncoder().encode(`{"a":${part},"b":${part}}`);
    const { run } = submission([task('a', { inputExpression: 'input' })], {
      input: { bytes, contentType: '' },
    });

    expect(run.tasks[0]?.error?.message).toContain(cause);
  });

  test('data that is neither JSON nor text cannot be seen', () => {
    const input = { bytes: new Uint8Array([1, 2]), contentType: 'image/png' };

    expect(submission([task('a', { inputExpression: 'input' })], { input }).run.tasks[0]?.state).toBe(
      'FAILED',
    );
  });

  test('replaying needs no evaluation', () => {
    const { run, events } = submission(
      [task('a', { inputExpression: 'input' }), task('b', { when: 'false' }), task('c', { after: ['a'] })],
      { input: json({ x: 1 }) },
    );
    const [first, ...rest] = events;
    const graph = {
      ...run.graph,
      expressions: {
        compile: () => {
          throw new Error('evaluated');
        },
      },
    };
    const submitted = first as RunSubmittedEvent;
    const replica = startRun({ ...submitted, change: { ...submitted.change, graph } });
    for (const event of rest) evolve(replica, event);

    expect({ ...replica, graph: run.graph }).toEqual(run);
  });
});

describe('B.5: what a run comes to', () => {
  test('an expression over all tasks', () => {
    const run = play([task('a'), task('b', { when: 'false' })], { output: 'results.a.sum' });

    expect(finish(run, 'a', { sum: 5 })).toEqual(['a COMPLETED', 'run COMPLETED']);
    expect(textOf(run.run.output)).toBe('5');
  });

  test('the result of a task', () => {
    const run = play([task('a'), task('b')], { outputTask: 'a' });
    finish(run, 'a', 'this');
    finish(run, 'b', 'that');

    expect(textOf(run.run.output)).toBe('"this"');
  });

  test('a task that has none gives none', () => {
    const run = play([task('a'), task('b', { when: 'false' })], { outputTask: 'b' });

    expect(finish(run, 'a', 1).at(-1)).toBe('run COMPLETED');
    expect(run.run.output).toBeUndefined();
  });

  test('an expression that fails is visible, not a hang', () => {
    const run = play([task('a')], { output: 'results.a.sum' });

    expect(finish(run, 'a', {}).at(-1)).toBe('run FAILED EXPRESSION_FAILED');
    expect(run.run.message).toBe('output: `results.a.sum` could not be evaluated: no such key: sum');
  });
});
