// Issue 3, item 7: expressions come from strangers. Evaluation can neither reach the host nor stall the
// engine. Bounds are counted in steps and characters, never in seconds.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json } from '../domain/expression.ts';
import { createExpressionCompiler } from './compiler.ts';
import { evaluate } from './expressions-fixture.ts';
import { defaultExpressionLimits as limits } from './limits.ts';
import { MAX_PATTERN_SIZE, patternSize } from './regex.ts';

const list = Array.from({ length: 10_000 }, (_, index) => index);
const variables: Readonly<Record<string, Json>> = {
  list,
  long: 'a'.repeat(200_000),
  data: { a: [{ b: 1 }], note: null },
};

const nested = (open: string, inner: string, close: string, count: number) =>
  open.repeat(count) + inner + close.repeat(count);

describe('sources that are refused before they are evaluated', () => {
  test.each([
    ['too long', 'a'.repeat(4_097), 'at most 4096'],
    ['parentheses', nested('(', '1', ')', 2_000), 'brackets within each other'],
    ['lists', nested('[', '1', ']', 2_000), 'brackets within each other'],
    ['open ends', '('.repeat(4_096), 'brackets within each other'],
    ['closers in strings', nested('[")",', '1', ']', 500), 'brackets within each other'],
    ['closers in raw strings', nested(String.raw`(r"\" + `, '"1"', ')', 400), 'brackets within each other'],
    ['closers in comments', `${nested('( // )\n', '1', ')', 400)}`, 'brackets within each other'],
    ['conditions', `${'true?1:'.repeat(500)}1`, 'more than 256 levels'],
    ['sums', `${'1+'.repeat(2_000)}1`, 'more than 256 levels'],
    ['fields', `data${'.a'.repeat(2_000)}`, 'more than 256 levels'],
  ])('%s', (_, text, cause) => {
    const compiled = createExpressionCompiler().compile(text, ['data']);
    expect(compiled).toEqual({ ok: false, cause: expect.stringContaining(cause) });
  });

  test('4,000 negations are one', () => {
    expect(evaluate(`${'!'.repeat(4_000)}true`)).toEqual({ ok: true, value: true });
  });

  test('a bracket in a string is no bracket', () => {
    expect(evaluate(`size("${'('.repeat(100)}") + size('''"${'['.repeat(100)}''') == 201`)).toEqual({
      ok: true,
      value: true,
    });
  });
});

