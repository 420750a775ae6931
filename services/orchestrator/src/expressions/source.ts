// Is the source short and flat enough to be parsed?
//
// The parser follows brackets by recursion, so their depth is found before it starts, in one pass. The
// pass knows the literals of CEL, or a bracket in a string would count. It never sees fewer open brackets
// than the parser does: a literal that does not end is a syntax error, which the parser finds.

import type { ExpressionLimits } from './limits.ts';

/** A comment, a string (raw ones know no escapes) or a bracket. */
const TOKEN =
  /\/\/[^\n]*|(?:[rR][bB]?|[bB][rR])(?:""".*?"""|'''.*?'''|"[^"\n\r]*"|'[^'\n\r]*')|"""(?:\\.|[^\\])*?"""|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n\r])*"|'(?:\\.|[^'\\\n\r])*'|[([{]|[)\]}]/gs;

/** Why the source is refused; undefined where the parser may have it. */
export function sourceProblem(text: string, limits: ExpressionLimits): string | undefined {
  if (text.length > limits.maxSourceCharacters) {
    return `the expression has ${text.length} characters, at most ${limits.maxSourceCharacters} are allowed`;
  }
  let depth = 0;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '(' || token === '[' || token === '{') depth += 1;
    if (token === ')' || token === ']' || token === '}') depth -= 1;
    if (depth > limits.maxBracketDepth) {
      return `the expression opens more than ${limits.maxBracketDepth} brackets within each other`;
    }
  }
  return undefined;
}
