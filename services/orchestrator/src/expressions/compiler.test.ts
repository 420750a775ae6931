// What does an expression mean? BEHAVIOURS B.3 and C.1 build on it. Limits are in hostile.test.ts.

import { describe, expect, test } from 'vitest';
import type { Json } from '../domain/expression.ts';
import { createExpressionCompiler } from './compiler.ts';
import { evaluate } from './expressions-fixture.ts';

const variables: Readonly<Record<string, Json>> = {
  whole: 2,
  part: 2.5,
  items: [1, 2, 3],
  text: 'héllo😀',
  order: { id: 'a1', note: null, lines: [{ price: 10 }, { price: 20.5 }] },
};

describe('numbers of JSON', () => {
  test.each<[string, Json]>([
    ['whole == 2', true],
    ['whole == 2.0 && whole == 2u', true],
    ['whole + 1', 3],
    ['1 + whole', 3],
    ['whole * 1.5', 3],
    ['part * 2', 5],
    ['whole > 0.5 && part > 2', true],
    ['size(items) > 2', true],
    ['size(items) * 1.5', 4.5],
    ['items[0]', 1],
    ['items[whole]', 3],
    ['items[whole - 1]', 2],
    ['whole / 4', 0.5],
    ['7 / 2', 3],
    ['size(items) / 2', 1],
    ['whole % 2 == 0', true],
    ['-part', -2.5],
    ['-0.0', 0],
    ['whole in items', true],
    ['part in items', false],
    ['{1: "one", 2: "two"}[whole]', 'two'],
    ['text.substring(whole - 2, whole)', 'hé'],
    ['string(whole)', '2'],
    ['int(part)', 2],
    ['type(whole) == double && type(1) == int', true],
    ['9007199254740991', 9007199254740991],
    ['items == [1, 2u, 3.0]', true],
  ])('%s is %j', (text, value) => {
    expect(evaluate(text, variables)).toEqual({ ok: true, value });
  });
});

describe('data', () => {
  test.each<[string, Json]>([
    ['order.lines.map(line, line.price)', [10, 20.5]],
    ['order.lines.filter(line, line.price > 15)', [{ price: 20.5 }]],
    ['order.lines.exists(line, line.price == 10)', true],
    ['order.lines.exists_one(line, line.price == 10)', true],
    ['order.lines.all(line, line.price > 15)', false],
    ['items.map(x, x > 1, x * 2)', [4, 6]],
    ['items + [4]', [1, 2, 3, 4]],
    ['[[1], [2]].map(x, x + [0])', [[1, 0], [2, 0]]], // biome-ignore format: table
    ['[items + [4], items + [5]]', [[1, 2, 3, 4], [1, 2, 3, 5]]], // biome-ignore format: table
    ['order.map(key, key)', ['id', 'lines', 'note']],
    ['has(order.note) && "note" in order', true],
    ['has(order.other) || "other" in order', false],
    ['order.note == null', true],
    ['{"id": order.id, "lines": {"count": size(order.lines)}}', { id: 'a1', lines: { count: 2 } }],
    ['order.lines', [{ price: 10 }, { price: 20.5 }]],
    ['whole == 2 ? "two" : "many"', 'two'],
    ['true || 1 / 0 == 1', true],
  ])('%s is %j', (text, value) => {
    expect(evaluate(text, variables)).toEqual({ ok: true, value });
  });

  test('lists that grow from one list do not see each other', () => {
    const text = '[items.map(x, x)].map(base, [base + [4], base + [5], base])[0]';
    expect(evaluate(text, variables)).toEqual({
      ok: true,
      value: [
        [1, 2, 3, 4],
        [1, 2, 3, 5],
        [1, 2, 3],
      ],
    });
  });
});

