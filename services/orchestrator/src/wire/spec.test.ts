// What is submitted is what is stored, and what is stored comes back.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { RunSpecSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import { ErrorAction, JoinMode, TaskSpecSchema } from '@tutti/proto/tutti/v1/task_pb.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PLAIN_TASK } from '../domain/spec.ts';
import { INLINE_PAYLOAD_LIMIT_BYTES } from './limits.ts';
import { toRunSpec } from './spec.ts';
import { decodeRunRecord, decodeTaskSpec, encodeRunRecord, encodeTaskSpec } from './stored-spec.ts';
import { runSpec, TRACEPARENT, taskSpec } from './wire-fixture.ts';

function submitted(tasks: object[]) {
  return toRunSpec(create(RunSpecSchema, { tasks }));
}

describe('a stored specification', () => {
  test('of a task comes back as it was', () => {
    fc.assert(
      fc.property(taskSpec, (spec) => {
        expect(decodeTaskSpec(encodeTaskSpec(spec))).toEqual(spec);
      }),
      { numRuns: 500 },
    );
  });

  test('of a run comes back as it was, with its time and trace', () => {
    fc.assert(
      fc.property(runSpec, (spec) => {
        const parent = { runId: 'run-1', taskKey: 'a', attempt: 1 };
        const taskCount = spec.tasks.length;
        const run = { spec, submittedAtMs: 1_763_678_455_123, traceparent: TRACEPARENT, parent, taskCount };
        expect(decodeRunRecord(encodeRunRecord(run), spec.tasks.map(encodeTaskSpec))).toEqual(run);
      }),
      { numRuns: 200 },
    );
  });

  test('that says only what is default says nothing', () => {
    const plain = submitted([{ key: 'a', capability: 'echo' }]);
    if (!plain.ok) throw new Error(plain.rejection.message);
    const expected = toBinary(TaskSpecSchema, create(TaskSpecSchema, { key: 'a', capability: 'echo' }));
    expect(plain.value.tasks.map(encodeTaskSpec)).toEqual([expected]);
  });
});

