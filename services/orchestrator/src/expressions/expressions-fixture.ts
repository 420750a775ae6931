// What do the tests of expressions share?

import type { Evaluation, Json } from '../domain/expression.ts';
import { createExpressionCompiler, type MeasuredCompiler } from './compiler.ts';

/** One evaluation by a compiler of its own, unless one is given. */
export function evaluate(
  text: string,
  variables: Readonly<Record<string, Json>> = {},
  compiler: MeasuredCompiler = createExpressionCompiler(),
): Evaluation {
  const compiled = compiler.compile(text, Object.keys(variables));
  return compiled.ok ? compiled.expression.evaluate(variables) : compiled;
}
