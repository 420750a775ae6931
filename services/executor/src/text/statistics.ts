// What can be said of a text: its size, its longest line, its most frequent words; and of many texts?

export interface LongestLine {
  /** Where it is from; empty if the text had no name. */
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  readonly characters: number;
}

export interface WordCount {
  readonly word: string;
  readonly count: number;
}

export interface TextStatistics {
  readonly files: number;
  readonly bytes: number;
  /** A last line without a line end counts as well. */
  readonly lines: number;
  readonly words: number;
  /** Null for an empty text. */
  readonly longestLine: LongestLine | null;
  /** Most frequent first, equals in alphabetical order. */
  readonly topWords: readonly WordCount[];
}

export interface TextCounter {
  /** Pieces of the text, in order; they may end anywhere. */
  add(piece: string, bytes: number): void;
  finish(): TextStatistics;
}

/**
 * Enough that a merge of many results still finds the leaders: a word must be missing among the first
 * hundred everywhere to be missed.
 */
const TOP_WORDS = 100;

const WORD = /[\p{L}\p{N}_]+(?:['’][\p{L}]+)*/gu;

/** Words are letters and digits in a row, compared in lower case. */
export function createTextCounter(path: string): TextCounter {
  const counts = new Map<string, number>();
  let bytes = 0;
  let lines = 0;
  let words = 0;
  let longestLine: LongestLine | null = null;
  let rest = '';

  function addLine(text: string): void {
    const line = text.endsWith('\r') ? text.slice(0, -1) : text;
    lines += 1;
    if (longestLine === null || line.length > longestLine.characters) {
      longestLine = { path, line: lines, characters: line.length };
    }
    for (const [word] of line.matchAll(WORD)) {
      words += 1;
      const key = word.toLowerCase();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }

  return {
    add(piece, pieceBytes) {
      bytes += pieceBytes;
      const parts = piece.split('\n');
      const last = parts.pop() ?? '';
      for (const part of parts) {
        addLine(rest + part);
        rest = '';
      }
      rest += last;
    },
    finish() {
      if (rest !== '') addLine(rest);
      rest = '';
      return { files: 1, bytes, lines, words, longestLine, topWords: leaders(counts) };
    },
  };
}

/**
 * One text's worth of many. Sums are exact; the top words are those of the parts added up, so a word
 * that is frequent in all but among the leaders of few counts too low.
 */
export function mergeStatistics(parts: readonly TextStatistics[]): TextStatistics {
  const counts = new Map<string, number>();
  for (const part of parts) {
    for (const { word, count } of part.topWords) counts.set(word, (counts.get(word) ?? 0) + count);
  }
  const sum = (of: (part: TextStatistics) => number): number =>
    parts.reduce((total, part) => total + of(part), 0);
  return {
    files: sum((part) => part.files),
    bytes: sum((part) => part.bytes),
    lines: sum((part) => part.lines),
    words: sum((part) => part.words),
    longestLine: parts.reduce<LongestLine | null>((longest, part) => longer(longest, part.longestLine), null),
    topWords: leaders(counts),
  };
}

function longer(left: LongestLine | null, right: LongestLine | null): LongestLine | null {
  if (left === null) return right;
  return right !== null && right.characters > left.characters ? right : left;
}

function leaders(counts: ReadonlyMap<string, number>): readonly WordCount[] {
  return [...counts]
    .map(([word, count]) => ({ word, count }))
    .sort((left, right) => right.count - left.count || (left.word < right.word ? -1 : 1))
    .slice(0, TOP_WORDS);
}