describe('a submitted specification', () => {
  test('has every default filled in (contract of task.proto)', () => {
    const spec = submitted([{ key: 'a', capability: 'echo', retry: {}, timeouts: {}, join: {} }]);
    expect(spec.ok && spec.value.tasks[0]).toEqual({
      ...PLAIN_TASK,
      key: 'a',
      capability: 'echo',
      input: { bytes: new Uint8Array(), contentType: '' },
      dependencies: [],
      join: { mode: 'ALL' },
      onUnmet: 'SKIP',
      parent: '',
      priority: 2,
      retry: {
        maxAttempts: 1,
        initialDelayMs: 1_000,
        factor: 2,
        maxDelayMs: 300_000,
        jitter: 0,
        nonRetryableCodes: [],
        maxLostAttempts: 10,
      },
      timeouts: { queueMs: undefined, attemptMs: undefined, wholeMs: undefined, heartbeatMs: undefined },
      allowFailure: false,
      cancelGraceMs: 10_000,
      when: '',
      inputExpression: '',
    });
  });

  test('takes what is explicitly zero as zero, not as unset', () => {
    const zero = { seconds: 0n, nanos: 0 };
    const retry = { initialDelay: zero, maxDelay: zero, maxLostAttempts: 0 };
    const spec = submitted([{ key: 'a', capability: 'echo', priority: 0, cancelGrace: zero, retry }]);
    const task = spec.ok ? spec.value.tasks[0] : undefined;
    expect(task).toMatchObject({ priority: 0, cancelGraceMs: 0 });
    expect(task?.retry).toMatchObject({ initialDelayMs: 0, maxDelayMs: 0, maxLostAttempts: 0 });
  });

  test('turns a value into JSON bytes', () => {
    const value = { kind: { case: 'stringValue', value: 'grüß' } };
    const spec = submitted([{ key: 'a', capability: 'echo', input: { data: { case: 'value', value } } }]);
    expect(spec.ok && spec.value.tasks[0]?.input).toEqual({
      bytes: new TextEncoder().encode('"grüß"'),
      contentType: '',
    });
  });

  test('is refused for a payload beyond the limit, which is named with the field', () => {
    const input = (size: number) => ({ data: { case: 'bytes', value: new Uint8Array(size) } });
    const task = (key: string, size: number) => ({ key, capability: 'echo', input: input(size) });
    expect(submitted([task('a', INLINE_PAYLOAD_LIMIT_BYTES)]).ok).toBe(true);
    const refused = submitted([task('a', 1), task('b', INLINE_PAYLOAD_LIMIT_BYTES + 1)]);
    expect(refused).toMatchObject({
      rejection: {
        code: 'PAYLOAD_TOO_LARGE',
        field: 'tasks[1].input',
        metadata: { size_bytes: '262145', limit_bytes: '262144' },
      },
    });
  });

  test('B.4: is refused as well for such a payload of an item of a foreach, or of an error rule', () => {
    const data = { case: 'bytes' as const, value: new Uint8Array(INLINE_PAYLOAD_LIMIT_BYTES + 1) };
    const task = { key: 'a', capability: 'echo' };
    const refused = (field: string) => ({ rejection: { code: 'PAYLOAD_TOO_LARGE', field } });
    expect(submitted([{ ...task, foreach: { items: [{}, { data }] } }])).toMatchObject(
      refused('tasks[0].foreach.items[1]'),
    );
    const rule = { action: ErrorAction.COMPLETE, result: { data } };
    expect(submitted([{ ...task, errorRules: [rule] }])).toMatchObject(
      refused('tasks[0].error_rules[0].result'),
    );
  });

  test.each([
    ['a number without a JSON form', { kind: { case: 'numberValue', value: Number.NaN } }, ''],
    ['a value without a kind', { kind: { case: undefined } }, ''],
    ['a value that is no JSON', { kind: { case: 'boolValue', value: true } }, 'image/png'],
  ])('is refused for %s', (_what, value, contentType) => {
    const input = { data: { case: 'value', value }, contentType };
    const refused = submitted([{ key: 'a', capability: 'echo', input }]);
    expect(refused).toMatchObject({ rejection: { code: 'INVALID_FIELD', field: 'tasks[0].input.value' } });
  });

  test.each([
    ['JOIN_MODE_ANY', JoinMode.ANY],
    ['JOIN_MODE_ALL', JoinMode.ALL],
    ['none', JoinMode.UNSPECIFIED],
  ])('is refused for a count of a join whose mode is %s (contract of Join.count)', (_name, mode) => {
    const task = { key: 'a', capability: 'echo' };
    const joined = { ...task, key: 'b', dependencies: [{ key: 'a' }], join: { mode, count: 1 } };
    const refused = submitted([task, joined]);
    expect(refused).toMatchObject({
      rejection: {
        code: 'INVALID_JOIN',
        field: 'tasks[1].join.count',
        metadata: { key: 'b', count: '1', dependencies: '1' },
      },
    });
    expect(!refused.ok && refused.rejection.message).toContain('ask for JOIN_MODE_AT_LEAST');
  });

  test('does not keep the message that a small input came in', () => {
    const bytes = toBinary(
      RunSpecSchema,
      create(RunSpecSchema, {
        name: 'x'.repeat(10_000),
        tasks: [
          { key: 'a', capability: 'echo', input: { data: { case: 'bytes', value: new Uint8Array(10) } } },
        ],
      }),
    );
    const spec = toRunSpec(fromBinary(RunSpecSchema, bytes));
    expect(spec.ok && spec.value.tasks[0]?.input.bytes.buffer.byteLength).toBe(10);
  });
});

describe('what has two answers to one question is refused', () => {
  const input = { data: { case: 'bytes' as const, value: new Uint8Array() } };
  const selecting = (select: object) => [
    { key: 'a', capability: 'echo' },
    { key: 'b', capability: 'echo', dependencies: [{ key: 'a', select }] },
  ];

  test.each([
    [
      'an input and a computed one',
      [{ key: 'a', capability: 'echo', input, inputExpression: 'input' }],
      'tasks[0].input_expression',
    ],
    ['nothing and fields', selecting({ nothing: true, fields: ['a'] }), 'tasks[1].dependencies[0].select'],
    ['fields and items', selecting({ fields: ['a'], lastItems: 1 }), 'tasks[1].dependencies[0].select'],
    [
      'an input and items',
      [{ key: 'a', capability: 'echo', input, foreach: { items: [input] } }],
      'tasks[0].input',
    ],
    [
      'a result and a rule that gives none',
      [{ key: 'a', capability: 'echo', errorRules: [{ action: ErrorAction.FAIL, result: input }] }],
      'tasks[0].error_rules[0].result',
    ],
    [
      'a delay and a rule that waits for nothing',
      [{ key: 'a', capability: 'echo', errorRules: [{ action: ErrorAction.FAIL, delay: { seconds: 1n } }] }],
      'tasks[0].error_rules[0].delay',
    ],
  ])('%s', (_, tasks, field) => {
    const spec = submitted(tasks);
    expect(spec.ok || spec.rejection).toMatchObject({ code: 'INVALID_FIELD', field });
  });

  test('one of them is not', () => {
    expect(submitted(selecting({ lastItems: 1, maxBytes: 5 })).ok).toBe(true);
  });
});
