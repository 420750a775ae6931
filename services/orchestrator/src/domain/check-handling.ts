// Can what a specification says of failures and results be done? Found out at submission.

import { accept, type Refusal, type Result, reject } from './rejection.ts';
import type { SchemaChecker } from './schema.ts';
import { PLAIN_HANDLING, type RunSpec, type TaskSpec } from './spec.ts';

/** Of all different schemas of a run: bounds what compiling them takes. */
const MAX_SCHEMAS = 32;
const CAUSE_CHARACTERS = 300;

export function checkHandling(spec: RunSpec, schemas: SchemaChecker): Result<true> {
  const checked = new Set<string>();
  const unusable = spec.inputSchema === '' ? undefined : schemas.problemOf(spec.inputSchema);
  if (unusable !== undefined) {
    const message = `the input schema cannot be used: ${unusable.slice(0, CAUSE_CHARACTERS).toWellFormed()}`;
    return reject('INVALID_FIELD', message, {}, 'input_schema');
  }
  for (const [index, task] of spec.tasks.entries()) {
    if (task.handling === PLAIN_HANDLING) continue;
    const refused = refuseRules(task, index) ?? refuseSchemas(task, index, schemas, checked);
    if (refused !== undefined) return refused;
  }
  return accept(true);
}

function refuseRules({ key, handling }: TaskSpec, index: number): Refusal | undefined {
  for (const [position, { action }] of handling.errorRules.entries()) {
    if (action.type !== 'FALL_BACK' || handling.fallback !== '') continue;
    const message = `an error rule of task "${key}" falls back, but the task names no fallback; name one`;
    return reject('INVALID_FIELD', message, { key }, `tasks[${index}].error_rules[${position}].action`);
  }
  return undefined;
}

function refuseSchemas(
  { key, handling }: TaskSpec,
  index: number,
  schemas: SchemaChecker,
  checked: Set<string>,
): Refusal | undefined {
  for (const [position, { check }] of handling.guardrails.entries()) {
    if (check.type !== 'SCHEMA' || checked.has(check.schema)) continue;
    const field = `tasks[${index}].guardrails[${position}].schema`;
    if (checked.size === MAX_SCHEMAS) {
      const message = `the run has more than ${MAX_SCHEMAS} different schemas; use fewer`;
      return reject('INVALID_FIELD', message, { key }, field);
    }
    checked.add(check.schema);
    const problem = schemas.problemOf(check.schema);
    if (problem === undefined) continue;
    const message = `a guardrail of task "${key}" has no usable schema: ${problem.slice(0, CAUSE_CHARACTERS).toWellFormed()}`;
    return reject('INVALID_FIELD', message, { key }, field);
  }
  return undefined;
}
