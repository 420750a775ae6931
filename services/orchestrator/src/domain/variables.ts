// What may an expression know, and what does it come to for a run as it stands?

import { isUndo } from './compensation.ts';
import type { TaskError } from './events.ts';
import type { Evaluation, Json } from './expression.ts';
import { edgesSeenBy, foreachAround, specOf, taskOf } from './lookup.ts';
import { isManager } from './manager.ts';
import { EMPTY_PAYLOAD, MAX_PAYLOAD_BYTES, type Payload } from './payload.ts';
import type { RunState } from './state.ts';

/** Of a task's own expressions and of the run's output. */
export const TASK_VARIABLES: readonly string[] = Object.freeze(['input', 'results', 'states', 'errors']);
/** Of the condition of an edge. */
export const EDGE_VARIABLES: readonly string[] = Object.freeze(['input', 'result', 'state', 'error']);

/** Of what a task is given, and of an expression that is its work: also which item and iteration it is about. */
export const INPUT_VARIABLES: readonly string[] = Object.freeze([
  ...TASK_VARIABLES,
  'item',
  'index',
  'iteration',
]);
/** Of what judges a result: guardrails, the end of a repeat, a send-back. */
export const RESULT_VARIABLES: readonly string[] = Object.freeze([...TASK_VARIABLES, 'result', 'iteration']);
/** Of what a compensation is given. */
export const UNDO_VARIABLES: readonly string[] = Object.freeze(['input', 'result']);

/** Variables beside those of the task's dependencies: which may be named, and what they are. */
export interface Scope {
  readonly names: readonly string[];
  readonly values: Readonly<Record<string, Json>>;
  /** The `result` that cannot be seen, in words. */
  readonly apart?: string;
}

const TASK_SCOPE: Scope = Object.freeze({ names: TASK_VARIABLES, values: Object.freeze({}) });

/** Of all payloads that one evaluation may see: bounds what reading them takes. */
const MAX_VARIABLE_BYTES = 8_388_608;

/** Of those that a cause names one by one. */
const MAX_NAMED_APART = 3;

/** With the variables of a task: its dependencies by name, and what the scope adds. */
export function evaluateForTask(run: RunState, task: number, text: string, scope = TASK_SCOPE): Evaluation {
  const named = edgesSeenBy(run, task).map(({ upstream, alias }) => ({
    name: alias === '' ? specOf(run, upstream).key : alias,
    task: upstream,
  }));
  return evaluateOver(run, named, text, scope);
}

/** Of a repeat; of any other task, how often it has been begun: counted from 1. Of an item, that of its foreach. */
export function iterationOf(run: RunState, task: number): number {
  const begun = foreachAround(run, task) ?? task;
  const { repeat } = specOf(run, begun).flow;
  const isRepeated = repeat !== undefined || isManager(run, begun);
  return isRepeated ? Math.max(1, taskOf(run, begun).more?.iteration ?? 0) : roundOf(run, begun);
}

/** How often the task has been begun: once, and once more each time that it was sent back or run again. */
export function roundOf(run: RunState, task: number): number {
  return 1 + (taskOf(run, task).more?.resets ?? 0);
}

/** What judges a result sees of it; the name is left out where nothing can be seen. */
export function resultScope(run: RunState, result: Payload, iteration: number): Scope {
  const seen = run.graph.readPayload(result);
  return {
    names: RESULT_VARIABLES,
    values: seen === undefined ? { iteration } : { iteration, result: seen },
    ...resultApart(result),
  };
}

function resultApart({ ref }: Payload): Pick<Scope, 'apart'> {
  return ref === undefined ? {} : { apart: `its own result (${ref.sizeBytes} bytes)` };
}

/** A compensation sees what it undoes. */
function undoScope(run: RunState, owner: number): Scope {
  const { result = EMPTY_PAYLOAD } = taskOf(run, owner);
  const seen = run.graph.readPayload(result);
  const values = seen === undefined ? {} : { result: seen };
  return { names: UNDO_VARIABLES, values, ...resultApart(result) };
}

/** Where a task stands among the items and iterations of its loop: left out where there is none. */
export function inputScope(run: RunState, task: number): Scope {
  const owner = run.owners.get(task);
  if (owner !== undefined && isUndo(specOf(run, task))) return undoScope(run, owner);
  const iteration = iterationOf(run, task);
  const place = /#(\d+)$/.exec(specOf(run, task).key);
  if (place === null || owner === undefined) return { names: INPUT_VARIABLES, values: { iteration } };
  const item = run.graph.readPayload(specOf(run, task).input);
  const values = { iteration, index: Number(place[1]) };
  return { names: INPUT_VARIABLES, values: item === undefined ? values : { ...values, item } };
}

/** With the variables of the run's output: all tasks by key. */
export function evaluateForRun(run: RunState, text: string): Evaluation {
  const named = run.graph.spec.tasks.map(({ key }, task) => ({ name: key, task }));
  return evaluateOver(run, named, text, TASK_SCOPE);
}

