// C.7: an attempt that is a run of its own.

import { describe, expect, test } from 'vitest';
import { childGraph, outcomeOfChild } from './child-runs.ts';
import { compileGraph } from './compile.ts';
import type { Payload } from './payload.ts';
import { NO_SCHEMAS, type SchemaChecker } from './schema.ts';
import type { RunSpec, TaskSpec } from './spec.ts';
import { play, spec, task } from './test-support.ts';
import { createToyCompiler } from './toy-expressions.ts';

const child = (key: string, named: string, rest: Partial<TaskSpec> = {}) =>
  task(key, { capability: '', work: { type: 'CHILD_RUN', spec: named, workflow: undefined }, ...rest });
const json = (value: unknown): Payload => ({
  bytes: new TextEncoder().encode(JSON.stringify(value)),
  contentType: '',
});
const refusalOf = (run: RunSpec, schemas: SchemaChecker = NO_SCHEMAS) => {
  const compiled = compileGraph(run, createToyCompiler(), schemas);
  return compiled.ok ? undefined : compiled.rejection;
};

describe('C.7: a child run', () => {
  const inner = spec([task('x')], { input: json('default') });

  test('has its turn as work for executors has, with an id that follows from the attempt', () => {
    const scenario = play([child('c', 'inner')], { childSpecs: { inner } });
    expect(scenario.states()).toBe('c READY');

    scenario.steps({ type: 'StartOwnWork', task: 0, child: true });

    expect(scenario.at('c')).toMatchObject({ state: 'RUNNING', reason: 'AWAITING_CHILD_RUN' });
    expect(scenario.at('c').attempts[0]?.childRunId).toBe('run-1~0~1');
    expect(scenario.steps({ type: 'StartOwnWork', task: 0, child: true })).toEqual([]);
  });

  test('is given the input of its task, or else has its own', () => {
    const tasks = [child('c', 'inner', { input: json(1) }), child('d', 'inner')];
    const { run } = play(tasks, { childSpecs: { inner } });

    const inputs = [0, 1].map((index) => childGraph(run, index));
    expect(inputs).toMatchObject([{ value: { spec: { input: json(1) } } }, { value: { spec: inner } }]);
  });

  test('whose input breaks its schema is not started', () => {
    const schemas: SchemaChecker = {
      problemOf: () => undefined,
      violationOf: (name) => `${name} is too small`,
    };
    const narrow = { ...inner, inputSchema: '{}' };
    const graph = compileGraph(
      spec([child('c', 'n')], { childSpecs: { n: narrow } }),
      createToyCompiler(),
      schemas,
    );
    if (!graph.ok) throw new Error(graph.rejection.message);
    const { run } = play([child('c', 'n')], { childSpecs: { n: inner } });
    run.graph = graph.value;

    expect(childGraph(run, 0)).toMatchObject({
      ok: false,
      rejection: { message: 'the input does not match the input schema of "n": input is too small' },
    });
  });

  test('that fails tells its parent which task failed, and why', () => {
    const scenario = play([task('x')]);
    scenario.start('x');
    scenario.fail('x', 'BROKEN');

    const outcome = outcomeOfChild(scenario.run, 7);
    expect(outcome).toMatchObject({
      type: 'FailAttempt',
      task: 7,
      final: false,
      error: {
        code: 'CHILD_RUN_FAILED',
        message: 'run run-1 is FAILED (TASK_FAILED): task "x" BROKEN happened',
      },
    });
  });

  test('that is cancelled says so', () => {
    const scenario = play([task('x')]);
    scenario.cancelRun('never mind');

    expect(outcomeOfChild(scenario.run, 0)).toMatchObject({
      error: {
        code: 'CHILD_RUN_CANCELLED',
        message: 'run run-1 is CANCELLED (CANCEL_REQUESTED): never mind',
      },
    });
  });
});

describe('C.7: what is refused of a child run', () => {
  test('one that child_specs does not have', () => {
    expect(refusalOf(spec([task('a'), child('c', 'missing')]))).toMatchObject({
      code: 'INVALID_FIELD',
      field: 'tasks[1].child_run.spec',
    });
  });

  test('whatever is wrong with its own tasks, by the path', () => {
    const inner = spec([task('x', { after: ['y'] })]);

    expect(refusalOf(spec([child('c', 'in')], { childSpecs: { in: inner } }))).toMatchObject({
      code: 'UNKNOWN_DEPENDENCY',
      field: 'child_specs["in"].tasks[0].dependencies[0].key',
    });
  });

  test('an input schema that is none', () => {
    const inner = { ...spec([task('x')]), inputSchema: '{"type": 7}' };

    expect(refusalOf(spec([child('c', 'in')], { childSpecs: { in: inner } }))).toMatchObject({
      field: 'child_specs["in"].input_schema',
    });
  });

  test('more than five deep', () => {
    let nested = spec([task('x')]);
    for (let depth = 0; depth < 5; depth++) nested = spec([child('c', 'in')], { childSpecs: { in: nested } });
    expect(refusalOf(nested)).toBeUndefined();

    expect(refusalOf(spec([child('c', 'in')], { childSpecs: { in: nested } }))).toMatchObject({
      code: 'INVALID_FIELD',
      metadata: { depth: '6' },
    });
  });
});
