import { expect, test } from 'vitest';
import { csvItems, lineItems } from './lists.ts';
import { SpecError } from './spec-parts.ts';

test('C.4: rows of a CSV with a header are objects', () => {
  const text = '\uFEFFname,note\r\nAda,"says ""hi"", twice"\r\nBob,"two\nlines"\r\n\r\n';
  expect(csvItems(text)).toEqual([
    { name: 'Ada', note: 'says "hi", twice' },
    { name: 'Bob', note: 'two\nlines' },
  ]);
});

test('C.4: rows of a CSV without a header are lists', () => {
  expect(csvItems('1;2\n3;4\n', { header: false, delimiter: ';' })).toEqual([
    ['1', '2'],
    ['3', '4'],
  ]);
});

test('C.4: a row with too many values is refused, with its line', () => {
  expect(() => csvItems('a,b\n1,2,3\n')).toThrow(SpecError);
  expect(() => csvItems('a,b\n1,2,3\n')).toThrow(/line 2/);
});

test('C.4: an empty text has no items', () => {
  expect([csvItems(''), lineItems('')]).toEqual([[], []]);
});

test('C.4: lines of a text', () => {
  expect(lineItems('one\r\n\ntwo\n three ')).toEqual(['one', 'two', ' three ']);
});
