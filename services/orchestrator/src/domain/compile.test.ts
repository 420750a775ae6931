// BEHAVIOURS A.1, A.2: which graphs are accepted, and what is said of the others.

import { describe, expect, test } from 'vitest';
import { compileGraph, MAX_DEPENDENCIES } from './compile.ts';
import type { Rejection } from './rejection.ts';
import { PLAIN_EDGE, type RunSpec } from './spec.ts';
import { type EdgeSketch, graphOf, spec, task } from './test-support.ts';
import { createToyCompiler } from './toy-expressions.ts';

function refusal(runSpec: RunSpec): Rejection {
  const compiled = compileGraph(runSpec, createToyCompiler());
  if (compiled.ok) throw new Error('accepted');
  return compiled.rejection;
}

describe('A.1: one task, a flat set, a tree, a forest, a graph', () => {
  test('edges are resolved in both directions, whatever the order of the tasks', () => {
    const graph = graphOf(
      spec([task('c', { after: ['a', 'b?'] }), task('b', { after: ['a!'] }), task('a'), task('d')]),
    );

    expect(graph.dependencies).toEqual([
      [
        { upstream: 2, condition: 'SUCCESS', ...PLAIN_EDGE },
        { upstream: 1, condition: 'FINISHED', ...PLAIN_EDGE },
      ],
      [{ upstream: 2, condition: 'FAILURE', ...PLAIN_EDGE }],
      [],
      [],
    ]);
    expect(graph.dependants).toEqual([
      [],
      [{ task: 0, condition: 'FINISHED', when: '' }],
      [
        { task: 0, condition: 'SUCCESS', when: '' },
        { task: 1, condition: 'FAILURE', when: '' },
      ],
      [],
    ]);
    expect(graph.required).toEqual([2, 1, 0, 0]);
    expect(graph.indexOf('d')).toBe(3);
    expect(graph.indexOf('e')).toBeUndefined();
  });

  test('parents make a tree beside the graph', () => {
    const graph = graphOf(
      spec([task('leaf', { parent: 'root' }), task('root'), task('other', { parent: 'root' })]),
    );

    expect(graph.children).toEqual([[], [0, 2], []]);
    expect(graph.required).toEqual([0, 0, 0]);
  });

  test('a join asks for all edges, for one, for as many as it says', () => {
    const after = ['a', 'b', 'c'];
    const graph = graphOf(
      spec([
        task('a'),
        task('b'),
        task('c'),
        task('all', { after }),
        task('any', { after, join: { mode: 'ANY' } }),
        task('two', { after, join: { mode: 'AT_LEAST', count: 2 } }),
      ]),
    );

    expect(graph.required.slice(3)).toEqual([3, 1, 2]);
  });
});

describe('A.2: what is refused', () => {
  test('two equal edges collapse into one', () => {
    const graph = graphOf(spec([task('a'), task('b', { after: ['a', 'a'] })]));

    expect(graph.dependencies[1]).toEqual([{ upstream: 0, condition: 'SUCCESS', ...PLAIN_EDGE }]);
    expect(graph.required[1]).toBe(1);
  });

  test('a run without tasks', () => {
    expect(refusal(spec([]))).toMatchObject({ code: 'INVALID_FIELD', field: 'tasks' });
  });

  test('more dependencies in all than one submission may take the time of the others for', () => {
    const upstreams = Array.from({ length: 1_000 }, (_, index) => `u${index}`);
    const fan = (count: number) => [
      ...upstreams.map((key) => task(key)),
      ...Array.from({ length: count }, (_, index) => task(`d${index}`, { after: upstreams })),
    ];
    expect(compileGraph(spec(fan(MAX_DEPENDENCIES / 1_000)), createToyCompiler()).ok).toBe(true);
    expect(refusal(spec(fan(MAX_DEPENDENCIES / 1_000 + 1)))).toMatchObject({
      code: 'INVALID_FIELD',
      field: 'tasks',
      message: expect.stringContaining('501000 dependencies in all, 500000 are allowed'),
    });
  });

  test('a key that is used twice', () => {
    expect(refusal(spec([task('a'), task('b'), task('a')]))).toMatchObject({
      code: 'DUPLICATE_KEY',
      field: 'tasks[2].key',
      metadata: { key: 'a' },
    });
  });

  test('a dependency on no task of the run', () => {
    expect(refusal(spec([task('a'), task('b', { after: ['a', 'ghost'] })]))).toMatchObject({
      code: 'UNKNOWN_DEPENDENCY',
      field: 'tasks[1].dependencies[1].key',
      metadata: { key: 'b', dependency: 'ghost' },
    });
  });

  test('a dependency on itself', () => {
    expect(refusal(spec([task('a', { after: ['a?'] })]))).toMatchObject({
      code: 'SELF_DEPENDENCY',
      field: 'tasks[0].dependencies[0].key',
      metadata: { key: 'a' },
    });
  });

  test('two edges to one upstream that contradict each other', () => {
    expect(refusal(spec([task('a'), task('b', { after: ['a', 'a!'] })]))).toMatchObject({
      code: 'CONTRADICTING_DEPENDENCIES',
      field: 'tasks[1].dependencies[1].condition',
      metadata: { key: 'b', dependency: 'a' },
    });
  });

  test('a cycle, named in full', () => {
    const tasks = [
      task('before'),
      task('behind', { after: ['c'] }),
      task('a', { after: ['before', 'c'] }),
      task('b', { after: ['a'] }),
      task('c', { after: ['b'] }),
    ];

    const { code, message, metadata, field } = refusal(spec(tasks));

    expect(code).toBe('DEPENDENCY_CYCLE');
    expect(metadata).toEqual({ cycle: 'a -> c -> b -> a' });
    expect(message).toContain('a -> c -> b -> a');
    expect(field).toBe('tasks[2].dependencies[1].key');
  });

  test('a cycle of 100,000 tasks is found, and named by its two ends', () => {
    const size = 100_000;
    const tasks = Array.from({ length: size }, (_, i) => task(`t${i}`, { after: [`t${(i + 1) % size}`] }));

    const { code, metadata } = refusal(spec(tasks));

    expect(code).toBe('DEPENDENCY_CYCLE');
    expect(metadata.cycle).toMatch(/^t0 -> t1 -> t2 -> .* -> \(\d+ more\) -> .* -> t99999 -> t0$/);
    expect(metadata.cycle?.length).toBeLessThan(2_000);
  });

  test('an unknown parent', () => {
    expect(refusal(spec([task('a', { parent: 'ghost' })]))).toMatchObject({
      code: 'UNKNOWN_PARENT',
      field: 'tasks[0].parent',
      metadata: { key: 'a', parent: 'ghost' },
    });
  });

  test('parents in a circle, also under a task outside of it', () => {
    const tasks = [
      task('below', { parent: 'b' }),
      task('a', { parent: 'b' }),
      task('b', { parent: 'c' }),
      task('c', { parent: 'a' }),
    ];

    expect(refusal(spec(tasks))).toMatchObject({
      code: 'PARENT_CYCLE',
      field: 'tasks[1].parent',
      metadata: { cycle: 'a -> b -> c -> a' },
    });
    expect(refusal(spec([task('a', { parent: 'a' })])).metadata).toEqual({ cycle: 'a -> a' });
  });

  test.each([
    ['none', { mode: 'AT_LEAST', count: 0 } as const, ['a', 'b'], 'tasks[2].join.count', '0', '2'],
    [
      'more than there are',
      { mode: 'AT_LEAST', count: 3 } as const,
      ['a', 'b'],
      'tasks[2].join.count',
      '3',
      '2',
    ],
    [
      'more than are distinct',
      { mode: 'AT_LEAST', count: 2 } as const,
      ['a', 'a'],
      'tasks[2].join.count',
      '2',
      '1',
    ],
    ['any of nothing', { mode: 'ANY' } as const, [], 'tasks[2].join', '1', '0'],
  ])('a join that asks for %s', (_, join, after, field, count, dependencies) => {
    expect(refusal(spec([task('a'), task('b'), task('c', { after, join })]))).toMatchObject({
      code: 'INVALID_JOIN',
      field,
      metadata: { key: 'c', count, dependencies },
    });
  });
});

