// BEHAVIOURS B.4: what the rules make of a payload whose content they cannot see.

import { describe, expect, test } from 'vitest';
import type { Payload } from './payload.ts';
import { jsonOfPayload } from './payload-json.ts';
import { play, task } from './test-support.ts';

const apart: Payload = {
  bytes: new Uint8Array(0),
  contentType: '',
  ref: { sha256: 'ab'.repeat(32), sizeBytes: 5_000_000 },
};
const small: Payload = { bytes: new TextEncoder().encode('{"go":true}'), contentType: '' };
const TOLD = 'expressions do not see what is stored apart, being larger than 262144 bytes';

test('it is no JSON, not even an empty one', () => {
  expect(jsonOfPayload(apart)).toBeUndefined();
});

describe('an expression over the result of a task', () => {
  const finish = (when: string, result: Payload) => {
    const run = play([task('a'), task('b', { after: ['a'], when })]);
    run.start('a');
    return { run, steps: run.complete('a', result) };
  };

  test('that is stored apart fails, and says whose it is, its size and the limit', () => {
    const { run, steps } = finish('results.a.go == true', apart);

    expect(steps).toEqual(['a COMPLETED', 'b FAILED EXPRESSION_FAILED', 'run FAILED TASK_FAILED by b']);
    const { message } = run.at('b').error ?? {};
    expect(message).toContain('when: `results.a.go == true` could not be evaluated: no such key: a');
    expect(message).toContain(`${TOLD}: the result of "a" (5000000 bytes)`);
  });

  test('that fails for another reason is told that reason alone', () => {
    const { run } = finish('results.a.nothing == true', small);
    expect(run.at('b').error?.message).not.toContain(TOLD);
  });

  test('may look at others beside it', () => {
    const run = play([task('a'), task('c'), task('b', { after: ['a', 'c'], when: 'results.c.go == true' })]);
    run.start('a');
    run.complete('a', apart);
    run.start('c');
    expect(run.complete('c', small)).toEqual(['c COMPLETED', 'b READY']);
  });
});

test('the condition of an edge fails as well where it looks at it', () => {
  const run = play([task('a'), task('b', { after: [['a', { when: 'result.go == true' }]] })]);
  run.start('a');
  run.complete('a', apart);

  expect(run.at('b').error?.message).toContain(`${TOLD}: the result of "a" (5000000 bytes)`);
});

test('an edge that asks for a part of it fails its task, and names the edge', () => {
  const run = play([task('a'), task('b', { after: ['a'] })]);
  run.start('a');
  run.complete('a', apart);
  const sizes = { sizeBytes: 5_000_000, limitBytes: 262_144 };

  expect(run.steps({ type: 'RefuseAssignment', task: 1, upstream: 0, apart: true, ...sizes })).toEqual([
    'b FAILED ASSIGNMENT_TOO_LARGE',
    'run FAILED TASK_FAILED by b',
  ]);
  const { message } = run.at('b').error ?? {};
  expect(message).toContain('the result of "a" has 5000000 bytes and is stored apart');
  expect(message).toContain('the edge from "a" to "b" takes a part of up to 262144 bytes');
});
