import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Failure } from '../failure.ts';
import { readInput } from './read-input.ts';
import { importWfformat } from './wfformat.ts';

interface TestTask {
  id: string;
  parents?: string[];
  children?: string[];
  seconds?: number;
}

function instance(tasks: TestTask[], rest: object = {}): string {
  return JSON.stringify({
    name: 'test',
    schemaVersion: '1.5',
    workflow: {
      specification: { tasks: tasks.map(({ id, parents, children }) => ({ id, parents, children })) },
      execution: { tasks: tasks.map(({ id, seconds = 1 }) => ({ id, runtimeInSeconds: seconds })) },
    },
    ...rest,
  });
}

function failureOf(text: string): Failure {
  try {
    importWfformat(text, 'w.json', 1);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('was imported without complaint');
}

function secondsOf(bytes: unknown): number {
  return (JSON.parse(new TextDecoder().decode(bytes as Uint8Array)) as { seconds: number }).seconds;
}

describe('a WfFormat instance as a run', () => {
  test('tasks sleep for the recorded runtime times the scale, after their parents', () => {
    const text = instance([
      { id: 'a', children: ['b'], seconds: 2 },
      { id: 'b', parents: ['a'], seconds: 4.5 },
    ]);
    const spec = importWfformat(text, 'w.json', 0.1);
    expect(spec.name).toBe('test');
    expect(spec.labels).toEqual({ source: 'wfformat', workflow: 'test' });
    expect(spec.tasks.map((task) => [task.key, task.capability])).toEqual([
      ['a', 'sleep'],
      ['b', 'sleep'],
    ]);
    expect(spec.tasks.map((task) => secondsOf(task.input?.data.value))).toEqual([0.2, 0.45]);
    expect(spec.tasks.map((task) => task.dependencies.map((edge) => edge.key))).toEqual([[], ['a']]);
  });

  test('an edge counts whichever end names it, and once', () => {
    const text = instance([
      { id: 'a', children: ['b', 'c'] },
      { id: 'b', parents: ['a', 'a'] },
      { id: 'c', parents: ['b'] },
    ]);
    const spec = importWfformat(text, 'w.json', 1);
    expect(spec.tasks[1]?.dependencies.map((edge) => edge.key)).toEqual(['a']);
    expect(spec.tasks[2]?.dependencies.map((edge) => edge.key)).toEqual(['b', 'a']);
  });

  test('ids that are no keys are escaped in tasks and edges alike', () => {
    const spec = importWfformat(instance([{ id: 'a b' }, { id: 'c', parents: ['a b'] }]), 'w.json', 1);
    expect(spec.tasks[0]?.key).toBe('a:20b');
    expect(spec.tasks[1]?.dependencies[0]?.key).toBe('a:20b');
  });

  test('importing twice gives the same', () => {
    const text = instance([{ id: 'a' }, { id: 'b', parents: ['a'] }]);
    expect(importWfformat(text, 'w.json', 0.3)).toEqual(importWfformat(text, 'w.json', 0.3));
  });

  test.each([
    ['not JSON', '{', 'not JSON'],
    ['no version', '{}', 'no schemaVersion; only WfFormat 1.5'],
    [
      'another version',
      instance([{ id: 'a' }], { schemaVersion: '1.4' }),
      'schemaVersion "1.4"; only WfFormat 1.5',
    ],
  ])('bad input: %s', (_, text, message) => {
    const failure = failureOf(text);
    expect(failure.exitCode).toBe(2);
    expect(failure.message).toContain(message);
  });

  test.each([
    ['no workflow', { workflow: undefined }, 'workflow.specification.tasks'],
    [
      'no tasks',
      { workflow: { specification: { tasks: [] }, execution: { tasks: [] } } },
      'workflow.specification.tasks',
    ],
    [
      'no measured tasks',
      { workflow: { specification: { tasks: [{ id: 'a' }] } } },
      'workflow.execution.tasks',
    ],
    [
      'a task without id',
      { workflow: { specification: { tasks: [{}] }, execution: { tasks: [] } } },
      'workflow.specification.tasks[0].id',
    ],
    [
      'a task that was not measured',
      { workflow: { specification: { tasks: [{ id: 'a' }] }, execution: { tasks: [] } } },
      'workflow.execution.tasks',
    ],
    [
      'a negative runtime',
      {
        workflow: {
          specification: { tasks: [{ id: 'a' }] },
          execution: { tasks: [{ id: 'a', runtimeInSeconds: -1 }] },
        },
      },
      'workflow.execution.tasks[0].runtimeInSeconds',
    ],
  ])('bad input: %s is named', (_, rest, field) => {
    expect(failureOf(instance([{ id: 'a' }], rest)).details.fields[0]?.field).toBe(field);
  });

  test('bad input: an unknown parent, an unknown child and a second task of the same id', () => {
    expect(failureOf(instance([{ id: 'a', parents: ['x'] }])).details.fields[0]?.description).toContain(
      'parent "x"',
    );
    expect(failureOf(instance([{ id: 'a', children: ['x'] }])).details.fields[0]?.description).toContain(
      'child "x"',
    );
    expect(failureOf(instance([{ id: 'a' }, { id: 'a' }])).details.fields[0]?.field).toBe(
      'workflow.specification.tasks[1].id',
    );
  });
});

// The real inputs of issue 2 (TUTTI_DATA is where an orchestrator keeps its state). Their numbers of tasks and edges are those that their README lists.
const instancesFolder = join(process.env.TUTTI_TEST_DATA ?? resolve('../shared/data'), 'wfinstances');
const expectedSizes: Record<string, readonly [tasks: number, edges: number]> = {
  'montage-chameleon-2mass-05d-001': [1738, 4698],
  '1000genome-chameleon-22ch-250k-001': [902, 1166],
  'seismology-chameleon-1000p-001': [1001, 1000],
  'soykb-chameleon-10fastq-20ch-001': [156, 354],
  'rnaseq-dirt02-001': [197, 451],
};

if (!existsSync(instancesFolder)) {
  test.skip(`SKIPPED real inputs: there is no ${instancesFolder}; name their folder in TUTTI_TEST_DATA`, () => {});
} else {
  describe('the real inputs', () => {
    test.each(readdirSync(instancesFolder).filter((file) => file.endsWith('.json.gz')))(
      '%s',
      async (file) => {
        const spec = importWfformat(await readInput(join(instancesFolder, file)), file, 1);
        const edges = spec.tasks.reduce((sum, task) => sum + task.dependencies.length, 0);
        expect(spec.tasks.length).toBeGreaterThan(0);
        const expected = expectedSizes[file.replace('.json.gz', '')];
        if (expected !== undefined) expect([spec.tasks.length, edges]).toEqual(expected);
      },
    );
  });
}
