// Which compiled expressions are kept for the next use?
//
// Those used last. A compiled expression takes memory in proportion to its source, so the characters of
// the sources are bounded, not their number.

import type { CompiledExpression } from '../domain/expression.ts';

export interface ExpressionCache {
  get(key: string): CompiledExpression | undefined;
  set(key: string, expression: CompiledExpression): void;
  readonly characters: number;
}

export function createExpressionCache(maxCharacters: number): ExpressionCache {
  // In the order of their last use.
  const kept = new Map<string, CompiledExpression>();
  let characters = 0;

  function remove(key: string): void {
    if (kept.delete(key)) characters -= key.length;
  }

  return {
    get(key) {
      const found = kept.get(key);
      if (found !== undefined) {
        kept.delete(key);
        kept.set(key, found);
      }
      return found;
    },
    set(key, expression) {
      remove(key);
      kept.set(key, expression);
      characters += key.length;
      for (const oldest of kept.keys()) {
        if (characters <= maxCharacters) break;
        remove(oldest);
      }
    },
    get characters() {
      return characters;
    },
  };
}
