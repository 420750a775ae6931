// For tests of the domain, which knows no language: expressions of a toy language.
//
// `a.b`, `a.b == "x"`, `a.b != 3`, `true`, `"text"`, and `boom`, which always fails.

import type { Evaluation, ExpressionCompiler, Json } from './expression.ts';

export function createToyCompiler(): ExpressionCompiler {
  return {
    compile(text, names) {
      const [left = '', operator, right = ''] = text.split(/ (==|!=) /);
      const variable = variableOf(left);
      if (variable !== undefined && !names.includes(variable)) {
        return { ok: false, cause: `unknown variable ${variable}` };
      }
      const variables = new Set(variable === undefined ? [] : [variable]);
      const evaluate = (values: Readonly<Record<string, Json>>): Evaluation => {
        const one = resolve(left, values);
        if (!one.ok || operator === undefined) return one;
        const equal = JSON.stringify(one.value) === JSON.stringify(JSON.parse(right));
        return { ok: true, value: equal === (operator === '==') };
      };
      return { ok: true, expression: { text, variables, evaluate } };
    },
  };
}

function isLiteral(text: string): boolean {
  return /^["\d[{]|^(true|false|null)$/.test(text);
}

function variableOf(text: string): string | undefined {
  return isLiteral(text) || text === 'boom' ? undefined : text.split('.')[0];
}

function resolve(text: string, values: Readonly<Record<string, Json>>): Evaluation {
  if (text === 'boom') return { ok: false, cause: 'boom' };
  if (isLiteral(text)) return { ok: true, value: JSON.parse(text) as Json };
  let value: Json | undefined = values as { readonly [key: string]: Json };
  for (const name of text.split('.')) {
    const held: Json | undefined = value;
    const isObject: boolean = typeof held === 'object' && held !== null && Object.hasOwn(held, name);
    value = isObject ? (held as { readonly [key: string]: Json })[name] : undefined;
    if (value === undefined) return { ok: false, cause: `no such key: ${name}` };
  }
  return { ok: true, value };
}
