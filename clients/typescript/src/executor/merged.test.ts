// BEHAVIOURS B.1: the merged view of the input and the results of the dependencies.

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { AssignmentSchema } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { TaskState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { expect, test } from 'vitest';
import { bytesPayload, toPayload } from '../payloads.ts';
import type { AttemptDeps } from './attempt.ts';
import { createContext } from './context.ts';
import type { MergeOptions } from './types.ts';

type Dependencies = NonNullable<MessageInitShape<typeof AssignmentSchema>['dependencies']>;

function dependency(key: string, value: unknown, alias = ''): Dependencies[number] {
  const result = toPayload(value);
  return { key, alias, state: TaskState.COMPLETED, ...(result !== undefined && { result }) };
}

function merged(input: unknown, dependencies: Dependencies, options?: MergeOptions) {
  const payload = toPayload(input);
  const assignment = create(AssignmentSchema, {
    dependencies,
    ...(payload !== undefined && { input: payload }),
  });
  const deps = { assignment, settings: { logger: undefined } } as unknown as AttemptDeps;
  return createContext(deps, { abort: {}, state: { usage: {} }, traceparent: '' } as never).merged(options);
}

const TWO = [dependency('a', { x: 1, y: 1 }), dependency('b', { y: 2, z: 2 })];

test('B.1: objects go field by field, in the declared order of dependencies, and later ones win', () => {
  expect(merged(undefined, TWO)).toEqual({ x: 1, y: 2, z: 2 });
  expect(merged(undefined, TWO.toReversed())).toEqual({ x: 1, y: 1, z: 2 });
});

test('B.1: the own input wins over all; it loses only if asked so', () => {
  const input = { x: 0, own: true };
  expect(merged(input, TWO)).toEqual({ x: 0, y: 2, z: 2, own: true });
  expect(merged(input, TWO, {})).toEqual({ x: 0, y: 2, z: 2, own: true });
  expect(merged(input, TWO, { inputLoses: true })).toEqual({ x: 1, y: 2, z: 2, own: true });
});

test('B.1: anything but an object stands under its key, or alias; the input under `input`', () => {
  const dependencies = [
    dependency('list', [1]),
    dependency('text', 't', 'named'),
    dependency('zero', 0),
    dependency('no', false),
    { key: 'raw', state: TaskState.COMPLETED, result: bytesPayload(new Uint8Array([7]), 'image/png') },
  ];
  expect(merged('own', dependencies)).toEqual({
    list: [1],
    named: 't',
    zero: 0,
    no: false,
    raw: new Uint8Array([7]),
    input: 'own',
  });
});

test('B.1, A.3: what has no result adds nothing; a result of null is one', () => {
  const failed = { key: 'failed', state: TaskState.FAILED };
  expect(merged(undefined, [failed, dependency('none', undefined), dependency('nil', null)])).toEqual({
    nil: null,
  });
  expect(merged(undefined, [])).toEqual({});
});

test.each([{}, { inputLoses: true }])(
  'B.1: a key, alias or field `__proto__` is one as any other (%o)',
  (options) => {
    const field = JSON.parse('{"__proto__": {"polluted": 1}}');
    for (const dependencies of [
      [dependency('a', field)],
      [dependency('__proto__', [1])],
      [dependency('a', [1], '__proto__')],
    ]) {
      const view = merged({ own: 1 }, dependencies, options);
      expect(Object.keys(view).toSorted()).toEqual(['__proto__', 'own']);
      expect(Object.getPrototypeOf(view)).toBe(Object.prototype);
      expect((view as { polluted?: unknown }).polluted).toBeUndefined();
    }
  },
);

test('B.1: a field and a key of one name: the later wins', () => {
  expect(merged(undefined, [dependency('a', { b: 1 }), dependency('b', [2])])).toEqual({ b: [2] });
  expect(merged({ b: 0 }, [dependency('b', [2])])).toEqual({ b: 0 });
});
