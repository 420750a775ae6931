import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTaskKeys, toTaskKey } from './task-keys.ts';

/** The rule of TaskSpec.key in tutti/v1/task.proto. */
const keyRule = /^[A-Za-z0-9_][A-Za-z0-9_.:/-]*$/;

/** Ids made of what matters: escapes, their look-alikes, and characters that need escaping. */
const trickyId = fc
  .array(fc.constantFrom('_', ':', '5F', '3A', '2', '0', ' ', 'é', '.', '-', '/', 'a', '*', '>', '\0'), {
    minLength: 1,
    maxLength: 8,
  })
  .map((parts) => parts.join(''));

describe('task keys for the ids of other systems', () => {
  test('a valid key stays as it is', () => {
    for (const id of ['mProject_ID0000001', 'a.b:c/d-e', '0', '_x', 'a:zz']) expect(toTaskKey(id)).toBe(id);
  });

  test('what is not allowed is escaped', () => {
    expect(toTaskKey('a b')).toBe('a:20b');
    expect(toTaskKey('a:20b')).toBe('a:3A20b');
    expect(toTaskKey('.hidden')).toBe('_:2Ehidden');
    expect(toTaskKey('_:2Ehidden')).toBe('_:5F:3A2Ehidden');
    expect(toTaskKey('é')).toBe('_:C3:A9');
  });

  test('every key obeys the rule and different ids never share one', () => {
    fc.assert(
      fc.property(trickyId, trickyId, (first, second) => {
        expect(toTaskKey(first)).toMatch(keyRule);
        expect(toTaskKey(first) === toTaskKey(second)).toBe(first === second);
      }),
      { numRuns: 2_000 },
    );
  });

  test('long ids stay within 200 characters and apart', () => {
    const first = toTaskKey(`${'x'.repeat(300)}1`);
    const second = toTaskKey(`${'x'.repeat(300)}2`);
    expect(first).toHaveLength(200);
    expect(first).toMatch(keyRule);
    expect(first).not.toBe(second);
  });

  test('ids that cannot be told apart are refused', () => {
    // Lone surrogates have no UTF-8 of their own.
    expect(() => createTaskKeys(['a\ud800', 'a\ud801'])).toThrow('cannot be told apart');
  });
});
