// What does a manager's answer say, as it is written (C.6)? What it means for the run is up to manager-decision.ts.

import type { Json } from './expression.ts';

export interface Decision {
  readonly run: readonly Choice[];
  /** Tasks in the JSON form of TaskSpec. */
  readonly add: readonly Json[];
  readonly done: boolean;
  readonly output: Json;
  /** Undefined: it does not give up. */
  readonly fail: string | undefined;
}

export interface Choice {
  readonly task: string;
  /** Empty: any executor. */
  readonly executor: string;
}

export type Reading =
  | { readonly ok: true; readonly decision: Decision }
  | { readonly ok: false; readonly cause: string };

const FIELDS = ['run', 'add', 'done', 'output', 'fail'];
/** Of what is quoted of an answer: it may be anything. */
const SHOWN_CHARACTERS = 100;

type JsonObject = { readonly [name: string]: Json };

export function readDecision(json: Json): Reading {
  if (!isObject(json)) return bad(`it is ${shown(json)}, not a JSON object with run, add, done or fail`);
  const unknown = Object.keys(json).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined)
    return bad(`it has the field ${shown(unknown)}; it may have ${FIELDS.join(', ')}`);
  const { run = [], add = [], done = false, output, fail } = json;
  if (!isList(run)) return bad(`run is ${shown(run)}, not a list`);
  if (!isList(add)) return bad(`add is ${shown(add)}, not a list`);
  if (typeof done !== 'boolean') return bad(`done is ${shown(done)}, neither true nor false`);
  if (fail !== undefined && typeof fail !== 'string') return bad(`fail is ${shown(fail)}, not a text`);
  if (output !== undefined && !done) return bad('it has an output without done: true');
  const ends = done || fail !== undefined;
  if (ends && (run.length > 0 || add.length > 0))
    return bad('it ends the run and goes on; do one of the two');
  if (done && fail !== undefined) return bad('it has done and fail; keep one of the two');
  const choices: Choice[] = [];
  for (const each of run) {
    const choice = choiceOf(each);
    if (choice === undefined)
      return bad(`run has ${shown(each)}, not {"task": KEY} or {"task": KEY, "executor": ID}`);
    choices.push(choice);
  }
  return { ok: true, decision: { run: choices, add, done, output: output ?? null, fail } };
}

function choiceOf(json: Json): Choice | undefined {
  if (!isObject(json)) return undefined;
  const { task, executor = '', ...rest } = json;
  if (typeof task !== 'string' || typeof executor !== 'string' || Object.keys(rest).length > 0)
    return undefined;
  return { task, executor };
}

function bad(cause: string): Reading {
  return { ok: false, cause };
}

function isObject(json: Json): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

function shown(json: Json): string {
  return (JSON.stringify(json) ?? 'nothing').slice(0, SHOWN_CHARACTERS).toWellFormed();
}