describe('evaluations that end by their budget', () => {
  const steps = `more than ${limits.maxSteps} steps`;
  const characters = `more than ${limits.maxProducedCharacters} characters`;
  const doubled = (text: string, times: number) => `${text}${'.map(x, x + x)'.repeat(times)}`;

  test.each([
    ['a list within itself', 'list.exists(a, list.exists(b, a + b < 0.0))', steps],
    ['four levels', 'list.all(a, list.all(b, list.all(c, list.all(d, true))))', steps],
    ['a large product kept', 'list.map(a, list.map(b, [a, b]))', steps],
    ['4,096 characters of loops', nested('list.map(x, ', 'x', ')', 60), steps],
    ['a search in a search', 'list.filter(a, (a + 0.5) in list)', steps],
    ['a comparison of equal lists', 'list.all(a, list.map(x, x) == list)', steps],
    ['strings that double', doubled('["aaaaaaaa"]', 40), characters],
    ['lists that double', doubled('[[1, 2, 3, 4]]', 40), characters],
    ['lists that name one part twice', `[0]${'.map(x, [x, x])'.repeat(25)}`, characters],
    ['a variable many times over', '[1, 2, 3, 4, 5, 6].map(x, long)', characters],
    ['a join of one string', 'list.map(x, long).join("")', ''],
    ['a replacement', 'long.replace("a", long)', characters],
    ['a replacement of nothing', 'long.replace("", long)', characters],
    ['a split', 'list.map(x, long.split(""))', ''],
    ['a search that never fits', 'long.contains(long.substring(0, 100000) + "b" + long)', steps],
    ['patterns on long texts', 'long.matches("(a*)*(a*)*(a*)*b")', steps],
    ['many patterns', 'list.exists(x, "b".matches("\\\\pL{40}" + string(x)))', steps],
    ['equal strings that are not the same', 'list.all(x, long + "a" == long + "a")', ''],
    ['bytes', 'list.all(x, size(bytes(long)) > 0)', ''],
    ['an absorbed error', 'list.exists(a, list.exists(b, a + b < 0.0)) || true', steps],
    ['an error absorbed by exists', '[1, 2].exists(y, list.all(a, list.all(b, true)) || y == 2)', steps],
    ['an error absorbed within a call', '(long.replace("a", long) == "a") || true', characters],
  ])('%s', (_, text, cause) => {
    const compiler = createExpressionCompiler();
    const result = evaluate(text, variables, compiler);
    expect(result).toEqual({ ok: false, cause: expect.stringContaining(cause) });
    expect(result).toEqual({ ok: false, cause: expect.stringMatching(/more than \d+ (steps|characters)/) });
  });

  test('the next evaluation has its whole budget', () => {
    const compiler = createExpressionCompiler();
    evaluate('list.exists(a, list.exists(b, a + b < 0.0))', variables, compiler);
    expect(evaluate('size(list)', variables, compiler)).toEqual({ ok: true, value: 10_000 });
    expect(compiler.usage().steps).toBeLessThan(10);
  });

  test('10,000 items, once, are within it', () => {
    const compiler = createExpressionCompiler();
    const text = 'size(list.map(x, x * 2).filter(x, x > 100))';
    expect(evaluate('size(list.filter(x, x % 2 == 0 && x > 100))', variables, compiler).ok).toBe(true);
    expect(evaluate('list.map(x, {"index": x})', variables, compiler).ok).toBe(true);
    expect(evaluate(text, { list: list.slice(0, 5_000) }, compiler)).toEqual({ ok: true, value: 4_949 });
  });

  test('the steps of map grow with the items, not with their square', () => {
    const compiler = createExpressionCompiler();
    const stepsOf = (count: number) => {
      evaluate('items.map(x, x)', { items: list.slice(0, count) }, compiler);
      return compiler.usage().steps;
    };
    expect(stepsOf(8_000)).toBeLessThan(stepsOf(1_000) * 8.1);
  });

  test('reading one field of a large input costs one field', () => {
    const compiler = createExpressionCompiler();
    evaluate('input.list[5] == 5', { input: { list, other: list } }, compiler);
    expect(compiler.usage().steps).toBeLessThan(10);
  });
});

describe('patterns', () => {
  test.each([
    '(a{1000}){1000}',
    '(\\pL\\pL\\pL\\pL\\pL){900}',
    '[)](\\pL{30}[)]){30}',
    '([^)]*[[:alpha:])]{500}){5}',
    '\\Q(\\E',
    'a'.repeat(513),
  ])('%s is refused', (pattern) => {
    const result = evaluate('"a".matches(p)', { p: pattern });
    expect(result).toEqual({ ok: false, cause: expect.stringMatching(/pattern|repeat/) });
  });

  test('usual ones are far from the limit', () => {
    const uuid = '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';
    expect(patternSize(uuid)).toBeLessThan(MAX_PATTERN_SIZE / 4);
    expect(evaluate('id.matches(p)', { id: '01234567-89ab-cdef-0123-456789abcdef', p: uuid })).toEqual({
      ok: true,
      value: true,
    });
  });
});

