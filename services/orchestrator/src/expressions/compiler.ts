// How is an expression of a stranger compiled, and evaluated?
//
// Invariants, each with its test:
// 1. Neither compiling nor evaluating throws, whatever the text and the variables.
// 2. What compiling takes is bounded by the length of the source, what evaluating takes by a budget of
//    steps and characters (limits.ts), not by time.
// 3. The same text and variables give the same result, on every machine.
// 4. An expression reaches nothing but its variables.

import { type CelEnv, type CelValue, celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import type {
  Compilation,
  CompiledExpression,
  Evaluation,
  ExpressionCompiler,
  Json,
} from '../domain/expression.ts';
import { BudgetExceeded, createBudget } from './budget.ts';
import { createExpressionCache } from './cache.ts';
import { createFunctions } from './functions.ts';
import { defaultExpressionLimits, type ExpressionLimits } from './limits.ts';
import { jsonOfCel, NoJsonForm } from './result.ts';
import { sourceProblem } from './source.ts';
import { type Inspection, inspect, Refused, type Tree } from './tree.ts';
import { celOfJson } from './values.ts';

/** What the last evaluation used, for tests and benchmarks. */
export interface Usage {
  readonly steps: number;
  readonly producedCharacters: number;
}

export interface MeasuredCompiler extends ExpressionCompiler {
  usage(): Usage;
}

export function createExpressionCompiler(changes: Partial<ExpressionLimits> = {}): MeasuredCompiler {
  const limits = { ...defaultExpressionLimits, ...changes };
  // One for all expressions: evaluations follow each other, and none outlives its own.
  const budget = createBudget(limits);
  const functions = createFunctions(budget);
  const cache = createExpressionCache(limits.maxCachedCharacters);
  // The planner reads no more of an environment than these. Functions handed to celEnv would stand beside
  // the library's own, which are not charged.
  const environment = { namespace: '', registry: celEnv().registry, funcs: functions } as unknown as CelEnv;

  function compile(text: string, variableNames: readonly string[]): CompiledExpression {
    const problem = sourceProblem(text, limits);
    if (problem !== undefined) throw new Refused(problem);
    const inspection = inspect(parsed(text), variableNames, functions, limits);
    const run = plan(environment, inspection.tree);
    return {
      text,
      variables: inspection.variables,
      evaluate: (variables) => evaluate(run, inspection, variables),
    };
  }

  function evaluate(
    run: ReturnType<typeof plan>,
    inspection: Inspection,
    variables: Readonly<Record<string, Json>>,
  ): Evaluation {
    budget.begin();
    functions.begin();
    // Each error that CEL absorbs would have its stack recorded, which takes longer than all the rest.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      budget.charge(inspection.nodes);
      const bindings: Record<string, CelValue> = Object.create(null);
      for (const name of inspection.variables) {
        const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
        if (value === undefined) return { ok: false, cause: `the variable ${name} has no value here` };
        bindings[name] = celOfJson(value, budget);
      }
      const result = run(bindings);
      // Before the result: an operator may have absorbed what ended the evaluation.
      budget.ensure();
      if (isCelError(result)) return { ok: false, cause: readable(result.message) };
      const value = jsonOfCel(result, limits, budget);
      return { ok: true, value };
    } catch (error) {
      return { ok: false, cause: budget.exceeded ?? causeOf(error) };
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  }

  return {
    compile(text, variableNames): Compilation {
      const key = `${variableNames.join(' ')}\n${text}`;
      const kept = cache.get(key);
      if (kept !== undefined) return { ok: true, expression: kept };
      try {
        const expression = compile(text, variableNames);
        cache.set(key, expression);
        return { ok: true, expression };
      } catch (error) {
        return { ok: false, cause: causeOf(error) };
      }
    },
    usage: () => ({ steps: budget.steps, producedCharacters: budget.produced }),
  };
}

function parsed(text: string): Tree {
  try {
    return parse(text).expr;
  } catch (error) {
    if (error instanceof RangeError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    const place = /<input>:(\d+):(\d+): (.*)/s.exec(message);
    throw new Refused(
      place === null
        ? `syntax error: ${message}`
        : `syntax error in line ${place[1]}, character ${place[2]}: ${place[3]}`,
    );
  }
}

function causeOf(error: unknown): string {
  if (error instanceof Refused || error instanceof NoJsonForm || error instanceof BudgetExceeded) {
    return error.message;
  }
  // The stack may be short where this is called; the depth limits keep expressions far from a full one.
  if (error instanceof RangeError) return 'the expression is nested too deep';
  return readable(error instanceof Error ? error.message : String(error));
}

/** The library does not know the size of a list where it reports a missing item. */
function readable(message: string): string {
  return message.replace(/index (\S+) out of bounds \[0, -1\)/, 'there is no item $1');
}
