// Is a parsed expression allowed, and how is each iteration made to count?
//
// One walk over the tree refuses what could only fail later (unknown variables and functions, messages,
// integers out of range, too many levels) and changes it in two ways:
// - the condition of each loop first charges the nodes that the iteration evaluates, so that the steps of
//   an evaluation are bounded by the budget, whatever the nesting;
// - list and map literals become lists and maps that charge whoever walks them (values.ts).

import type { parse } from '@bufbuild/cel';
import { type Functions, ITERATE, OWN } from './functions.ts';
import type { ExpressionLimits } from './limits.ts';

export type Tree = ReturnType<typeof parse>['expr'];
type Kind = Tree['exprKind'];
type Call = Extract<Kind, { case: 'callExpr' }>['value'];
type Loop = Extract<Kind, { case: 'comprehensionExpr' }>['value'];

/** Expected: the expression is refused. The message says why, and what there is instead. */
export class Refused extends Error {}

export interface Inspection {
  readonly tree: Tree;
  readonly nodes: number;
  /** The variables that the expression reads. */
  readonly variables: ReadonlySet<string>;
}

const typeNames = new Set([
  ...['int', 'uint', 'double', 'bool', 'string', 'bytes', 'list', 'map', 'null_type', 'type'],
]);
/** What the planner knows beside functions. */
const operators = new Set(['_[_]', '_?_:_', '_&&_', '_||_', '@not_strictly_false']);
const MAX_INT = 2n ** 63n - 1n;
const MIN_INT = -(2n ** 63n);
const MAX_UINT = 2n ** 64n - 1n;

/** Throws Refused. Changes the tree. */
export function inspect(
  tree: Tree,
  variableNames: readonly string[],
  functions: Functions,
  limits: ExpressionLimits,
): Inspection {
  const known = new Set(variableNames);
  const used = new Set<string>();
  let nodes = 0;

  /** Returns what takes the place of the node. */
  function visit(node: Tree | undefined, depth: number, bound: ReadonlySet<string>): Tree {
    if (node === undefined) throw new Refused('the expression lacks a part');
    if (depth > limits.maxTreeDepth) {
      throw new Refused(`the expression has more than ${limits.maxTreeDepth} levels; split it`);
    }
    nodes += 1;
    const within = (part: Tree | undefined) => visit(part, depth + 1, bound);
    const kind = node.exprKind;
    switch (kind.case) {
      case 'constExpr':
        checkRange(kind.value);
        return node;
      case 'identExpr':
        checkName(kind.value.name, bound);
        return node;
      case 'selectExpr':
        kind.value.operand = within(kind.value.operand);
        return node;
      case 'callExpr':
        checkFunction(kind.value);
        if (kind.value.target !== undefined) kind.value.target = within(kind.value.target);
        kind.value.args = kind.value.args.map(within);
        return node;
      case 'listExpr':
        kind.value.elements = kind.value.elements.map(within);
        return call(OWN, [node]);
      case 'structExpr':
        if (kind.value.messageName !== '') {
          throw new Refused(`there are no messages such as ${kind.value.messageName}; use a map`);
        }
        for (const entry of kind.value.entries) {
          if (entry.keyKind.case === 'mapKey') entry.keyKind.value = within(entry.keyKind.value);
          entry.value = within(entry.value);
        }
        return call(OWN, [node]);
      case 'comprehensionExpr':
        visitLoop(kind.value, depth + 1, bound);
        return node;
      case undefined:
        throw new Refused('the expression is empty');
    }
  }

  function visitLoop(loop: Loop, depth: number, bound: ReadonlySet<string>): void {
    const inside = new Set([...bound, loop.iterVar, loop.accuVar]);
    loop.iterRange = visit(loop.iterRange, depth, bound);
    loop.accuInit = visit(loop.accuInit, depth, bound);
    const before = nodes;
    const condition = visit(loop.loopCondition, depth, inside);
    loop.loopStep = visit(loop.loopStep, depth, inside);
    loop.loopCondition = call(ITERATE, [double(nodes - before), condition]);
    loop.result = visit(loop.result, depth, inside);
  }

  function checkName(name: string, bound: ReadonlySet<string>): void {
    if (bound.has(name)) return;
    // As at evaluation, a variable comes before a type of the same name: `list`, `type`.
    if (known.has(name)) used.add(name);
    if (known.has(name) || typeNames.has(name)) return;
    const names = variableNames.length === 0 ? 'there are none' : `there are ${variableNames.join(', ')}`;
    throw new Refused(`unknown variable ${name}; ${names}`);
  }

  function checkFunction(value: Call): void {
    if (operators.has(value.function) || functions.has(value.function)) return;
    if (value.function === '@in') return;
    throw new Refused(`unknown function ${value.function}`);
  }

  return { tree: visit(tree, 1, new Set()), nodes, variables: used };
}

function checkRange(constant: Extract<Kind, { case: 'constExpr' }>['value']): void {
  const kind = constant.constantKind;
  if (kind.case === 'int64Value' && (kind.value > MAX_INT || kind.value < MIN_INT)) {
    throw new Refused('an integer is beyond 64 bits');
  }
  if (kind.case === 'uint64Value' && kind.value > MAX_UINT) {
    throw new Refused('an unsigned integer is beyond 64 bits');
  }
}

// Nodes made here have no place in the source.

function call(name: string, args: Tree[]): Tree {
  return {
    $typeName: 'cel.expr.Expr',
    id: 0n,
    exprKind: { case: 'callExpr', value: { $typeName: 'cel.expr.Expr.Call', function: name, args } },
  };
}

function double(value: number): Tree {
  return {
    $typeName: 'cel.expr.Expr',
    id: 0n,
    exprKind: {
      case: 'constExpr',
      value: { $typeName: 'cel.expr.Constant', constantKind: { case: 'doubleValue', value } },
    },
  };
}
