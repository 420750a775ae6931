// S5 of the store's port: what is stored of a specification is the specification.

import { toBinary } from '@bufbuild/protobuf';
import { RunRecordSchema } from '@tutti/proto/tutti/store/v1/record_pb.ts';
import { TaskSpecSchema } from '@tutti/proto/tutti/v1/task_pb.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plainTask } from '../domain/plain-task.ts';
import { PLAIN_EDGE, PLAIN_RUN, type RunSpec, type TaskSpec } from '../domain/spec.ts';
import { encodePlainRecord, encodePlainTask } from './plain-spec.ts';
import { encodeRunRecord, encodeTaskSpec, fromRunRecord, fromTaskSpec } from './stored-spec.ts';
import { payload, runSpec, TRACEPARENT, taskSpec } from './wire-fixture.ts';

const edge = fc.record({ key: fc.string(), condition: fc.constant('SUCCESS' as const) });
const plain: fc.Arbitrary<TaskSpec> = fc
  .record({ key: fc.string(), capability: fc.string(), input: payload, dependencies: fc.array(edge) })
  .map(({ key, capability, input, dependencies }) =>
    plainTask(key, capability, {
      input,
      dependencies: dependencies.map((each) => ({ ...each, ...PLAIN_EDGE })),
    }),
  );
const plainRun: fc.Arbitrary<RunSpec> = fc
  .record({
    name: fc.string(),
    labels: fc.dictionary(fc.string({ minLength: 1 }), fc.string(), { maxKeys: 3 }),
    outputTask: fc.string(),
  })
  .map(({ name, labels, outputTask }) => ({
    ...(PLAIN_RUN as Pick<RunSpec, keyof typeof PLAIN_RUN>),
    name,
    labels,
    outputTask,
    tasks: [],
    failurePolicy: 'CONTINUE',
    timeoutMs: undefined,
  }));

function recordOf(spec: RunSpec) {
  const taskCount = spec.tasks.length;
  return { spec, submittedAtMs: 1_763_678_455_123, traceparent: TRACEPARENT, parent: undefined, taskCount };
}

describe('a task', () => {
  test('that is plain, written by hand, has the bytes that the library gives its message', () => {
    fc.assert(
      fc.property(plain, (spec) => {
        const expected = Buffer.from(toBinary(TaskSpecSchema, fromTaskSpec(spec, 'BYTES')));
        const written = encodePlainTask(spec);
        expect(written === undefined).toBe(spec.input.ref !== undefined);
        if (written !== undefined) expect(Buffer.from(written)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  test('that says more of one edge is not plain', () => {
    const more = fc.constantFrom({ condition: 'FAILURE' as const }, { when: 'true' }, { alias: 'a' });
    fc.assert(
      fc.property(plain, more, (spec, difference) => {
        const edge = { key: 'u', condition: 'SUCCESS' as const, ...PLAIN_EDGE, ...difference };
        expect(encodePlainTask({ ...spec, dependencies: [...spec.dependencies, edge] })).toBeUndefined();
      }),
    );
  });

  test('has them whatever it says', () => {
    fc.assert(
      fc.property(taskSpec, (spec) => {
        const expected = Buffer.from(toBinary(TaskSpecSchema, fromTaskSpec(spec, 'BYTES')));
        expect(Buffer.from(encodeTaskSpec(spec))).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a run', () => {
  test('that is plain, written by hand, has the bytes that the library gives its message', () => {
    fc.assert(
      fc.property(plainRun, (spec) => {
        const expected = Buffer.from(toBinary(RunRecordSchema, fromRunRecord(recordOf(spec))));
        expect(Buffer.from(encodePlainRecord(recordOf(spec)) ?? [])).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  test('has them whatever it says', () => {
    fc.assert(
      fc.property(runSpec, (spec) => {
        const expected = Buffer.from(toBinary(RunRecordSchema, fromRunRecord(recordOf(spec))));
        expect(Buffer.from(encodeRunRecord(recordOf(spec)))).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});
