// How are patterns of strangers matched without stalling the engine?
//
// RE2 matches in time linear in the text, but times the size of the pattern's program, and compiling
// costs as well: a counted repetition of a few characters makes thousands of instructions. The size is
// therefore estimated from the source before anything is compiled.

import { RE2JS } from '@bufbuild/re2';
import type { Budget } from './budget.ts';

export const MAX_PATTERN_CHARACTERS = 512;
export const MAX_PATTERN_SIZE = 2_000;
/** A class such as \p{L} holds hundreds of ranges. */
const UNICODE_CLASS_SIZE = 40;

export interface Matcher {
  /** Throws an Error that is for people where the pattern is refused. */
  matches(text: string, pattern: string): boolean;
  /** Forgets the patterns of the evaluation before. */
  begin(): void;
}

export function createMatcher(budget: Budget): Matcher {
  // Within one evaluation only: its size is bounded by the budget, as each compilation is charged.
  const compiled = new Map<string, { readonly regex: RE2JS; readonly size: number }>();

  function compile(pattern: string): { readonly regex: RE2JS; readonly size: number } {
    const known = compiled.get(pattern);
    if (known !== undefined) return known;
    if (pattern.length > MAX_PATTERN_CHARACTERS) {
      throw new Error(`a pattern of more than ${MAX_PATTERN_CHARACTERS} characters`);
    }
    const size = patternSize(pattern);
    if (size > MAX_PATTERN_SIZE) {
      throw new Error(`the pattern repeats too much: its size is ${size}, at most ${MAX_PATTERN_SIZE}`);
    }
    budget.charge(size * 8);
    const made = { regex: RE2JS.compile(pattern), size };
    compiled.set(pattern, made);
    return made;
  }

  return {
    matches(text, pattern) {
      const { regex, size } = compile(pattern);
      budget.charge((text.length * size) / 8);
      return regex.test(text);
    },
    begin: () => compiled.clear(),
  };
}

const PIECE = /\\[pP](?:\{[^}]*\}|.)?|\\.|\[\^?\]?(?:\[:[^\]]*:\]|\\.|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|./gs;

/** No smaller than the instructions of the compiled pattern, within a small factor. Exported for tests. */
export function patternSize(pattern: string): number {
  if (pattern.includes('\\Q')) throw new Error('a pattern may not quote with \\Q; escape each character');
  const outer: number[] = [];
  let total = 1;
  let last = 0;
  for (const [piece, least, most] of pattern.matchAll(PIECE)) {
    if (piece === '(') {
      outer.push(total);
      total = 2;
      last = 0;
    } else if (piece === ')') {
      last = total;
      total += outer.pop() ?? 0;
    } else if (least !== undefined) {
      const times = Math.max(1, Number(least) + 1, Number(most ?? 0));
      total += last * (times - 1);
      last *= times;
    } else if (piece === '*' || piece === '+' || piece === '?') {
      last += 1;
      total += 1;
    } else {
      last = pieceSize(piece);
      total += last;
    }
  }
  return outer.reduce((sum, size) => sum + size, total);
}

function pieceSize(piece: string): number {
  const classes = piece.match(/\\[pP]/g)?.length ?? 0;
  const ranges = piece.startsWith('[') ? piece.length / 4 : 0;
  return 1 + ranges + classes * UNICODE_CLASS_SIZE;
}
