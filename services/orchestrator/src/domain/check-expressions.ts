// Can every expression of a specification be used? Found out at submission, not when its time comes.

import type { ExpressionCompiler } from './expression.ts';
import { accept, type Refusal, type Result, reject } from './rejection.ts';
import { type Flow, PLAIN_HANDLING, type RunSpec, type TaskSpec } from './spec.ts';
import {
  EDGE_VARIABLES,
  INPUT_VARIABLES,
  RESULT_VARIABLES,
  TASK_VARIABLES,
  UNDO_VARIABLES,
} from './variables.ts';

/** Of all different expressions of a run: bounds what compiling them takes. */
const MAX_EXPRESSION_CHARACTERS = 262_144;
/** A cause may quote the expression; an error has to fit into the trailers of an answer. */
const CAUSE_CHARACTERS = 300;

export function checkExpressions(spec: RunSpec, compiler: ExpressionCompiler): Result<true> {
  const checked = new Set<string>();
  let characters = 0;

  function check({ text, names, field }: Placed): Refusal | undefined {
    const known = `${names.join()} ${text}`;
    if (text === '' || checked.has(known)) return undefined;
    checked.add(known);
    characters += text.length;
    if (characters > MAX_EXPRESSION_CHARACTERS) {
      const message = `the expressions of the run have more than ${MAX_EXPRESSION_CHARACTERS} characters in all; use fewer or shorter ones`;
      return reject('INVALID_EXPRESSION', message, { cause: message }, field);
    }
    const compiled = compiler.compile(text, names);
    if (compiled.ok) return undefined;
    const cause = compiled.cause.slice(0, CAUSE_CHARACTERS).toWellFormed();
    return reject('INVALID_EXPRESSION', `${field}: ${cause}`, { cause }, field);
  }

  for (const [index, task] of spec.tasks.entries()) {
    if (!hasAny(task)) continue;
    for (const placed of expressionsOf(task, `tasks[${index}]`)) {
      const refused = check(placed);
      if (refused !== undefined) return refused;
    }
  }
  return check({ text: spec.output, names: TASK_VARIABLES, field: 'output' }) ?? accept(true);
}

/** An expression and where it stands. */
interface Placed {
  readonly text: string;
  readonly names: readonly string[];
  readonly field: string;
}

function* expressionsOf(task: TaskSpec, at: string): Iterable<Placed> {
  const { work, flow, handling } = task;
  yield { text: task.when, names: TASK_VARIABLES, field: `${at}.when` };
  yield { text: task.inputExpression, names: INPUT_VARIABLES, field: `${at}.input_expression` };
  for (const [position, { when }] of task.dependencies.entries()) {
    yield { text: when, names: EDGE_VARIABLES, field: `${at}.dependencies[${position}].when` };
  }
  if (work.type === 'EXPRESSION')
    yield { text: work.text, names: INPUT_VARIABLES, field: `${at}.expression` };
  yield* expressionsOfFlow(flow, at);
  for (const [position, { check }] of handling.guardrails.entries()) {
    if (check.type !== 'EXPRESSION') continue;
    yield { text: check.text, names: RESULT_VARIABLES, field: `${at}.guardrails[${position}].check` };
  }
  const undo = handling.compensation?.inputExpression ?? '';
  yield { text: undo, names: UNDO_VARIABLES, field: `${at}.compensation.input_expression` };
}

function* expressionsOfFlow({ foreach, repeat, sendBack }: Flow, at: string): Iterable<Placed> {
  const items = foreach?.itemsExpression ?? '';
  yield { text: items, names: TASK_VARIABLES, field: `${at}.foreach.items_expression` };
  yield { text: repeat?.until ?? '', names: RESULT_VARIABLES, field: `${at}.repeat.until` };
  yield { text: repeat?.nextInput ?? '', names: RESULT_VARIABLES, field: `${at}.repeat.next_input` };
  for (const [position, { when, reason }] of sendBack.entries()) {
    yield { text: when, names: RESULT_VARIABLES, field: `${at}.send_back[${position}].when` };
    yield { text: reason, names: RESULT_VARIABLES, field: `${at}.send_back[${position}].reason` };
  }
}

function hasAny({ when, inputExpression, dependencies, work, flow, handling }: TaskSpec): boolean {
  return (
    when !== '' ||
    inputExpression !== '' ||
    work.type === 'EXPRESSION' ||
    mayHold(flow) ||
    handling !== PLAIN_HANDLING ||
    dependencies.some((dependency) => dependency.when !== '')
  );
}

function mayHold({ foreach, repeat, sendBack }: Flow): boolean {
  return foreach !== undefined || repeat !== undefined || sendBack.length > 0;
}
