import { describe, expect, test } from 'vitest';
import { json, PayloadError, toPayload } from './payloads.ts';

describe('what JSON cannot carry is refused, and not turned into null', () => {
  test.each([
    ['NaN', Number.NaN, 'not a JSON value: NaN'],
    ['Infinity', [1, Infinity], 'not a JSON value: Infinity at "1"'],
    ['a number deep inside', { a: { b: [{ ratio: -Infinity }] } }, 'not a JSON value: -Infinity at "ratio"'],
  ])('%s', (_, value, message) => {
    expect(() => toPayload(value)).toThrow(new PayloadError(message));
  });

  test('null itself, and texts that speak of it, are carried', () => {
    const value = { none: null, text: 'null', list: [null, 0, -0.5] };
    expect(json(toPayload(value))).toEqual(value);
  });
});
