// Can every expression of a specification be used? Found out at submission, not when its time comes.

import type { ExpressionCompiler } from './expression.ts';
import { accept, type Result, reject } from './rejection.ts';
import type { RunSpec, TaskSpec } from './spec.ts';
import { EDGE_VARIABLES, TASK_VARIABLES } from './variables.ts';

/** Of all different expressions of a run: bounds what compiling them takes. */
const MAX_EXPRESSION_CHARACTERS = 262_144;
/** A cause may quote the expression; an error has to fit into the trailers of an answer. */
const CAUSE_CHARACTERS = 300;

export function checkExpressions(spec: RunSpec, compiler: ExpressionCompiler): Result<true> {
  const checked = new Set<string>();
  let characters = 0;

  function check(text: string, names: readonly string[], field: () => string): Result<true> {
    const known = `${names === EDGE_VARIABLES ? 'edge' : 'task'} ${text}`;
    if (text === '' || checked.has(known)) return accept(true);
    checked.add(known);
    characters += text.length;
    if (characters > MAX_EXPRESSION_CHARACTERS) {
      const message = `the expressions of the run have more than ${MAX_EXPRESSION_CHARACTERS} characters in all; use fewer or shorter ones`;
      return reject('INVALID_EXPRESSION', message, { cause: message }, field());
    }
    const compiled = compiler.compile(text, names);
    if (compiled.ok) return accept(true);
    const cause = compiled.cause.slice(0, CAUSE_CHARACTERS).toWellFormed();
    return reject('INVALID_EXPRESSION', `${field()}: ${cause}`, { cause }, field());
  }

  for (const [index, task] of spec.tasks.entries()) {
    if (!hasAny(task)) continue;
    const when = check(task.when, TASK_VARIABLES, () => `tasks[${index}].when`);
    if (!when.ok) return when;
    const input = check(task.inputExpression, TASK_VARIABLES, () => `tasks[${index}].input_expression`);
    if (!input.ok) return input;
    for (const [position, dependency] of task.dependencies.entries()) {
      const field = () => `tasks[${index}].dependencies[${position}].when`;
      const edge = check(dependency.when, EDGE_VARIABLES, field);
      if (!edge.ok) return edge;
    }
  }
  return check(spec.output, TASK_VARIABLES, () => 'output');
}

function hasAny({ when, inputExpression, dependencies }: TaskSpec): boolean {
  return when !== '' || inputExpression !== '' || dependencies.some((dependency) => dependency.when !== '');
}