describe('text, bytes and time', () => {
  test.each<[string, Json]>([
    ['size(text)', 6],
    ['text.charAt(5)', '😀'],
    ['text.indexOf("😀")', 5],
    ['text.substring(4)', 'o😀'],
    ['"a,b,c".split(",")', ['a', 'b', 'c']],
    ['["a", "b"].join("-")', 'a-b'],
    ['"banana".replace("an", "<>")', 'b<><>a'],
    ['"ab".replace("", "-")', '-a-b-'],
    ['"Ünit".upperAscii() + "Ünit".lowerAscii()', 'ÜNITÜnit'],
    ['" a ".trim()', 'a'],
    ['text.matches("^h.*o")', true],
    ['text.contains("llo") && text.startsWith("h") && !text.endsWith("o")', true],
    ['b"abc"', 'YWJj'],
    ['timestamp("2026-01-31T10:00:00Z") + duration("90m")', '2026-01-31T11:30:00Z'],
    ['timestamp(0) < timestamp(1)', true],
    ['timestamp(60) - timestamp(0)', '60s'],
    ['duration(whole)', '2s'],
    ['timestamp("2021-03-14T02:30:00Z").getHours()', 2],
    ['timestamp("2026-01-31T23:00:00Z").getDate("+02:00")', 1],
    ['timestamp("2024-12-31T23:00:00Z").getDayOfYear()', 365],
  ])('%s is %j', (text, value) => {
    expect(evaluate(text, variables)).toEqual({ ok: true, value });
  });
});

describe('what has no answer says why', () => {
  test.each([
    ['other + 1', 'unknown variable other; there are whole, part, items, text, order'],
    ['items.map(x, y)', 'unknown variable y'],
    ['items.map(x, x) == [x]', 'unknown variable x'],
    ['now()', 'unknown function now'],
    ['now', 'unknown variable now'],
    ['google.protobuf.Duration{seconds: 1}', 'no messages such as google.protobuf.Duration'],
    ['1 +', 'syntax error'],
    ['', 'syntax error'],
    ['9223372036854775808', 'beyond 64 bits'],
    ['order.other', 'field not found: other'],
    ['items[7]', 'there is no item 7'],
    ['1 / 0', 'divide by zero'],
    ['1.0 / 0.0', 'Infinity is no number of JSON'],
    ['9007199254740992', 'beyond what a JSON number holds'],
    ['9223372036854775807 + 1', 'overflow'],
    ['{1: 2}', 'a key that is no string'],
    ['type(1)', 'has no JSON form'],
    ['"a" + 1', "no matching overload for '_+_' applied to '(string, int)'"],
    ['whole ? 1 : 2', 'no matching overload'],
    ['timestamp("2026-01-31T10:00:00Z").getHours("Europe/Berlin")', 'named zones differ'],
    ['"a".matches("(")', 'missing'],
  ])('%s: %s', (text, cause) => {
    const result = evaluate(text, variables);
    expect(result).toEqual({ ok: false, cause: expect.stringContaining(cause) });
  });

  test('a variable that is named but not given', () => {
    const compiled = createExpressionCompiler().compile('absent == 1', ['absent']);
    expect(compiled.ok && compiled.expression.evaluate({})).toEqual({
      ok: false,
      cause: 'the variable absent has no value here',
    });
  });
});

describe('the cache', () => {
  test('gives the same expression for the same text and names, and another for other names', () => {
    const compiler = createExpressionCompiler();
    const first = compiler.compile('a', ['a']);
    const again = compiler.compile('a', ['a']);
    expect(first.ok && again.ok && first.expression === again.expression).toBe(true);
    expect(compiler.compile('a', ['b']).ok).toBe(false);
  });

  test('forgets what was used longest ago, and keeps what it gave working', () => {
    const compiler = createExpressionCompiler({ maxCachedCharacters: 10 });
    const first = compiler.compile('1 + 1', []);
    compiler.compile('2 + 2', []);
    const again = compiler.compile('1 + 1', []);
    expect(first.ok && again.ok && first.expression !== again.expression).toBe(true);
    expect(first.ok && first.expression.evaluate({})).toEqual({ ok: true, value: 2 });
  });
});