describe('nothing but the variables can be reached', () => {
  test.each([
    'data.__proto__',
    'data.constructor',
    'data["constructor"]',
    'data.toString',
    'data.hasOwnProperty',
    'data.a.length',
    'data.a.push',
    'long.length',
    'list.constructor',
    'list["size"]',
  ])('%s is not there', (text) => {
    expect(evaluate(text, variables).ok).toBe(false);
    expect(evaluate(`has(${text})`, variables)).not.toEqual({ ok: true, value: true });
  });

  test.each(['constructor', '__proto__', 'globalThis', 'process', 'this', 'data.toString()', 'eval("1")'])(
    '%s is refused',
    (text) => {
      expect(createExpressionCompiler().compile(text, ['data']).ok).toBe(false);
    },
  );

  test('names of the host are data where the data has them', () => {
    const data = JSON.parse(
      '{"__proto__": {"a": 1}, "constructor": {"name": "Map"}, "$typeName": "google.protobuf.Any"}',
    ) as Json;
    const text = 'data.__proto__.a == 1 && data.constructor.name == "Map" && data["$typeName"] != ""';
    expect(evaluate(text, { data })).toEqual({ ok: true, value: true });
    expect(evaluate('{"__proto__": data}.__proto__ == data', { data })).toEqual({ ok: true, value: true });
    const made = evaluate('{"__proto__": 1}');
    expect(made.ok && Object.keys(made.value as object)).toEqual(['__proto__']);
  });

  test('getters are not run', () => {
    let ran = false;
    const data = Object.defineProperty({}, 'secret', {
      enumerable: true,
      get() {
        ran = true;
        return 1;
      },
    }) as Json;
    expect(evaluate('data.secret == 1 || data.exists(k, data[k] == 1)', { data }).ok).toBe(false);
    expect(ran).toBe(false);
  });

  test('variables are not changed', () => {
    const frozen = Object.freeze({ items: Object.freeze([1, 2]) as readonly Json[] });
    expect(evaluate('size(items + items + [3]) == 5', frozen)).toEqual({ ok: true, value: true });
    expect(frozen.items).toEqual([1, 2]);
  });

  test('half a character is no result', () => {
    expect(evaluate('half', { half: '\ud800' }).ok).toBe(false);
  });
});

describe('for every text', () => {
  const part = fc.constantFrom(
    ...[
      'list',
      'data',
      'long',
      '.a',
      '.map(x, ',
      'x',
      ')',
      '(',
      '[',
      ']',
      '{',
      '}',
      ':',
      '"',
      "'",
      '\\',
      'r"',
    ],
    ...[
      '+',
      '-',
      '*',
      '/',
      '%',
      '==',
      '<',
      '&&',
      '||',
      '!',
      '?',
      ',',
      ' in ',
      '1',
      '1u',
      '2.5',
      'null',
      '@own',
    ],
    ...[
      '.filter(x, ',
      'size(',
      'string(',
      'matches("',
      'timestamp(',
      'duration("1s")',
      '.all(x, ',
      'has(',
      '😀',
    ],
  );
  const source = fc.oneof(
    fc.array(part, { maxLength: 25 }).map((parts) => parts.join('')),
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.tuple(part, part, part, part).map(([a, b, c, d]) => `list.map(x, ${a}${b}${c}) ${d} data`),
  );

  test('it compiles or is refused, never throws, and gives the same twice', () => {
    fc.assert(
      fc.property(source, (text) => {
        const first = evaluate(text, variables);
        expect(evaluate(text, variables)).toEqual(first);
        if (!first.ok) expect(first.cause).not.toBe('');
        else expect(JSON.parse(JSON.stringify(first.value))).toEqual(first.value);
      }),
      { numRuns: 300 },
    );
  });

  test('what JSON goes in comes out', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (json) => {
        const value = JSON.parse(JSON.stringify(json)) as Json;
        expect(evaluate('v == v', { v: value })).toEqual({ ok: true, value: true });
        expect(evaluate('v', { v: value })).toEqual({ ok: true, value });
        expect(evaluate('[v, {"v": v}]', { v: value })).toEqual({ ok: true, value: [value, { v: value }] });
      }),
      { numRuns: 100 },
    );
  });
});
