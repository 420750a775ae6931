// How much may one expression of a stranger cost?
//
// Not time: a limit in seconds would let the same expression succeed here and fail there, and replaying
// a run would give other answers. Steps and characters are the same on every machine.

export interface ExpressionLimits {
  readonly maxSourceCharacters: number;
  /** Open brackets at one place of the source, which the parser follows by recursion. */
  readonly maxBracketDepth: number;
  /** Levels of the parsed tree, which the evaluator follows by recursion. */
  readonly maxTreeDepth: number;
  /** A step is a node evaluated, an item visited, a call, or 64 characters read. */
  readonly maxSteps: number;
  /** Characters of all strings, and 8 for each item of a list or a map, whether kept or not. */
  readonly maxProducedCharacters: number;
  /** What the wire carries (wire/value.ts): a deeper result could not be sent. */
  readonly maxResultDepth: number;
  /** Source characters of all compiled expressions kept for the next use. */
  readonly maxCachedCharacters: number;
}

export const defaultExpressionLimits: ExpressionLimits = {
  maxSourceCharacters: 4_096,
  maxBracketDepth: 64,
  maxTreeDepth: 256,
  // A filter of usual length, about 20 nodes, over 10,000 items.
  maxSteps: 250_000,
  maxProducedCharacters: 1_048_576,
  maxResultDepth: 30,
  maxCachedCharacters: 65_536,
};