/** With the variables of an edge from `upstream`, which is final. */
export function evaluateForEdge(run: RunState, upstream: number, text: string): Evaluation {
  const compiled = run.graph.expressions.compile(text, EDGE_VARIABLES);
  if (!compiled.ok) return compiled;
  const { state, result, error } = taskOf(run, upstream);
  const seen = result === undefined ? null : run.graph.readPayload(result);
  const variables: Record<string, Json> = {
    state,
    error: error === undefined ? null : jsonOfError(run, error),
  };
  if (seen !== undefined) variables.result = seen;
  const { variables: used } = compiled.expression;
  addInput(run, used, variables);
  const apart = used.has('result') ? namedApart(run, [{ name: '', task: upstream }]) : [];
  return explained(compiled.expression.evaluate(variables), apart, run, used);
}

interface NamedTask {
  readonly name: string;
  readonly task: number;
}

function evaluateOver(run: RunState, named: readonly NamedTask[], text: string, scope: Scope): Evaluation {
  const compiled = run.graph.expressions.compile(text, scope.names);
  if (!compiled.ok) return compiled;
  const { variables: used } = compiled.expression;
  const variables: Record<string, Json> = { ...scope.values };
  addInput(run, used, variables);
  if (used.has('results')) {
    const sizeBytes = resultBytes(run, named);
    if (sizeBytes > MAX_VARIABLE_BYTES) {
      const cause = `the results have ${sizeBytes} bytes, expressions may see ${MAX_VARIABLE_BYTES}`;
      return { ok: false, cause };
    }
    variables.results = mapOf(named, ({ task }) => readable(run, taskOf(run, task).result));
  }
  if (used.has('states')) variables.states = mapOf(named, ({ task }) => taskOf(run, task).state);
  if (used.has('errors')) {
    variables.errors = mapOf(named, ({ task }) => {
      const { error } = taskOf(run, task);
      return error === undefined ? undefined : jsonOfError(run, error);
    });
  }
  const apart = used.has('results') ? namedApart(run, named) : [];
  if (scope.apart !== undefined && used.has('result')) apart.push(scope.apart);
  return explained(compiled.expression.evaluate(variables), apart, run, used);
}

/** Those results that are stored apart, in words; expressions see nothing of them (B.4). */
function namedApart(run: RunState, named: readonly NamedTask[]): string[] {
  const apart: string[] = [];
  for (const { task } of named) {
    const ref = taskOf(run, task).result?.ref;
    if (ref !== undefined) apart.push(`the result of "${specOf(run, task).key}" (${ref.sizeBytes} bytes)`);
  }
  return apart;
}

/** A failure may come of what is stored apart: the cause tells of it. */
function explained(
  evaluation: Evaluation,
  results: readonly string[],
  run: RunState,
  used: ReadonlySet<string>,
): Evaluation {
  if (evaluation.ok) return evaluation;
  const ref = used.has('input') ? run.graph.spec.input.ref : undefined;
  const apart = ref === undefined ? results : [`the input of the run (${ref.sizeBytes} bytes)`, ...results];
  if (apart.length === 0) return evaluation;
  const more = apart.length > MAX_NAMED_APART ? ` and ${apart.length - MAX_NAMED_APART} more` : '';
  const named = `${apart.slice(0, MAX_NAMED_APART).join(', ')}${more}`;
  const cause = `${evaluation.cause}; expressions do not see what is stored apart, being larger than ${MAX_PAYLOAD_BYTES} bytes: ${named}`;
  return { ok: false, cause };
}

/** What cannot be read has no entry: asking for it fails, and says so. */
function mapOf(named: readonly NamedTask[], seenOf: (task: NamedTask) => Json | undefined): Json {
  const entries: [string, Json][] = [];
  for (const each of named) {
    const value = seenOf(each);
    if (value !== undefined) entries.push([each.name, value]);
  }
  return Object.fromEntries(entries); // Defines each key as its own property, `__proto__` too.
}

function addInput(run: RunState, used: ReadonlySet<string>, variables: Record<string, Json>): void {
  if (!used.has('input')) return;
  const seen = run.graph.readPayload(run.graph.spec.input);
  if (seen !== undefined) variables.input = seen;
}

function readable(run: RunState, payload: Payload | undefined): Json | undefined {
  return payload === undefined ? undefined : run.graph.readPayload(payload);
}

function jsonOfError(run: RunState, { code, message, details }: TaskError): Json {
  return { code, message, details: readable(run, details) ?? null };
}

function resultBytes(run: RunState, named: readonly NamedTask[]): number {
  let sizeBytes = 0;
  for (const { task } of named) sizeBytes += taskOf(run, task).result?.bytes.length ?? 0;
  return sizeBytes;
}