describe('B.2, B.3, C.1: expressions and names', () => {
  const after = (...edges: readonly (string | EdgeSketch)[]) =>
    spec([task('a'), task('b'), task('c', { after: edges })]);

  test.each<[string, RunSpec, string, string]>([
    ['an unknown variable', spec([task('a', { when: 'x' })]), 'INVALID_EXPRESSION', 'tasks[0].when'],
    [
      'what only edges know',
      spec([task('a', { inputExpression: 'result' })]),
      'INVALID_EXPRESSION',
      'tasks[0].input_expression',
    ],
    [
      'what edges do not know',
      after('a', ['b', { when: 'results.a' }]),
      'INVALID_EXPRESSION',
      'tasks[2].dependencies[1].when',
    ],
    ['an unusable output', spec([task('a')], { output: 'x' }), 'INVALID_EXPRESSION', 'output'],
    ['an output of no task', spec([task('a')], { outputTask: 'x' }), 'INVALID_FIELD', 'output_task'],
    ['two outputs', spec([task('a')], { outputTask: 'a', output: 'input' }), 'INVALID_FIELD', 'output_task'],
    [
      'one alias for two',
      after(['a', { alias: 'x' }], ['b', { alias: 'x' }]),
      'INVALID_FIELD',
      'tasks[2].dependencies[1].alias',
    ],
    [
      'an alias that is a key',
      after(['a', { alias: 'b' }], 'b'),
      'INVALID_FIELD',
      'tasks[2].dependencies[1].alias',
    ],
    [
      'equal edges with different conditions',
      after('a', ['a', { when: 'true' }]),
      'CONTRADICTING_DEPENDENCIES',
      'tasks[2].dependencies[1].when',
    ],
    [
      'equal edges with different selections',
      after('a', ['a', { select: { part: { type: 'NOTHING' }, maxBytes: 0, oversize: 'REFUSE' } }]),
      'CONTRADICTING_DEPENDENCIES',
      'tasks[2].dependencies[1].select',
    ],
  ])('refused: %s', (_, runSpec, code, field) => {
    expect(refusal(runSpec)).toMatchObject({ code, field });
  });

  test('accepted: the alias of one may be the key of a task that is no dependency, and keys may be swapped', () => {
    expect(graphOf(after(['a', { alias: 'c' }])).required).toEqual([0, 0, 1]);
    expect(graphOf(after(['a', { alias: 'b' }], ['b', { alias: 'a' }])).required).toEqual([0, 0, 2]);
  });

  test('all expressions of a run are bounded together', () => {
    const long = (index: number) => `"${String(index).padEnd(4_000)}" == ""`;
    const tasks = (count: number) =>
      Array.from({ length: count }, (_, index) => task(`t${index}`, { when: long(index) }));

    expect(graphOf(spec(tasks(60))).required).toHaveLength(60);
    expect(refusal(spec(tasks(80)))).toMatchObject({ code: 'INVALID_EXPRESSION', field: 'tasks[65].when' });
    // An equal one costs nothing more.
    expect(
      graphOf(spec(Array.from({ length: 80 }, (_, index) => task(`t${index}`, { when: long(0) })))).required,
    ).toHaveLength(80);
  });
});
