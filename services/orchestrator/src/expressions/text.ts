// Which functions on strings are there beside those of the library?
//
// The library's extension `strings` in part, written anew: its `replace` takes steps quadratic in the
// text, and its positions are halves of characters where `size` counts whole ones. Positions here are
// code points, as in the specification. `format` and `quote` are left out: `format` sorts by the host's
// language.

import { type CelFunc, CelScalar, celFunc, celList, celMethod, listType } from '@bufbuild/cel';
import type { Budget } from './budget.ts';
import type { Matcher } from './regex.ts';
import { ITEM_CHARACTERS } from './values.ts';

const { BOOL, DYN, INT, STRING } = CelScalar;
const LIST = listType(DYN);
const SURROGATE = /[\ud800-\udfff]/;

export function textFunctions(matcher: Matcher, budget: Budget): CelFunc[] {
  return [
    ...positions(budget),
    ...pieces(budget),
    celMethod('matches', STRING, [STRING], BOOL, function (pattern) {
      return matcher.matches(this, pattern);
    }),
    celFunc('size', [STRING], INT, (text) => BigInt(characterCount(text, budget))),
    celMethod('size', STRING, [], INT, function () {
      return BigInt(characterCount(this, budget));
    }),
    celMethod('lowerAscii', STRING, [], STRING, function () {
      return this.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
    }),
    celMethod('upperAscii', STRING, [], STRING, function () {
      return this.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
    }),
    celMethod('trim', STRING, [], STRING, function () {
      return this.trim();
    }),
  ];
}

function positions(budget: Budget): CelFunc[] {
  return [
    celMethod('charAt', STRING, [INT], STRING, function (at) {
      return slice(this, at, at + 1n, budget, 'charAt');
    }),
    celMethod('substring', STRING, [INT], STRING, function (start) {
      return slice(this, start, undefined, budget, 'substring');
    }),
    celMethod('substring', STRING, [INT, INT], STRING, function (start, end) {
      return slice(this, start, end, budget, 'substring');
    }),
    celMethod('indexOf', STRING, [STRING], INT, function (part) {
      return position(this, this.indexOf(part), budget);
    }),
    celMethod('lastIndexOf', STRING, [STRING], INT, function (part) {
      return position(this, this.lastIndexOf(part), budget);
    }),
  ];
}

function pieces(budget: Budget): CelFunc[] {
  return [
    celMethod('replace', STRING, [STRING, STRING], STRING, function (part, by) {
      return replace(this, part, by, budget);
    }),
    celMethod('split', STRING, [STRING], LIST, function (separator) {
      // As many pieces as characters, at most.
      budget.charge(this.length / 8);
      const found = separator === '' ? Array.from(this) : this.split(separator);
      budget.produce(found.length * ITEM_CHARACTERS);
      return celList(found);
    }),
    celMethod('join', LIST, [], STRING, function () {
      return join(this, '', budget);
    }),
    celMethod('join', LIST, [STRING], STRING, function (separator) {
      return join(this, separator, budget);
    }),
  ];
}

function join(items: Iterable<unknown>, separator: string, budget: Budget): string {
  const parts: string[] = [];
  for (const item of items) {
    if (typeof item !== 'string') throw new Error('join needs a list of strings; use map(x, string(x))');
    // Before it exists: a list may name one long string many times.
    budget.produce(item.length + separator.length);
    parts.push(item);
  }
  return parts.join(separator);
}

function replace(text: string, part: string, by: string, budget: Budget): string {
  budget.charge(text.length / 8);
  const between = part === '' ? Array.from(text) : text.split(part);
  budget.produce(text.length + between.length * (by.length + ITEM_CHARACTERS));
  return part === '' ? `${by}${between.map((character) => character + by).join('')}` : between.join(by);
}

function characterCount(text: string, budget: Budget): number {
  if (!SURROGATE.test(text)) return text.length;
  budget.charge(text.length / 4);
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function position(text: string, index: number, budget: Budget): bigint {
  return BigInt(index < 0 ? -1 : characterCount(text.slice(0, index), budget));
}

function slice(text: string, from: bigint, to: bigint | undefined, budget: Budget, name: string): string {
  const count = characterCount(text, budget);
  const start = Number(from);
  const end = to === undefined ? count : Number(to);
  const limit = name === 'charAt' ? count + 1 : count;
  if (start < 0 || start > count || end < start || end > limit) {
    throw new Error(`${name}: positions ${start} to ${end} are outside of a string of ${count} characters`);
  }
  return count === text.length ? text.slice(start, end) : Array.from(text).slice(start, end).join('');
}
