// What must the domain know of an expression?
//
// Types alone: the rules ask for values, and the layer of expressions says how they are computed.
// Whoever drives the rules hands the compiler in. An evaluation depends on nothing but its text and its
// variables, so that replaying a run's events gives the same answers.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The cause is for people: it names what was wrong and, where there is one, the remedy. */
export type Evaluation =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly cause: string };

export interface CompiledExpression {
  readonly text: string;
  /** Those that it reads, of the names given at its compilation. */
  readonly variables: ReadonlySet<string>;
  /** Never throws, and ends within the limits of the compiler. The variables are not changed. */
  evaluate(variables: Readonly<Record<string, Json>>): Evaluation;
}

export type Compilation =
  | { readonly ok: true; readonly expression: CompiledExpression }
  | { readonly ok: false; readonly cause: string };

export interface ExpressionCompiler {
  /** Never throws. An expression may use the variables named here and no others. */
  compile(text: string, variableNames: readonly string[]): Compilation;
}
