// In which order do tasks start that become ready at the same moment?

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PLAIN_FLOW, type TaskSpec } from './spec.ts';
import { graphOf, play, spec, type TaskSketch, task } from './test-support.ts';
import { turnsFrom, wayAhead } from './way-ahead.ts';

const taking = (key: string, expectedMs: number, sketch: TaskSketch = {}): TaskSpec =>
  task(key, { ...sketch, flow: { ...PLAIN_FLOW, expectedMs } });

/** Of each task: how long it takes, and which of those before it it depends on. */
const sketches = fc.array(fc.record({ expectedMs: fc.nat(9), after: fc.array(fc.nat(), { maxLength: 3 }) }), {
  minLength: 1,
  maxLength: 30,
});

const tasksOf = (all: readonly { expectedMs: number; after: readonly number[] }[]): readonly TaskSpec[] =>
  all.map(({ expectedMs, after }, index) =>
    taking(`t${index}`, expectedMs, {
      after: index === 0 ? [] : [...new Set(after.map((number) => `t${number % index}`))],
    }),
  );

function longest(tasks: readonly TaskSpec[], { key, flow }: TaskSpec): number {
  const next = tasks.filter(({ dependencies }) => dependencies.some((edge) => edge.key === key));
  return flow.expectedMs + Math.max(0, ...next.map((each) => longest(tasks, each)));
}

describe('the way ahead', () => {
  test('is the longest over everything that depends on a task, whatever the order of submission', () => {
    fc.assert(
      fc.property(sketches, fc.boolean(), (all, reversed) => {
        const inLine = tasksOf(all);
        const tasks = reversed ? inLine.toReversed() : inLine;
        const graph = graphOf(spec(tasks));
        expect(tasks.map((_, index) => wayAhead(graph, index))).toEqual(
          tasks.map((each) => longest(tasks, each)),
        );
      }),
    );
  });

  test('is nothing that a run without hints pays for', () => {
    const graph = graphOf(spec([task('a'), task('b', { after: ['a'] })]));
    expect(graph.waysAhead).toBeUndefined();
    expect(turnsFrom(graph, 0)).toBeUndefined();
  });

  test('does not lead over what is done about a failure', () => {
    const graph = graphOf(spec([taking('a', 1), taking('alarm', 1_000, { after: ['a!'] })]));
    expect(graph.waysAhead).toEqual([1, 1_000]);
  });

  test('is measured along a long chain without a deep stack', () => {
    const tasks = Array.from({ length: 20_000 }, (_, index) =>
      taking(`t${index}`, 1, index === 0 ? {} : { after: [`t${index - 1}`] }),
    );
    expect(wayAhead(graphOf(spec(tasks)), 0)).toBe(20_000);
  });
});

describe('E.1: at one moment, the longest way ahead comes first', () => {
  test('of those that the end of one upstream makes ready', () => {
    const scenario = play([
      task('split'),
      taking('short', 1, { after: ['split'] }),
      taking('none', 0, { after: ['split'] }),
      taking('long', 5, { after: ['split'] }),
      taking('leads', 1, { after: ['split'] }),
      taking('far', 9, { after: ['leads'] }),
    ]);
    scenario.start('split');
    expect(scenario.complete('split')).toEqual([
      'split COMPLETED',
      'leads READY',
      'long READY',
      'short READY',
      'none READY',
    ]);
  });

  test('the order of submission holds among equals, and for a run in which no task says anything', () => {
    for (const expectedMs of [0, 7]) {
      const keys = ['c', 'a', 'b'];
      const scenario = play([task('x'), ...keys.map((key) => taking(key, expectedMs, { after: ['x'] }))]);
      scenario.start('x');
      expect(scenario.complete('x')).toEqual(['x COMPLETED', ...keys.map((key) => `${key} READY`)]);
    }
  });

  test('of those that a condition lets in with the submission', () => {
    const { events } = play([taking('short', 1, { when: 'true' }), taking('long', 5, { when: 'true' })]);
    expect(events.map(({ change }) => ('task' in change ? change.task : change.type))).toEqual([
      'RunSubmitted',
      1,
      0,
    ]);
  });

  test('of those that wait for room in their run', () => {
    const tasks = [taking('a', 1), taking('b', 3), taking('c', 2)];
    const scenario = play(tasks, { maxParallel: 1 });
    for (const [key, next] of [
      ['b', 'c'],
      ['c', 'a'],
    ] as const) {
      scenario.start(key);
      expect(scenario.complete(key)).toEqual([`${key} COMPLETED`, `${next} READY`]);
    }
  });

  test('of those that are done again', () => {
    const scenario = play([taking('a', 1), taking('b', 3), taking('c', 2, { after: ['a'] })]);
    for (const key of ['a', 'b', 'c']) {
      scenario.start(key);
      scenario.complete(key);
    }
    const ready = scenario.rerun('ALL').filter((line) => line.endsWith('READY'));
    expect(ready).toEqual(['a READY', 'b READY']); // From a on it takes 3 as well.
    const other = play([taking('a', 1), taking('b', 3)]);
    for (const key of ['a', 'b']) {
      other.start(key);
      other.complete(key);
    }
    expect(other.rerun('ALL').filter((line) => line.endsWith('READY'))).toEqual(['b READY', 'a READY']);
  });
});

describe('a run that grows', () => {
  test('measures what is new by itself, and leaves the order of what is there', () => {
    const scenario = play([taking('a', 1), taking('b', 2)]);
    scenario.add(taking('c', 5, { after: ['a'] }), taking('d', 7, { after: ['c'] }), task('e'));
    expect(scenario.run.graph.waysAhead).toEqual([1, 2, 12, 7, 0]);
    expect(turnsFrom(scenario.run.graph, 2)).toEqual([2, 3, 4]);
    scenario.depend('d', ['b']);
    expect(scenario.run.graph.waysAhead).toEqual([1, 2, 12, 7, 0]);
  });

  test('may say how long tasks take for the first time, or no more', () => {
    const scenario = play([task('a'), task('b')]);
    scenario.add(task('c'));
    expect(scenario.run.graph.waysAhead).toBeUndefined();
    scenario.add(taking('d', 4));
    scenario.add(task('e'));
    expect(scenario.run.graph.waysAhead).toEqual([0, 0, 0, 4, 0]);
  });
});
