import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTextCounter, mergeStatistics, type TextStatistics } from './statistics.ts';

function count(path: string, ...pieces: string[]): TextStatistics {
  const counter = createTextCounter(path);
  for (const piece of pieces) counter.add(piece, Buffer.byteLength(piece));
  return counter.finish();
}

test('lines, words, bytes, the longest line and the top words', () => {
  expect(count('a.md', "Ein Baum, ein Haus.\r\nDon't  stop\nünï")).toEqual({
    files: 1,
    bytes: 38,
    lines: 3,
    words: 7,
    longestLine: { path: 'a.md', line: 1, characters: 19 },
    topWords: [
      { word: 'ein', count: 2 },
      { word: 'baum', count: 1 },
      { word: "don't", count: 1 },
      { word: 'haus', count: 1 },
      { word: 'stop', count: 1 },
      { word: 'ünï', count: 1 },
    ],
  });
});

test('an empty text has no lines, and a line end ends one', () => {
  expect(count('a', '')).toMatchObject({ bytes: 0, lines: 0, words: 0, longestLine: null, topWords: [] });
  expect(count('a', '\n')).toMatchObject({ lines: 1, longestLine: { line: 1, characters: 0 } });
});

test('it does not matter where the pieces of a text end', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'B', ' ', '\n', '\r', '1', 'é', '.') });
  fc.assert(
    fc.property(fc.array(text), (pieces) => {
      expect(count('a', ...pieces)).toEqual(count('a', pieces.join('')));
    }),
  );
});

test('a merge sums, keeps the longest line, and adds up words', () => {
  const merged = mergeStatistics([count('a', 'x y\n'), count('b', 'x z longer\nx')]);
  expect(merged).toMatchObject({ files: 2, bytes: 16, lines: 3, words: 6 });
  expect(merged.longestLine).toEqual({ path: 'b', line: 1, characters: 10 });
  expect(merged.topWords[0]).toEqual({ word: 'x', count: 3 });
});

test('merging is the same in one step or in many', () => {
  const part = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n') }).map((text) => count('p', text));
  fc.assert(
    fc.property(fc.array(part), fc.array(part), (left, right) => {
      const inSteps = mergeStatistics([mergeStatistics(left), mergeStatistics(right)]);
      expect(inSteps).toEqual(mergeStatistics([...left, ...right]));
    }),
  );
});
